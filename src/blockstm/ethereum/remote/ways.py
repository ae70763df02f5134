"""How a node can be had to tell what a block reads: what it proves in one answer, or what it lists,
or value by value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blockstm.errors import DecodeError, NodeRefused, WrongAnswer
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.files.pre_state import parse_pre_state
from blockstm.ethereum.remote.client import NodeClient
from blockstm.ethereum.remote.state import RpcState
from blockstm.ethereum.witnesses.reading import parse_witness
from blockstm.ethereum.witnesses.state import WitnessState
from blockstm.state.account import Account
from blockstm.state.protocol import AccountFields, AccountInfo, State
from blockstm.types import Address, Hash32

__all__ = ["WAYS", "Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """A way, and the state before a block that it gives.

    Attributes:
        name: of the way.
        state: of a node, the number of the block before and the block, the state.
    """

    name: str
    state: Callable[[NodeClient, int, Block], State]


def by_witness(client: NodeClient, parent: int, block: Block) -> State:
    """``debug_executionWitness``: all nodes of the tries at once, which prove themselves.

    Raises:
        NodeRefused: it has none.
        WrongAnswer: it is of another state.
    """
    answer = client.ask("debug_executionWitness", shown(block.header.number))
    header = RpcState(client, parent, proofs=True).header
    try:
        witness = parse_witness(answer)
        if witness.parent_state_root != header.state_root:
            raise WrongAnswer("the witness is not of the state that the block stands on")
        return WitnessState(witness)
    except DecodeError as error:
        raise WrongAnswer(f"what should be a witness is none: {error}") from None


def by_proofs(client: NodeClient, parent: int, block: Block) -> State:
    """``eth_getProof``: of all that a trace lists at once, if there is one, then of the rest."""
    state = RpcState(client, parent, proofs=True)
    try:
        listed = _listed(client, block)
    except (NodeRefused, WrongAnswer):
        listed = {}
    state.prefetch_block(block)
    state.prefetch(listed, {address: tuple(each.storage) for address, each in listed.items()})
    return state


def by_trace(client: NodeClient, parent: int, block: Block) -> State:
    """``prestateTracer``: the node is believed; what the trace lacks is asked for by itself."""
    return _Listed(_listed(client, block), RpcState(client, parent, proofs=False))


def by_slots(client: NodeClient, parent: int, block: Block) -> State:
    """``eth_getBalance`` and its like, value by value: the node is believed."""
    state = RpcState(client, parent, proofs=False)
    state.prefetch_block(block)
    return state


WAYS: Final = {
    "witness": Way("witness", by_witness),
    "proofs": Way("proofs", by_proofs),
    "prestate": Way("prestate", by_trace),
    "slots": Way("slots", by_slots),
}
"""Name → way, in the order in which they are tried."""


def _listed(client: NodeClient, block: Block) -> Mapping[Address, Account]:
    config = {"tracer": "prestateTracer"}
    answer = client.ask("debug_traceBlockByNumber", shown(block.header.number), config)
    try:
        return parse_pre_state(answer, "trace", block)
    except DecodeError as error:
        raise WrongAnswer(f"what should be a trace is none: {error}") from None


class _Listed:
    """A state whose accounts a trace lists, with another for what that lacks. Any thread."""

    def __init__(self, accounts: Mapping[Address, Account], below: RpcState) -> None:
        self._accounts = accounts
        self._below = below
        self._codes = {
            each.code_hash: each.code for each in accounts.values() if each.code is not None
        }

    def account(self, address: Address) -> AccountFields | None:
        """See `blockstm.ethereum.State`."""
        found = self._accounts.get(address)
        if found is None:
            return self._below.account(address)
        return AccountInfo(found.balance, found.nonce, found.code_hash, found.has_storage)

    def storage(self, address: Address, slot: int) -> int:
        """See `blockstm.ethereum.State`."""
        found = self._accounts.get(address)
        value: Any = None if found is None else found.storage.get(slot)
        return self._below.storage(address, slot) if value is None else int(value)

    def code(self, code_hash: Hash32) -> bytes:
        """See `blockstm.ethereum.State`."""
        code = self._codes.get(code_hash)
        return self._below.code(code_hash) if code is None else code
