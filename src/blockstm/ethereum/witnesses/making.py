"""The witness of a block, made by running it on the state of its parent: no more than it needs.

The block runs once in order, on a state that remembers what it is asked. The nodes on the ways to
that, and to what the block changes, are its witness, with those that removals need: they come one
by one, each when the root of the state after the block asks for it. At last the block is verified
on the witness alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from blockstm.errors import BlockError, InternalError, MissingNode, StateError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.ethereum.witnesses.collapses import (
    Place,
    child_of_joined,
    key_through,
    places_below,
)
from blockstm.ethereum.witnesses.state import WitnessState
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.state.changes import AccountChanges
from blockstm.state.protocol import AccountFields, State
from blockstm.types import Address, Hash32

__all__ = ["make_witness", "run_with_headers"]

Way = tuple[Address | None, bytes, list[bytes]]
"""The way to an account, or to a slot of an account: whose slot, the hashed key, the nodes."""


class Run(Protocol):
    """Executes and verifies the block of a witness, in order."""

    def __call__(self, state: Any, block_hashes: Mapping[int, Hash32], /) -> Any: ...


def make_witness(
    block: Block,
    state: State,
    trie: StateTrie,
    run: Run,
    header_before: Callable[[Header], Header],
    node_at: Callable[[Place], bytes | None],
) -> Witness:
    """The witness of a block.

    Args:
        block: which is valid.
        state: after its parent.
        trie: the tries of that state.
        run: executes the block on a state with some hashes of blocks before it.
        header_before: gives the header of a block's parent.
        node_at: a node that may be the one at a place, or None.

    Raises:
        BlockError: the block is invalid, or the state cannot be read.
        StateError: a node that a removal needs cannot be found.
    """
    asked = _Asked(state, trie)
    headers = run_with_headers(block, asked, run, header_before)

    def check(witness: Witness) -> None:
        run(WitnessState(witness), witness.ancestry(block)[1])

    return _witness_of(asked, trie, node_at, headers, check)


def make_witness_without_headers(
    state: State, trie: StateTrie, run: Callable[[Any], Any]
) -> Witness:
    """What a run asks of a state, with its proof; for what is no block of a chain yet.

    Args:
        state: that is complete.
        trie: the tries of that state.
        run: runs on a state, and asks for its root afterwards (``root_after``).

    Raises:
        BlockError: what ``run`` raises.
    """
    asked = _Asked(state, trie)
    run(asked)
    # Nodes that removals need are found by keys of any kind that lead to their places.
    return _witness_of(
        asked, trie, lambda place: None, (), lambda witness: run(WitnessState(witness))
    )


def _witness_of(
    asked: _Asked,
    trie: StateTrie,
    node_at: Callable[[Place], bytes | None],
    headers: tuple[Header, ...],
    check: Callable[[Witness], Any],
) -> Witness:
    """The witness of a run that has asked for this, and does well on it alone."""
    nodes = _Nodes(asked, trie, node_at)
    _add_what_the_root_needs(nodes, asked, trie)
    codes = tuple(sorted(asked.codes | asked.codes_created_again()))
    while True:
        witness = Witness(trie.root, tuple(sorted(nodes.found)), codes, headers)
        try:
            check(witness)
        except (MissingNode, StateError) as error:
            missing = error if isinstance(error, MissingNode) else error.__cause__
            if not isinstance(missing, MissingNode):
                raise
            nodes.add_missing(missing)
        else:
            return witness


def _add_what_the_root_needs(nodes: _Nodes, asked: _Asked, trie: StateTrie) -> None:
    """Add what removals of the whole block need; its receipts may need more, before Byzantium."""
    state = WitnessState(Witness(trie.root, tuple(nodes.found)))
    for changes in asked.changes[-1:]:
        while True:
            try:
                state.root_after(changes)
            except MissingNode as missing:
                state.trie.add_nodes([nodes.add_missing(missing)])
            else:
                break


def run_with_headers(
    block: Block, state: State, run: Run, header_before: Callable[[Header], Header]
) -> tuple[Header, ...]:
    """Run a block; the headers that lead back to the oldest block that it asks the hash of.

    Raises:
        BlockError: see `make_witness`.
    """
    headers = [header_before(block.header)]
    hashes = {int(headers[0].number): block.header.parent_hash}
    while True:
        try:
            run(state, hashes)
        except BlockError as error:
            wanted = getattr(error.__cause__, "block_number", None)
            if wanted is None or wanted in hashes:
                raise
            while wanted not in hashes:
                last = headers[-1]
                hashes[int(last.number) - 1] = last.parent_hash
                if wanted not in hashes:
                    headers.append(header_before(last))
        else:
            return tuple(reversed(headers))


class _Asked:
    """A state that remembers what it is asked, and what changes it is given."""

    def __init__(self, state: State, trie: StateTrie) -> None:
        self._state = state
        self._trie = trie
        self.slots: defaultdict[Address, set[int]] = defaultdict(set)
        self.codes: set[bytes] = set()
        self.changes: list[AccountChanges] = []

    def account(self, address: Address) -> AccountFields | None:
        self.slots[address].update(())
        return self._state.account(address)

    def storage(self, address: Address, slot: int) -> int:
        self.slots[address].add(slot)
        return self._state.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        code = self._state.code(code_hash)
        self.codes.update({code} - {b""})
        return code

    def codes_created_again(self) -> set[bytes]:
        """Codes that accounts had and the block gave to others, too: once it has, nobody asks."""
        created = {each for changes in self.changes for each in changes.codes}
        accounts = filter(None, map(self._state.account, self.slots))
        again = {Hash32(each.code_hash) for each in accounts if each.code_hash in created}
        return set(map(self._state.code, again))

    def root_after(self, writes: AccountChanges) -> Hash32:
        self.changes.append(writes)
        for address, change in writes.items():
            self.slots[address].update(change.storage)
        after = self._trie.copy()
        after.apply(writes, self._state)
        return after.root


class _Nodes:
    """The nodes of a witness: those on the ways to what a block asked for, and what is added."""

    def __init__(
        self, asked: _Asked, trie: StateTrie, node_at: Callable[[Place], bytes | None]
    ) -> None:
        self.found: set[bytes] = set()
        self._asked = asked
        self._trie = trie
        self._node_at = node_at
        self._places: dict[Hash32, Place] = {}
        self._after: list[Way] | None = None
        for owner, key, nodes in self._ways(trie):
            self._places.update(places_below(owner, key, nodes))
            self.found.update(nodes)

    def _ways(self, trie: StateTrie) -> list[Way]:
        """The ways to all that was asked for."""
        ways: list[Way] = []
        for address, slots in self._asked.slots.items():
            proof = trie.prove(address, slots)
            ways.append((None, keccak(address), proof.nodes))
            ways += [
                (address, keccak(slot.to_bytes(32, "big")), nodes)
                for slot, (_, nodes) in proof.storage.items()
            ]
        return ways

    def add_missing(self, missing: MissingNode) -> bytes:
        """Add a node that a removal needs, and return it.

        Raises:
            StateError: it cannot be found.
            InternalError: it is on no way that is known.
        """
        place = self._places.get(Hash32(missing.hash))
        if place is None:
            raise InternalError(f"a block needs a node beside what it asked for: {missing}")
        for find in (self._node_at, self._joined, self._by_key):
            node = find(place)
            if node is not None and keccak(node) == missing.hash:
                self.found.add(node)
                return node
        raise StateError(f"not found: a node that a removal needs, 0x{missing.hash.hex()}", None)

    def _joined(self, place: Place) -> bytes | None:
        for owner, key, nodes in self._ways_after():
            node = child_of_joined(place, key, nodes) if owner == place.owner else None
            if node is not None:
                return node
        return None

    def _ways_after(self) -> list[Way]:
        """The ways to all that was asked for in the states after the block's changes."""
        if self._after is None:
            self._after = []
            for changes in self._asked.changes:
                after = self._trie.copy()
                after.apply(changes, None)
                self._after += self._ways(after)
        return self._after

    def _by_key(self, place: Place) -> bytes | None:
        key = key_through(place)
        if key is None:
            return None
        if place.owner is None:
            nodes = self._trie.prove(Address(key)).nodes
        else:
            slot = int.from_bytes(key, "big")
            nodes = self._trie.prove(place.owner, [slot]).storage[slot][1]
        return next((each for each in nodes if self._places.get(keccak(each)) == place), None)
