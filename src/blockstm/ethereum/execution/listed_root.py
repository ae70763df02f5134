"""The state root that a block's access list leads to, computed while the block runs.

The list names what every account is in the end, so its root can be hashed before that is known to
be true. Once the block has run, what it did is compared with the list: where both agree, the root
is the block's; else it is thrown away, and computed from what the block did.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Final, Self

from blockstm._native.state.listed_writes import left_over
from blockstm.cores import usable_cores
from blockstm.errors import BlockstmError
from blockstm.ethereum.execution.state_roots import trie_of
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.hints import Hints
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.accounts import AccountState
from blockstm.state.changes import AccountChange, AccountChanges, RecordedChanges
from blockstm.stopwatch import Stopwatch
from blockstm.types import Address, Hash32

__all__ = ["ListedRoot"]

_NOTHING: Final = (0, 0, EMPTY_CODE_HASH)


class ListedRoot(AbstractContextManager["ListedRoot"]):
    """Computes a root in a thread from when it is entered; for one block, in one thread.

    Args:
        hints: of the block; without values there is nothing to compute, and no thread.
        state: that the block runs on; likewise without tries at hand.
        workers: of the block; likewise where they leave no core, as the thread would take a
            worker's, and the root costs less time behind the block, beside its receipts.
    """

    def __init__(self, hints: Hints | None, state: Any, workers: int | None) -> None:
        self._state = state
        self._before = None
        leaves_a_core = workers is not None and workers < usable_cores()
        self._written = hints.written if hints is not None and leaves_a_core else None
        if self._written is not None and getattr(state, "root_after", None) is None:
            self._before = trie_of(state)
        self._pool: ThreadPoolExecutor | None = None
        self._coming: Future[tuple[StateTrie, bytes, float] | None] | None = None

    def __enter__(self) -> Self:
        if self._before is not None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="blockstm-listed-root")
            self._coming = self._pool.submit(self._compute)
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def _compute(self) -> tuple[StateTrie, bytes, float] | None:
        """The tries that the list leads to, hashed; its records; the seconds that this took."""
        assert self._before is not None
        assert self._written is not None
        watch = Stopwatch()
        records = self._written.records()
        if records is None:
            return None
        tries = self._before.copy(workers=1)
        tries.apply(RecordedChanges(records, {}), None)
        tries.root  # noqa: B018  # hashes what changed
        return tries, records, watch.end_phase("all")

    def confirmed(self, writes: Mapping[Any, Any]) -> tuple[Hash32, float] | None:
        """The root after what the block did, and how long it took beside it; None: the list leads
        elsewhere, or nowhere."""
        if self._coming is None or not isinstance(writes, AccountChanges):
            return None
        try:
            found = self._coming.result()
        except (BlockstmError, ArithmeticError):
            return None  # the list names what the tries cannot have, or a node that is not there
        if found is None:
            return None
        tries, records, seconds = found
        rest = left_over(writes.records, records)
        if rest is None or not (rest == b"" or self._was_so(rest)):
            return None
        if isinstance(self._state, AccountState):
            assert self._before is not None
            self._state.keep_tries_after(self._before, writes, tries)
        return tries.root, seconds

    def _was_so(self, records: bytes) -> bool:
        """Whether accounts were before the block what these records say."""
        try:
            changes = RecordedChanges(records, {}).items()
            return all(self._was(address, change) for address, change in changes)
        except BlockstmError:
            return False

    def _was(self, address: Address, change: AccountChange) -> bool:
        """The same of one account; not of one that is there and empty, which a change removes."""
        assert self._before is not None
        account = self._before.account(address)
        now = _NOTHING if account is None else (account.nonce, account.balance, account.code_hash)
        if account is not None and now == _NOTHING:
            return False
        return all(
            expected in (None, found)
            for expected, found in zip(
                (change.nonce, change.balance, change.code_hash), now, strict=True
            )
        ) and all(
            self._before.slot(address, slot) == value for slot, value in change.storage.items()
        )
