"""The rules of a chain as JSON, which its folder keeps, so that it opens without a genesis."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from blockstm.errors import ConfigError, StoreDamaged
from blockstm.ethereum import Activation, Fork, fork_named
from blockstm.ethereum import Chain as Spec
from blockstm.types import Address
from blockstm.vm.forks import BlobSchedule

__all__ = ["decode_spec", "encode_spec"]


def encode_spec(spec: Spec) -> bytes:
    """The forks of a chain and where they begin.

    Raises:
        ConfigError: it has precompiles or another member of its own that is code and not data.
    """
    for name in ("precompiles", "opcodes", "base_fee", "header_rule"):
        if getattr(spec, name):
            raise ConfigError(f"a chain on disk cannot have {name} of its own: these are no data")
    if spec.rules.runs_transactions:
        raise ConfigError("a chain on disk cannot have rules of its own: these are no data")
    document: dict[str, Any] = {
        "chainId": spec.chain_id,
        "depositContract": spec.deposit_contract.hex(),
        "ethash": spec.checks_seals,
        "fork": None if spec.fork is None else _fork_json(spec.fork),
        "activations": [
            {
                "fork": _fork_json(each.fork),
                "block": each.block,
                "timestamp": each.timestamp,
                "totalDifficulty": each.total_difficulty,
            }
            for each in spec.activations
        ],
    }
    if spec.netsplit_block is not None:
        document["netsplitBlock"] = spec.netsplit_block
    return json.dumps(document, sort_keys=True).encode()


def decode_spec(encoded: bytes) -> Spec:
    """What `encode_spec` encoded.

    Raises:
        StoreDamaged: it did not.
    """
    try:
        document = json.loads(encoded)
        fork = document["fork"]
        return Spec(
            document["chainId"],
            tuple(_activation(each) for each in document["activations"]),
            Address(bytes.fromhex(document["depositContract"])),
            document["ethash"],
            None if fork is None else _fork(fork),
            netsplit_block=document.get("netsplitBlock"),
        )
    except (ValueError, LookupError, TypeError, ConfigError) as error:
        raise StoreDamaged(f"the rules of the chain cannot be read: {error}") from error


def _activation(document: Any) -> Activation:
    return Activation(
        _fork(document["fork"]),
        document["block"],
        document["timestamp"],
        document["totalDifficulty"],
    )


def _fork_json(fork: Fork) -> dict[str, Any]:
    """A fork's name, and what this chain has otherwise than the fork of that name."""
    usual = asdict(fork_named(fork.name))
    return {"name": fork.name} | {
        name: value for name, value in asdict(fork).items() if value != usual[name]
    }


def _fork(document: dict[str, Any]) -> Fork:
    changed = dict(document)
    fork = fork_named(changed.pop("name"))
    if changed.get("blobs") is not None:
        changed["blobs"] = BlobSchedule(**changed["blobs"])
    return replace(fork, **changed)
