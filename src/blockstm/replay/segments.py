"""A chain of states from a checkpoint on: blocks executed one on top of the other, and where that
leaves the headers.

Gas and receipts of each block are compared as it is executed, its state root only at the end of the
segment. Where that is another one, the first block with another root is found by bisection: the
tries after each block are at hand, and share what they have in common, so that a root costs the
paths to what was changed. Bisection takes it that a state which has left the chain's does not come
back to it within the segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from blockstm._native.wire.witness_reads import WitnessReads
from blockstm.chain import Chain, ChainState
from blockstm.ethereum import Block, ExecutedBlock, StateTrie
from blockstm.executor import execute_block
from blockstm.replay.comparing import beginning, compared, shown
from blockstm.replay.records import BlockRecord, Verdict
from blockstm.replay.task import Settings
from blockstm.state.changes import AccountChange, AccountChanges
from blockstm.state.located import field_of
from blockstm.types import Address, Hash32

__all__ = ["ancestors_of", "replay_segment"]

_OMMER_DEPTH = 7


class CarriedState:
    """A state of a chain with what blocks changed since, whose root nobody asks for.

    Changed by one thread, between blocks.
    """

    def __init__(self, start: ChainState) -> None:
        self._start = start
        self._codes: dict[Hash32, bytes] = {}
        self.tries = start.trie.copy()

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location as `AccountState` has them."""
        if key[0] == "code":
            return self._codes.get(key[1]) or self._start.get(key, default)
        account = self.tries.account(key[0])
        if account is None:
            return default
        if len(key) == 4:
            value: Any = 0 if key[2] else self.tries.slot(key[0], key[3])
        else:
            value = field_of(account, key[1])
        return value or default

    def __blockstm_state__(self) -> object:
        """For the engine: it reads this without Python, and asks `get` where this cannot tell."""
        return WitnessReads(self.tries.native, self._codes).__blockstm_state__()

    def apply(self, changes: AccountChanges) -> None:
        """Make what a block did part of it."""
        self._codes.update((Hash32(each), code) for each, code in changes.codes.items())
        after = self.tries.copy()
        after.apply(changes, self)
        self.tries = after


@dataclass(slots=True)
class _Replayed:
    """A block of a segment, and the tries after it."""

    block: Block
    record: BlockRecord
    executed: ExecutedBlock
    tries: StateTrie


def replay_segment(
    chain: Chain, first: int, last: int, place: int, settings: Settings, *, tells_root: bool = True
) -> Iterator[BlockRecord]:
    """The record of each block from ``first`` to ``last``, in order.

    The record of the last has its state root, unless ``tells_root`` is false; it is compared in any
    case. Behind a block that leaves the chain, it goes on from the chain's own state after that.

    Raises:
        UnknownBlock, PrunedState, StoreError: the chain lacks the state before the first, or a
            block.
    """
    while first <= last:
        done = list(_replay(chain, first, last, place, settings))
        if tells_root or not done[-1].is_equal:
            yield from done
        else:
            yield from done[:-1]
            yield _without_root(done[-1])
        first += len(done)
        place += len(done)


def _replay(
    chain: Chain, first: int, last: int, place: int, settings: Settings
) -> Iterator[BlockRecord]:
    """The records up to and with the first block that leaves the chain, or to the last."""
    state = CarriedState(chain.state_at(first - 1))
    done: list[_Replayed] = []
    broken: BlockRecord | None = None
    for number in range(first, last + 1):
        block = chain.block(number)
        record, executed = _executed(chain, block, state, place + len(done), settings)
        if not record.is_equal or executed is None:
            broken = record
            break
        state.apply(executed.writes)
        done.append(_Replayed(block, record, executed, state.tries))
    left = _first_astray(done)
    if left is None:
        yield from (each.record for each in done[:-1])
        if done:
            yield done[-1].record if broken else _with_root(done[-1])
        if broken is not None:
            yield broken
        return
    yield from (each.record for each in done[:left])
    yield _astray(chain, done[left])


def _executed(
    chain: Chain, block: Block, state: CarriedState, place: int, settings: Settings
) -> tuple[BlockRecord, ExecutedBlock | None]:
    number = int(block.header.number)
    parent = chain.state_at(number - 1)

    def execute() -> ExecutedBlock:
        return execute_block(
            block,
            state,
            "evm",
            chain=settings.spec,
            parent=parent.header,
            ancestors=ancestors_of(chain, block),
            block_hashes=parent.block_hashes,
            total_difficulty=chain.total_difficulty(number - 1),
            workers=settings.workers,
        )

    return compared(beginning(place, block), block, execute, lambda: chain.receipts(number))


def ancestors_of(chain: Chain, block: Block) -> list[Block] | None:
    """The blocks that a block's ommers may come from; None where it has none."""
    if not block.ommers:
        return None
    number = int(block.header.number)
    return [chain.block(each) for each in range(number - 1, max(number - 1 - _OMMER_DEPTH, -1), -1)]


def _first_astray(done: list[_Replayed]) -> int | None:
    """The place of the first block with another root than its header's; None where the last has
    the right one."""
    if not done or _is_right(done[-1]):
        return None
    low, high = 0, len(done) - 1  # at `high` the root is wrong, below `low` it is right
    while low < high:
        middle = (low + high) // 2
        if _is_right(done[middle]):
            low = middle + 1
        else:
            high = middle
    return low


def _is_right(replayed: _Replayed) -> bool:
    return replayed.tries.root == replayed.block.header.state_root


def _with_root(replayed: _Replayed) -> BlockRecord:
    root = replayed.tries.root
    names = replayed.record.compared
    return replace(replayed.record, compared=(*names, "state_root"), state_root=shown(root))


def _without_root(record: BlockRecord) -> BlockRecord:
    names = tuple(name for name in record.compared if name != "state_root")
    return replace(record, compared=names, state_root="")


def _astray(chain: Chain, replayed: _Replayed) -> BlockRecord:
    """The record of the first block after which the state is not the chain's."""
    expected, got = shown(replayed.block.header.state_root), shown(replayed.tries.root)
    theirs = chain.state_at(int(replayed.block.header.number))
    return replace(
        _with_root(replayed),
        verdict=Verdict.DIFFERENT,
        field="state_root",
        expected=expected,
        got=got,
        account=_different_account(replayed.executed.writes, replayed.tries, theirs),
        reason=f"the state root is {got}, the header says {expected}",
    )


def _different_account(
    writes: Mapping[Address, AccountChange], ours: StateTrie, theirs: ChainState
) -> str:
    """The first account that the block wrote and the chain has otherwise, in words."""
    for address in sorted(writes):
        for slot in sorted(writes[address].storage):
            expected, got = theirs.storage(address, slot), ours.slot(address, slot)
            if expected != got:
                return f"0x{address.hex()} slot {slot:#x}: expected {expected:#x}, got {got:#x}"
        one, other = ours.account(address), theirs.account(address)
        if one is None or other is None:
            if one is not other:
                return f"0x{address.hex()} exists only {'here' if other is None else 'there'}"
            continue
        for name in ("nonce", "balance", "code_hash"):
            got, expected = getattr(one, name), getattr(other, name)
            if got != expected:
                texts = [
                    each.hex() if isinstance(each, bytes) else each for each in (expected, got)
                ]
                return f"0x{address.hex()} {name}: expected {texts[0]}, got {texts[1]}"
    return ""
