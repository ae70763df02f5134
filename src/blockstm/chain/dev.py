"""`DevChain`: a chain in memory that is grown and edited by a developer.

What is edited belongs to the state after the head: it is found there at once, and no header tells
of it. The block that comes next begins from it, so that its own header has the root of all that
has changed since its parent's. Thus each state but those that were edited has the root that its
header says, and so has each on the way there and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from blockstm.chain.chain import Chain, Which
from blockstm.chain.importing import ImportedBlock
from blockstm.chain.states import ChainState
from blockstm.errors import InputError, InternalError, UsageError
from blockstm.ethereum import (
    Account,
    AccountState,
    Block,
    BuiltBlock,
    Header,
    StateTrie,
    Witness,
)
from blockstm.hints import HintSource
from blockstm.hints.options import BlockHints, check_source
from blockstm.state.changes import AccountChange, RecordedChanges
from blockstm.state.overlay import merged
from blockstm.types import Address, Hash32

__all__ = ["DevChain", "EditedState", "Edits", "Mark"]

Edits = Mapping[Address, AccountChange]
"""Address → what is changed of the account there."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a `DevChain` stood, to go back to.

    Attributes:
        head: the hash of its head.
        edits: what was edited of the state after that.
    """

    head: Hash32
    edits: Edits


class DevChain(Chain):
    """A `Chain` whose blocks are built, not imported, and whose state can be edited.

    `DevChain.in_memory` begins one; with ``window=None`` it can go back to any of its blocks.
    Thread-safety: as a `Chain`.

    >>> from blockstm.state.changes import AccountChange
    >>> genesis = {"config": {"chainId": 1337}, "alloc": {}}
    >>> with DevChain.in_memory(genesis, window=None) as chain:
    ...     chain.edit({Address(bytes(20)): AccountChange(balance=5)})
    ...     chain.state_at(0).account(bytes(20)).balance
    5
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        """For `in_memory`."""
        super().__init__(*given, **options)
        self._edited: dict[Hash32, _Edited] = {}

    # ---- the state after the head

    def edit(self, changes: Edits) -> None:
        """Change accounts of the state after the head, at once.

        Args:
            changes: address → `blockstm.state.changes.AccountChange`, with the code where that
                changes.
        """
        with self._importing:
            self._open_importer()
            head = self.head.hash
            self._put(head, _followed_by(self._edits_of(head), changes))

    def _put(self, block_hash: Hash32, edits: Edits) -> None:
        """Have the state after a block be edited so, and no other way."""
        if not edits:
            self._edited.pop(block_hash, None)
            return
        trie = super().state_at(block_hash).trie.copy()
        trie.update(edits)
        codes = {each.code_hash: each.code for each in edits.values() if each.code is not None}
        self._edited[block_hash] = _Edited(edits, trie, codes)

    def _edits_of(self, block_hash: Hash32) -> Edits:
        edited = self._edited.get(block_hash)
        return {} if edited is None else edited.edits

    def state_at(self, which: Which) -> ChainState:
        """The state after a block, with what was edited of it; see `Chain.state_at`.

        An edited one is an `EditedState`, whose root is not that of the header.
        """
        state = super().state_at(which)
        edited = self._edited.get(state.hash)
        return state if edited is None else EditedState.of(state, edited)

    def accounts(self) -> dict[Address, Account]:
        """All accounts of the state after the head, with what was edited of it."""
        with self._importing:
            self._open_importer()
            edits = self._edits_of(self.head.hash)
            assert self._working is not None
            assert self._working.at == self.head.hash
            found = dict(self._working.state.accounts())
        if edits:
            edited = AccountState({each: found.get(each, Account()) for each in edits})
            edited.apply(edits)
            for address in edits:
                found.pop(address, None)
            found |= edited.accounts()
        return found

    # ---- growing

    def append(self, built: BuiltBlock) -> ImportedBlock:
        """Make a block that was built on the state after the head the head.

        It is not executed again; that its root is that of the state is checked.

        Raises:
            InputError: it stands on another block.
            InternalError: its header has another root; the chain is as it was.
        """
        block, executed = built.block, built.executed
        with self._importing:
            importer = self._open_importer()
            parent = self.head.hash
            if block.header.parent_hash != parent:
                raise InputError(
                    f"it stands on 0x{block.header.parent_hash.hex()}, not on the head"
                )
            edits = self._edits_of(parent)
            if edits:
                whole = RecordedChanges.of(_followed_by(edits, executed.writes))
                executed = replace(executed, writes=whole)
            self._check_root(parent, block.header, executed.writes)
            imported = importer.take_executed(block, executed)
            self._edited.pop(block.hash, None)  # of the same block, before the chain went back
            self._commit()
            return imported

    def _check_root(self, parent: Hash32, header: Header, writes: Any) -> None:
        after = super().state_at(parent).trie.copy()
        after.apply(writes, None)
        if after.root != header.state_root:
            raise InternalError(
                f"block {header.number} says root 0x{header.state_root.hex()}, and what it changes "
                f"gives 0x{after.root.hex()}"
            )

    def import_block(
        self, block: Block | bytes, *, hints: BlockHints | None = None
    ) -> ImportedBlock:
        """See `Chain.import_block`.

        Raises:
            UsageError: its parent's state was edited, which the block knows nothing of.
        """
        decoded = block if isinstance(block, Block) else Block.decode(block, rules=self.spec.rules)
        if self._edits_of(decoded.header.parent_hash):
            raise UsageError("a block is not imported on a state that was edited: build one")
        return super().import_block(decoded, hints=hints)

    def import_blocks(
        self,
        blocks: Iterable[Block | bytes],
        *,
        pipelined: bool = False,
        hints: HintSource | None = None,
    ) -> Any:
        """`import_block` for many, one after another."""
        check_source(hints)
        return (self.import_block(each, hints=hints) for each in blocks)

    # ---- going back

    def mark(self) -> Mark:
        """Where the chain stands."""
        with self._importing:
            head = self.head.hash
            return Mark(head, self._edits_of(head))

    def return_to(self, mark: Mark) -> None:
        """Go back to where the chain stood, edits and all.

        Raises:
            UnknownBlock: it was another chain.
        """
        with self._importing:
            self.set_head(mark.head)
            self._put(mark.head, mark.edits)

    def witness(self, which: Which) -> Witness:
        """See `Chain.witness`.

        Raises:
            UsageError: the state before the block was edited: no header has its root.
        """
        if self._edits_of(self.header(which).parent_hash):
            raise UsageError("the state before the block was edited: no header has its root")
        return super().witness(which)


@dataclass(frozen=True, slots=True)
class _Edited:
    """What was edited of a state, the tries with it, and the codes among it by their hash."""

    edits: Edits
    trie: StateTrie
    codes: Mapping[bytes | None, bytes]


class EditedState(ChainState):
    """The state after a block with edits, which no header tells of.

    Immutable; safe from any thread.
    """

    __slots__ = ("_codes",)

    _codes: Mapping[bytes | None, bytes]

    @classmethod
    def of(cls, state: ChainState, edited: _Edited) -> EditedState:
        """A state as it was edited."""
        found = cls(state._blocks, state.hash, state.header, edited.trie)
        found._codes = edited.codes
        return found

    @property
    def root(self) -> Hash32:
        """The state root, which no header has."""
        return self._trie.root

    def code(self, code_hash: Hash32) -> bytes:
        """See `ChainState.code`."""
        code = self._codes.get(code_hash)
        return super().code(code_hash) if code is None else code


def _followed_by(first: Edits, then: Edits) -> Edits:
    """What ``first`` and ``then``, made after it, change together."""
    both = {address: merged(first[address], then[address]) for address in first if address in then}
    return {**first, **then, **both}
