"""The state on disk does what that in memory does: values, roots, undo, after every reopening."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blockstm.chain.disk_state import DiskState
from blockstm.chain.flat import flat_root
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import StoreDamaged, UsageError
from blockstm.ethereum import AccountChange, AccountState, state_root
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.state.changes import changes_of, records_and_codes, records_on
from blockstm.types import Address

ADDRESSES = [Address(bytes([n]) * 20) for n in range(1, 40)]
SLOTS = [*range(6), 2**255 + 1, 2**256 - 1]


def change(draw: random.Random) -> AccountChange:
    if draw.random() < 0.1:
        return AccountChange(exists=False)
    values = (0, 0, 1, draw.getrandbits(256), draw.getrandbits(40))
    storage = {slot: draw.choice(values) for slot in draw.sample(SLOTS, draw.randrange(5))}
    return AccountChange(
        nonce=draw.choice((None, 1, 2**64 - 1)),  # who has storage is never empty
        balance=draw.choice((None, 0, 1, 2**256 - 1)),
        code=draw.choice((None, None, b"", b"\x00" * 3, draw.randbytes(300))),
        storage=storage if draw.random() < 0.7 else {},
        cleared=draw.random() < 0.15,
        exists=draw.choice((None, None, True)),
    )


def changes(draw: random.Random, count: int = 8) -> dict[Address, AccountChange]:
    """Changes of a block; storage never stays where an account goes."""
    made = {address: change(draw) for address in draw.sample(ADDRESSES, count)}
    return {a: c if c.exists is False or not c.storage else with_nonce(c) for a, c in made.items()}


def with_nonce(given: AccountChange) -> AccountChange:
    return AccountChange(1, given.balance, None, given.storage, given.cleared, True, given.code)


def assert_same(disk: DiskState, memory: AccountState) -> None:
    assert disk.root == state_root(memory.accounts())
    assert_same_accounts(disk, memory)


def assert_same_accounts(disk: DiskState, memory: AccountState) -> None:
    for address in ADDRESSES:
        expected, found = memory.account(address), disk.account(address)
        assert (expected is None) == (found is None), address.hex()
        if expected is None or found is None:
            continue
        assert (found.balance, found.nonce) == (expected.balance, expected.nonce)
        assert found.code_hash == expected.code_hash
        assert disk.code(found.code_hash) == expected.code
        for slot in SLOTS:
            assert disk.storage(address, slot) == expected.storage.get(slot, 0)


@pytest.mark.parametrize("seed", range(8))
def test_it_follows_a_state_in_memory_through_commits_reopenings_and_undo(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    memory = AccountState()
    root: bytes = EMPTY_TRIE_ROOT
    history: list[tuple[AccountState, bytes]] = []
    for _ in range(6):
        with MdbxStore.open(tmp_path) as store:
            disk = DiskState(store, root, cache_bytes=1 << 16, workers=2)
            assert_same(disk, memory)
            for _ in range(draw.randrange(1, 6)):
                if history and draw.random() < 0.3:
                    memory, undo = history.pop()
                    disk.apply_records(undo)
                else:
                    block = changes(draw)
                    before = memory.copy()
                    memory.apply(block)
                    planned = disk.root_after(block) if draw.random() < 0.5 else None
                    history.append((before, disk.apply(block)))
                    assert planned in (None, disk.root)
                assert_same(disk, memory)
                if draw.random() < 0.4:
                    disk.commit(Batch())
                    assert_same(disk, memory)
            disk.commit(Batch())
            root = disk.root


@pytest.mark.stress
@pytest.mark.parametrize("cache_bytes", [0, 1 << 12, 1 << 16, 1 << 26])
def test_no_older_value_is_told_whatever_is_read_beside_the_steps_to_the_disk(
    tmp_path: Path, cache_bytes: int
) -> None:
    """The cache is asked first: what it has must be what was applied last, or taken back last."""
    draw = random.Random(cache_bytes + 1)
    memory = AccountState()
    history: list[tuple[AccountState, bytes]] = []
    with MdbxStore.open(tmp_path) as store, reading_beside(store, cache_bytes) as disk:
        for _ in range(60):
            for behind in written_in_steps(disk, draw):
                for _ in range(draw.randrange(3)):
                    codes: dict[bytes, bytes] = {}
                    if history and draw.random() < 0.4:
                        memory, records = history.pop()
                        disk._native.apply_ahead(records, codes)
                    else:
                        before = memory.copy()
                        block = changes(draw)
                        memory.apply(block)
                        records, codes = records_and_codes(block)
                        history.append((before, disk._native.apply_ahead(records, codes)))
                    behind.append(records)
                assert_same_accounts(disk, memory)
        assert_same(disk, memory)
        disk.commit(Batch())
        assert_same(disk, memory)
        assert flat_root(store.snapshot(), pytest.fail) == disk.root
        assert_same(DiskState(store, disk.root, cache_bytes=cache_bytes), memory)


def written_in_steps(disk: DiskState, draw: random.Random) -> Iterator[list[bytes]]:
    """The steps of a commit, some of which fail; between them the accounts may be changed.

    The tries follow what is put into the list that each step gives.
    """
    behind: list[bytes] = []

    def follow() -> None:
        while behind:
            disk.follow(behind.pop(0))

    disk.freeze()
    yield behind
    found = disk.collect()
    yield behind
    follow()
    if draw.random() < 0.7:
        disk.write(found, Batch())
        yield behind
        follow()
        disk.adopt()
    else:
        disk.thaw(found)
    yield behind
    follow()


@contextmanager
def reading_beside(store: MdbxStore, cache_bytes: int) -> Iterator[DiskState]:
    """A state that another thread reads all the time."""
    disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=cache_bytes, workers=2)
    is_over = threading.Event()
    draw = random.Random(1)

    def read() -> None:
        while not is_over.wait(0.0005):
            some = draw.sample(ADDRESSES, 4)
            slots = [a + slot.to_bytes(32, "big") for a in some for slot in SLOTS]
            disk.read_ahead(b"".join(some), b"".join(slots))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield disk
    finally:
        is_over.set()
        thread.join()


def test_its_tables_hold_no_node_that_a_fresh_build_has_not(tmp_path: Path) -> None:
    draw = random.Random(7)
    memory = AccountState()
    with MdbxStore.open(tmp_path / "moved") as moved, MdbxStore.open(tmp_path / "fresh") as fresh:
        disk = DiskState(moved, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        for number in range(60):
            block = changes(draw)
            memory.apply(block)
            disk.apply(block)
            if number % 3 == 0:
                disk.commit(Batch())
        disk.commit(Batch())
        once = DiskState(fresh, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        once.apply({a: whole(account) for a, account in memory.accounts()})
        once.commit(Batch())
        assert once.root == disk.root
        for table in (Table.ACCOUNTS, Table.SLOTS, Table.ACCOUNT_NODES, Table.STORAGE_NODES):
            assert dict(moved.snapshot().items(table)) == dict(fresh.snapshot().items(table)), table


def test_a_state_of_many_accounts_is_written_as_in_several_parts(tmp_path: Path) -> None:
    draw = random.Random(3)
    states = []
    for name, parts in (("at once", 1), ("in parts", 5)):
        with MdbxStore.open(tmp_path / name) as store:
            disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
            addresses = [Address(n.to_bytes(20, "big")) for n in range(1, 20_001)]
            for part in range(parts):
                disk.apply({a: AccountChange(balance=1 + a[19]) for a in addresses[part::parts]})
                disk.commit(Batch())
            for address in draw.sample(addresses, 50):
                found = disk.account(address)
                assert found is not None
                assert found.balance == 1 + address[19]
            disk.apply({addresses[0]: AccountChange(exists=False)})  # on what was just written
            disk.commit(Batch())
            root = disk.root
            assert flat_root(store.snapshot(), pytest.fail) == root
            tables = (Table.ACCOUNTS, Table.ACCOUNT_NODES)
            states.append((root, [dict(store.snapshot().items(each)) for each in tables]))
    assert states[0] == states[1]


def whole(account: object) -> AccountChange:
    return AccountChange(
        account.nonce, account.balance, None, account.storage, False, True, account.code
    )


def test_it_does_not_change_while_a_block_runs_on_it(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        change = {ADDRESSES[0]: AccountChange(balance=1)}
        with disk._pin():
            with pytest.raises(UsageError, match="while a block is running"):
                disk.apply(change)
            with pytest.raises(UsageError, match="while a block is running"):
                disk.commit(Batch())
        disk.apply(change)
        assert disk.get((ADDRESSES[0], "balance")) == 1


def test_what_is_left_of_an_account_is_told_as_one_is_asked(tmp_path: Path) -> None:
    """Natively or location by location: gone, kept by a field that was not written, or marked."""
    before = {
        ADDRESSES[0]: AccountChange(balance=1),
        ADDRESSES[1]: AccountChange(balance=1, nonce=1),
        ADDRESSES[2]: AccountChange(balance=1, code=b"\0"),
        ADDRESSES[3]: AccountChange(nonce=1),
        ADDRESSES[4]: AccountChange(balance=0, exists=True),
        ADDRESSES[5]: AccountChange(balance=0, exists=True),
    }
    emptied: dict[Any, Any] = {(address, "balance"): 0 for address in ADDRESSES[:3]}
    emptied |= {(ADDRESSES[3], "nonce"): 0, (ADDRESSES[4], "balance"): 0}
    emptied |= {(ADDRESSES[5], "recorded"): 0, (ADDRESSES[6], "balance"): 0}
    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        disk.apply(before)
        changes = changes_of(emptied, disk)
        assert changes.records == records_on(changes.packed, disk)
        expected = (False, None, None, False, True, False, False)
        exist = {address: change.exists for address, change in changes.items()}
        assert exist == dict(zip(ADDRESSES, expected, strict=False))


def test_an_account_that_cannot_be_read_is_not_told_to_be_gone(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        disk.apply({ADDRESSES[0]: AccountChange(balance=1, nonce=1)})
        disk.commit(Batch())
        batch = Batch()
        batch.put(Table.ACCOUNTS, keccak(ADDRESSES[0]), b"\xff" * 3)
        store.commit(batch)
        damaged = DiskState(store, disk.root, cache_bytes=1 << 16)
        with pytest.raises(StoreDamaged):
            changes_of({(ADDRESSES[0], "balance"): 0}, damaged).resolve()
        # Another thread that met the same may come for it later.
        assert isinstance(damaged._read_error(), StoreDamaged)


@pytest.fixture
def collecting_often() -> Iterator[None]:
    """The collector of garbage looks at what a test makes alone, as often as that says."""
    before = gc.get_threshold()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collecting_often")
def test_what_nobody_has_any_more_holds_nothing(tmp_path: Path) -> None:
    """Neither a pin nor a root that was asked for, where the collector of garbage finds them."""
    changes = {ADDRESSES[0]: AccountChange(balance=1)}
    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, workers=1)
        for count in range(1, 200):  # also while an error is made of the pin that is garbage
            held: list[Any] = [disk._pin()]
            held.append(held)
            with pytest.raises(UsageError):
                disk.apply(changes)
            del held
            gc.set_threshold(count, 1000, 1000)
            try:
                disk.apply(changes)
            except UsageError:
                gc.collect()
        gc.collect()
        disk.apply(changes)
        disk.root_after({ADDRESSES[1]: AccountChange(balance=1)})
        del disk
        gc.collect()
