"""Recorded JSON-RPC exchanges and the chain that they were recorded on. No test of its own.

The chain of ethereum/execution-apis: 54 blocks through all forks, which is executed once for all.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.ethereum.test_chain_imports import chain_of
from tests.fixtures import fixtures

import blockstm
from blockstm.ethereum import AccountState, Authorization, Block, Chain, Header, Message
from blockstm.ethereum.codecs.fields import Fields
from blockstm.types import Address, Hash32

ARCHIVE = "execution-apis"


@dataclass(frozen=True)
class Exchange:
    """A request's parameters and its answer; ``name`` is that of the file."""

    name: str
    params: list[Any]
    answer: dict[str, Any]

    @property
    def result(self) -> Any:
        return self.answer["result"]


@dataclass(frozen=True)
class Recorded:
    """The chain at its head; and the state after each block before."""

    chain: Chain
    blocks: list[Block]
    state: AccountState
    states: list[AccountState]

    @property
    def head(self) -> Header:
        return self.blocks[-1].header

    @property
    def block_hashes(self) -> dict[int, Hash32]:
        return {block.header.number: block.hash for block in self.blocks}

    @property
    def at_head(self) -> dict[str, Any]:
        """Where a call stands that is made at the head."""
        return {"block": self.head, "chain": self.chain, "block_hashes": self.block_hashes}


@cache
def recorded() -> Recorded:
    """The chain, executed to its head."""
    genesis, blocks = chain_of(ARCHIVE)
    assert genesis.chain is not None
    state, lineage = AccountState(genesis.accounts), [genesis.block]
    states = [state.copy()]
    total = genesis.block.header.difficulty
    for block in blocks:
        hashes = {each.header.number: each.hash for each in lineage}
        executed = blockstm.execute_block(
            block,
            state,
            vm="evm",
            chain=genesis.chain,
            parent=lineage[-1].header,
            block_hashes=hashes,
            total_difficulty=total,
        )
        state.apply(executed.writes)
        states.append(state.copy())
        lineage.append(block)
        total += block.header.difficulty
    return Recorded(genesis.chain, lineage, state, states)


@cache
def exchanges() -> dict[str, list[Exchange]]:
    """All recorded exchanges, by method."""
    found: dict[str, list[Exchange]] = {}
    with tarfile.open(fixtures() / f"{ARCHIVE}.tar.xz") as archive:
        for member in archive:
            if not member.name.endswith(".io"):
                continue
            file = archive.extractfile(member)
            assert file is not None
            name = member.name.rsplit("/", 1)[-1].removesuffix(".io")
            for method, exchange in _read(name, file.read().decode()):
                found.setdefault(method, []).append(exchange)
    return found


def _read(name: str, text: str) -> Iterator[tuple[str, Exchange]]:
    request: dict[str, Any] = {}
    for line in text.splitlines():
        if line.startswith(">> "):
            request = json.loads(line[3:])
        elif line.startswith("<< "):
            yield request["method"], Exchange(name, request.get("params", []), json.loads(line[3:]))


def exchange_of(method: str, name: str) -> Exchange:
    """The first exchange of a file."""
    return next(each for each in exchanges()[method] if each.name == name)


# ---- from JSON


def number(text: str | None) -> int | None:
    """A quantity; None where there is none."""
    return None if text is None else int(text, 16)


def data(text: str | None) -> bytes | None:
    """Bytes; None where there are none."""
    return None if text is None else bytes.fromhex(text.removeprefix("0x"))


def address(text: str) -> Address:
    return Address(bytes.fromhex(text.removeprefix("0x")))


def message_of_json(call: dict[str, Any]) -> Message:
    """The message of a call object."""
    members: dict[str, Any] = {
        "sender": address(call.get("from", "0x" + "00" * 20)),
        "to": data(call.get("to")),
        "value": number(call.get("value", "0x0")),
        "data": data(call.get("input", call.get("data", "0x"))),
        "gas": number(call.get("gas")),
        "nonce": number(call.get("nonce")),
        "gas_price": number(call.get("gasPrice")),
        "max_fee_per_gas": number(call.get("maxFeePerGas", "0x0")),
        "max_priority_fee_per_gas": number(call.get("maxPriorityFeePerGas", "0x0")),
        "max_fee_per_blob_gas": number(call.get("maxFeePerBlobGas", "0x0")),
    }
    if "blobVersionedHashes" in call:
        members["blob_hashes"] = tuple(map(data, call["blobVersionedHashes"]))
    if "authorizationList" in call:
        members["authorizations"] = tuple(
            Authorization.from_fields(Fields(each, "authorization"))
            for each in call["authorizationList"]
        )
    if "accessList" in call:
        members["access_list"] = tuple(
            (data(each["address"]), tuple(int(key, 16) for key in each["storageKeys"]))
            for each in call["accessList"]
        )
    return Message(**members)
