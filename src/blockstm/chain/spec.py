"""The rules of a chain as JSON, which its folder keeps, so that it opens without a genesis.

What a chain has of its own is code, and no folder keeps code: it keeps which there was, and who
opens the folder brings it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from blockstm.chain.function_names import name_of
from blockstm.errors import ConfigError, StoreDamaged
from blockstm.ethereum import Activation, Fork, SystemCall, fork_named
from blockstm.ethereum import Chain as Spec
from blockstm.types import Address
from blockstm.vm.forks import BlobSchedule

__all__ = ["decode_spec", "encode_spec", "own_differences", "own_rules"]


def encode_spec(spec: Spec) -> bytes:
    """The forks of a chain and where they begin, and which rules it has of its own.

    Raises:
        ConfigError: one of its functions has no name, and the rules have none; see `name_of`.
    """
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
    if own := _own(spec):
        document["own"] = own
    return json.dumps(document, sort_keys=True).encode()


def decode_spec(encoded: bytes) -> Spec:
    """What `encode_spec` encoded, without rules of its own.

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


def own_rules(encoded: bytes) -> dict[str, Any]:
    """Which rules of its own `encode_spec` encoded."""
    found: dict[str, Any] = json.loads(encoded).get("own", {})
    return found


def own_differences(kept: bytes, given: Spec | None) -> list[str]:
    """Of which kinds the rules of its own of a kept chain are others than those of one given.

    Raises:
        ConfigError: as `encode_spec` does.
    """
    before, now = own_rules(kept), {} if given is None else _own(given)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _own(spec: Spec) -> dict[str, Any]:
    """What a chain has of its own: data as they are, functions by their names."""
    rules = spec.rules
    named = _alike if rules.name else name_of
    own: dict[str, Any] = {
        "precompiles": {f"0x{at.hex()}": named(spec.precompiles[at]) for at in spec.precompiles},
        "opcodes": {str(number): named(spec.opcodes[number]) for number in spec.opcodes},
        "transaction types": {
            str(each.number): [each.is_prepaid, named(each.decode), named(each.receipt)]
            for each in rules.transaction_types
        },
        "steps before transactions": [_named_step(each, named) for each in rules.before],
        "steps after transactions": [_named_step(each, named) for each in rules.after],
        "fees": [
            [each.recipient.hex(), named(each.amount), named(each.refund)] for each in rules.fees
        ],
        "recipient of the base fee": rules.base_fee_recipient and rules.base_fee_recipient.hex(),
        "contracts that send": rules.contracts_may_send,
        "base fee": spec.base_fee and named(spec.base_fee),
        "rule of headers": spec.header_rule and named(spec.header_rule),
    }
    own = {name: each for name, each in own.items() if each}
    return own | {"name": rules.name} if own and rules.name else own


def _alike(function: Any) -> str | None:
    """The same for all functions, where the rules have a name."""
    return None if function is None else "a function"


def _named_step(step: Any, named: Callable[[Any], str | None]) -> Any:
    if not isinstance(step, SystemCall):
        return named(step)
    given = step.input.hex() if isinstance(step.input, bytes) else named(step.input)
    return [step.target.hex(), given, step.sender.hex(), step.gas, step.must_succeed]


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
