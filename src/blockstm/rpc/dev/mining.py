"""`Miner`: the blocks that a node builds of the transactions that wait, when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from blockstm.chain import DevChain, ImportedBlock
from blockstm.chain.dev import Mark
from blockstm.ethereum import BlockAttributes
from blockstm.ethereum.building.irregular import Irregular, build_irregular
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from blockstm.rpc.pool import Pool, Pooled
from blockstm.types import Address, Hash32

__all__ = ["Mined", "Miner", "NextBlock"]

_NOBODY: Final = Address(bytes(20))
_TIME_MAX: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class NextBlock:
    """What is wanted of the next block; None: what follows by itself."""

    timestamp: int | None = None
    base_fee_per_gas: int | None = None
    mix_hash: Hash32 | None = None


@dataclass(frozen=True, slots=True)
class Mined:
    """A block that was built and is the head, and why others that waited are not in it."""

    imported: ImportedBlock
    rejected: dict[Hash32, str]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    mark: Mark
    pooled: Sequence[Pooled]
    offset: int
    wanted: NextBlock


class Miner:
    """Builds blocks on a `DevChain`. Any thread; who changes something takes `turn` first.

    Attributes:
        turn: a lock: of all that changes, one thing at a time.
        is_automatic: whether a transaction that comes is in a block at once.
        coinbase: who gets the fees.
        gas_limit: of the blocks, in gas; None: the parent's.
        offset: by how much its clock is ahead, in s.
        spacing: between blocks by their headers, in s; None: as time goes by.
        wanted: of the next block alone.
        price_min: less than this per gas is not taken, in wei; before London.
    """

    def __init__(self, chain: DevChain, pool: Pool, clock: Callable[[], float]) -> None:
        self.turn = threading.RLock()
        self.is_automatic = True
        self.coinbase = _NOBODY
        self.gas_limit: int | None = None
        self.offset = 0
        self.spacing: int | None = None
        self.wanted = NextBlock()
        self.price_min = 0
        self._chain = chain
        self._pool = pool
        self._clock = clock
        self._snapshots: list[_Snapshot] = []
        self._first = self._snapshot()

    # ---- time

    def now(self) -> int:
        """The time by its clock, in s since 1970."""
        return int(self._clock()) + self.offset

    def set_now(self, timestamp: int) -> None:
        """Have its clock say so.

        Raises:
            RpcError: it is so late that blocks would soon have no time.
        """
        if timestamp > _TIME_MAX:
            raise RpcError(
                INVALID_PARAMS, f"a time is at most {_TIME_MAX} s, not {brief(timestamp)}"
            )
        with self.turn:
            self.offset = timestamp - int(self._clock())

    def advance(self, seconds: int) -> int:
        """Have its clock say so much more; by how much it is ahead then.

        Raises:
            RpcError: as `set_now`.
        """
        with self.turn:
            self.set_now(self.now() + seconds)
            return self.offset

    def want_time(self, timestamp: int) -> None:
        """Have the next block, and what comes after it, at a time.

        Raises:
            RpcError: it is not after the head's.
        """
        with self.turn:
            head = self._chain.head.header.timestamp
            if not head < timestamp <= _TIME_MAX:
                raise RpcError(
                    INVALID_PARAMS,
                    f"timestamp {brief(timestamp)} is not after the head's, {head}",
                )
            self.wanted = replace(self.wanted, timestamp=timestamp)

    def want_random(self, mix_hash: Hash32) -> None:
        """Have PREVRANDAO of the next block be this."""
        with self.turn:
            self.wanted = replace(self.wanted, mix_hash=mix_hash)

    def _next_time(self, parent: int) -> int:
        if self.wanted.timestamp is not None:
            self.set_now(self.wanted.timestamp)
            return self.wanted.timestamp
        if self.spacing is not None:
            return parent + self.spacing
        return max(self.now(), parent + 1)

    # ---- blocks

    def mine(self) -> Mined:
        """A block of what waits and fits; it is the head."""
        with self.turn:
            head = self._chain.head
            state = self._chain.state_at(head.hash)
            pooled = self._pool.content()[0]
            time = self._next_time(head.header.timestamp)
            mix_hash = self.wanted.mix_hash or keccak(head.hash)
            built = build_irregular(
                head.header,
                [each.transaction for each in pooled],
                [each.sender for each in pooled],
                state,
                attributes=BlockAttributes(
                    timestamp=time, coinbase=self.coinbase, mix_hash=mix_hash
                ),
                irregular=Irregular(self.wanted.base_fee_per_gas, self.gas_limit),
                chain=self._chain.spec,
                block_hashes=state.block_hashes,
                total_difficulty=head.total_difficulty,
            )
            imported = self._chain.append(built)
            self.wanted = NextBlock()
            return Mined(imported, {each.transaction.hash: each.detail for each in built.rejected})

    def mine_sent(self, transaction_hash: Hash32) -> None:
        """Where it is to be so, a block for a transaction that has just come.

        Raises:
            RpcError: it does not fit into any; it waits no longer.
        """
        with self.turn:
            pending = {each.transaction.hash for each in self._pool.content()[0]}
            if not self.is_automatic or transaction_hash not in pending:
                return
            why = self.mine().rejected.get(transaction_hash)
            if why is not None:
                self._pool.drop(transaction_hash)
                raise RpcError(SERVER_ERROR, why)

    # ---- going back

    def _snapshot(self) -> _Snapshot:
        return _Snapshot(self._chain.mark(), self._pool.waiting(), self.offset, self.wanted)

    def snapshot(self) -> int:
        """The number of a snapshot, from 1."""
        with self.turn:
            self._snapshots.append(self._snapshot())
            return len(self._snapshots)

    def revert(self, number: int) -> bool:
        """Go back to a snapshot, which is gone then, as are those after it; whether it was there.

        The chain, what waits and the clock are as they were.
        """
        with self.turn:
            if not 0 < number <= len(self._snapshots):
                return False
            found = self._snapshots[number - 1]
            del self._snapshots[number - 1 :]
            self._return_to(found)
            return True

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Where what is done within fails, the chain, what waits and the clock are as before."""
        with self.turn:
            before = self._snapshot()
            try:
                yield
            except BaseException:
                self._return_to(before)
                raise

    def reset(self) -> None:
        """Go back to the beginning."""
        with self.turn:
            self._snapshots.clear()
            self._return_to(self._first)

    def _return_to(self, snapshot: _Snapshot) -> None:
        self._chain.return_to(snapshot.mark)
        self._pool.replace_all(snapshot.pooled)
        self.offset = snapshot.offset
        self.wanted = snapshot.wanted
