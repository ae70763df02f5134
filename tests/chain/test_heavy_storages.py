"""Storages on disk of more slots than a node is made of: they shrink, split, go and come back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import pytest

pytest.importorskip("mdbx")

from blockstm.chain.disk_state import DiskState
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.ethereum import AccountChange, AccountState, state_root
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.types import Address

HEAVY = Address(b"\x11" * 20)
TABLES = (Table.ACCOUNTS, Table.SLOTS, Table.ACCOUNT_NODES, Table.STORAGE_NODES)


def slots_under(nibble: int, number: int) -> list[int]:
    """Slots whose hashes begin with a nibble: the topmost node of these alone is an extension."""
    found = (slot for slot in count() if keccak(slot.to_bytes(32, "big"))[0] >> 4 == nibble)
    return list(islice(found, number))


NEAR = slots_under(0xA, 40)
FAR = slots_under(0xB, 3)


class Moved:
    """A state on disk and the same in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory = AccountState()
        self.root: bytes = EMPTY_TRIE_ROOT
        self.comparisons = 0

    @contextmanager
    def opened(self) -> Iterator[DiskState]:
        with MdbxStore.open(self.folder / "moved") as store:
            disk = DiskState(store, self.root, cache_bytes=1 << 16)
            yield disk
            disk.commit(Batch())
            self.root = disk.root
            self.compare(store)

    def apply(self, disk: DiskState, storage: dict[int, int], *, cleared: bool = False) -> bytes:
        change = {HEAVY: AccountChange(nonce=1, storage=storage, cleared=cleared)}
        self.memory.apply(change)
        undo: bytes = disk.apply(change)
        assert disk.root == state_root(self.memory.accounts())
        return undo

    def compare(self, store: MdbxStore) -> None:
        """The tables hold what they hold of the same state that is built at once."""
        self.comparisons += 1
        with MdbxStore.open(self.folder / f"fresh {self.comparisons}") as other:
            fresh = DiskState(other, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
            for address, account in self.memory.accounts():
                fresh.apply({address: AccountChange(account.nonce, storage=account.storage)})
            fresh.commit(Batch())
            assert fresh.root == self.root
            for table in TABLES:
                found = dict(store.snapshot().items(table))
                assert found == dict(other.snapshot().items(table)), table


def filled(slots: list[int], value: int = 7) -> dict[int, int]:
    return dict.fromkeys(slots, value)


@pytest.mark.parametrize("left", [1, 5, 15, 16, 17])
def test_a_top_that_splits_while_it_becomes_light(tmp_path: Path, left: int) -> None:
    moved = Moved(tmp_path)
    with moved.opened() as disk:
        moved.apply(disk, filled(NEAR))
    with moved.opened() as disk:
        moved.apply(disk, filled(NEAR[left:], 0) | filled(FAR))
    with moved.opened() as disk:  # it is read again
        moved.apply(disk, filled(NEAR[:1], 8))
    with moved.opened() as disk:
        moved.apply(disk, filled(FAR, 0))


@pytest.mark.parametrize("left", [1, 10, 20])
def test_what_was_not_written_is_removed_by_the_next_write(tmp_path: Path, left: int) -> None:
    moved = Moved(tmp_path)
    with moved.opened() as disk:
        moved.apply(disk, filled([*NEAR, *FAR]))
    with moved.opened() as disk:
        moved.apply(disk, filled([*NEAR, *FAR][left:], 0))
        for _ in range(2):
            disk.freeze()
            disk.thaw(disk.collect())
    with moved.opened() as disk:
        moved.apply(disk, filled(NEAR[:1], 8))


@pytest.mark.parametrize("in_one_block", [True, False])
@pytest.mark.parametrize("commits_between", [True, False])
@pytest.mark.parametrize("slots", [NEAR, NEAR + FAR])
def test_a_storage_that_is_cleared_and_filled_as_it_was(
    tmp_path: Path, slots: list[int], commits_between: bool, in_one_block: bool
) -> None:
    moved = Moved(tmp_path)
    with moved.opened() as disk:
        moved.apply(disk, filled(slots))
    with moved.opened() as disk:
        if not in_one_block:
            moved.apply(disk, {}, cleared=True)
            if commits_between:
                disk.commit(Batch())
        undo = moved.apply(disk, filled(slots), cleared=in_one_block)
        assert disk.storage(HEAVY, slots[-1]) == 7
    with moved.opened() as disk:
        moved.apply(disk, filled(slots[:1], 8))
        moved.apply(disk, filled(slots[:1]))
    with moved.opened() as disk:
        before = moved.memory.copy()
        if not in_one_block:
            moved.memory.apply({HEAVY: AccountChange(storage=filled(slots, 0))})
        disk.apply_records(undo)
        assert disk.root == state_root(moved.memory.accounts())
    assert (moved.memory.account(HEAVY).storage == before.account(HEAVY).storage) is in_one_block


@pytest.mark.parametrize("seed", range(6))
def test_heavy_storages_through_commits_failures_reopenings_and_undo(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    moved = Moved(tmp_path)
    slots = [*NEAR, *FAR, *range(1000, 1010)]
    history: list[tuple[AccountState, bytes]] = []
    for _ in range(8):
        with moved.opened() as disk:
            for _ in range(draw.randrange(1, 5)):
                if history and draw.random() < 0.3:
                    moved.memory, undo = history.pop()
                    disk.apply_records(undo)
                else:
                    before = moved.memory.copy()
                    some = draw.sample(slots, draw.choice((2, 20, 45)))
                    value = draw.choice((0, 0, 1, draw.getrandbits(256)))
                    cleared = draw.random() < 0.2
                    history.append(
                        (before, moved.apply(disk, filled(some, value), cleared=cleared))
                    )
                assert disk.root == state_root(moved.memory.accounts())
                match draw.randrange(4):
                    case 0:
                        disk.commit(Batch())
                    case 1:
                        disk.freeze()
                        disk.thaw(disk.collect())
