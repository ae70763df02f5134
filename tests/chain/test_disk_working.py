"""A working state on disk beside one in memory: the same blocks, roots, tries and ways back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.chain.test_disk_state import ADDRESSES, changes, whole

from blockstm import StateError, execute_block
from blockstm.bench.blocks.workloads import BlockWorkload, block_workload
from blockstm.chain.disk_state import DiskState
from blockstm.chain.disk_working import DiskWorking, trie_in
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import ClosedError, StoreDamaged, StoreLocked, UsageError
from blockstm.ethereum import AccountChange, AccountState, StateTrie, state_root
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.state.changes import RecordedChanges, changes_of
from blockstm.types import Address, Hash32

GENESIS = Hash32(bytes(32))


def filled(store: MdbxStore, memory: AccountState, cache_bytes: int = 1 << 18) -> DiskState:
    disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=cache_bytes, workers=2)
    disk.apply({address: whole(account) for address, account in memory.accounts()})
    disk.commit(Batch())
    return DiskState(store, disk.root, cache_bytes=cache_bytes, workers=2)


def run(work: BlockWorkload, state: object, workers: int) -> object:
    return execute_block(work.steps, state, vm=work.evm, workers=workers)


@pytest.mark.parametrize("name", ["transfers", "erc20", "swaps", "hybrid"])
@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_do_the_same_on_disk_and_in_memory(tmp_path: Path, name: str, workers: int) -> None:
    work = block_workload(name, gas=4_000_000)
    with MdbxStore.open(tmp_path) as store:
        disk = filled(store, work.state)
        expected, found = run(work, work.state, workers), run(work, disk, workers)
        assert found.writes == expected.writes
        assert list(found.outcomes) == list(expected.outcomes)
        memory = work.state.copy()
        memory.apply(expected.writes)
        planned = disk.root_after(found.writes)
        disk.apply(found.writes)
        assert planned == disk.root == state_root(memory.accounts())
        stats = disk.stats
        assert stats["account_hits"] + stats["account_misses"] > 0
        assert stats["node_misses"] > 0


def test_what_was_read_ahead_is_not_read_from_the_disk_again(tmp_path: Path) -> None:
    work = block_workload("hybrid", gas=2_000_000)
    with MdbxStore.open(tmp_path) as store:
        disk = filled(store, work.state)
        disk.prefetch((address, "balance") for address, _ in work.state.accounts())
        before = disk.stats["account_misses"]
        run(work, disk, 2)
        missed = disk.stats["account_misses"] - before
        assert missed <= len(work.steps)  # recipients that are not there yet


@pytest.mark.parametrize("table", [Table.ACCOUNTS, Table.SLOTS])
def test_what_cannot_be_read_ends_the_block_and_names_it(tmp_path: Path, table: Table) -> None:
    work = block_workload("erc20", gas=2_000_000)
    with MdbxStore.open(tmp_path) as store:
        filled(store, work.state)
        root = state_root(work.state.accounts())
        batch = Batch()
        for key, _ in store.snapshot().items(table):
            batch.put(table, key, b"\x01" * 90)  # no value of that table
        store.commit(batch)
        disk = DiskState(store, root, cache_bytes=1 << 18, workers=2)
        with pytest.raises(StateError, match=table.value) as caught:
            run(work, disk, 2)
        assert isinstance(caught.value.__cause__, StoreDamaged)
        assert caught.value.index == 0


def test_nodes_that_are_damaged_are_told_where_the_root_needs_them(tmp_path: Path) -> None:
    work = block_workload("transfers", gas=2_000_000)
    with MdbxStore.open(tmp_path) as store:
        filled(store, work.state)
        root = state_root(work.state.accounts())
        batch = Batch()
        nodes = list(store.snapshot().items(Table.ACCOUNT_NODES))
        for key, node in nodes[1:]:
            batch.put(Table.ACCOUNT_NODES, key, bytes([node[0] ^ 1]) + node[1:])
        store.commit(batch)
        disk = DiskState(store, root, cache_bytes=1 << 18)
        result = run(work, disk, 1)
        with pytest.raises(StoreDamaged, match="node 0x"):
            disk.apply(result.writes)
        assert disk.root == root
        with pytest.raises(StoreDamaged, match="node 0x"):
            trie_in(store, root).account(next(iter(work.state.accounts()))[0])


def test_it_goes_on_and_back_as_it_is_told(tmp_path: Path) -> None:
    draw = random.Random(3)
    memory = AccountState()
    roots = {GENESIS: state_root({})}
    taking_back = []
    with MdbxStore.open(tmp_path) as store:
        working = DiskWorking(store, GENESIS, Hash32(EMPTY_TRIE_ROOT), cache_bytes=1 << 16)
        for number in range(1, 30):
            block = changes(draw)
            before = working.at
            at = Hash32(number.to_bytes(32, "big"))
            recorded = RecordedChanges.of(block)
            undoing = working.advance(at, recorded)
            memory.apply(block)
            roots[at] = state_root(memory.accounts())
            taking_back.append((before, undoing))
            assert working.state.root == roots[at]
            if number % 7 == 0:
                working.commit(Batch(), with_state=True)
                working.follow()
                trie = working.trie(at)
                assert trie is not None
                assert trie.root == roots[at]
        head = working.trie(Hash32((28).to_bytes(32, "big")))
        assert head is not None
        for before, undoing in reversed(taking_back):
            working.move(before, undoing)
            assert (working.at, working.state.root) == (before, roots[before])
        # The tries after the last commit are as they were, whatever moved since.
        for address in ADDRESSES:
            head.account(address)
        working.commit(Batch(), with_state=True)
        working.follow()
        for table in (Table.ACCOUNTS, Table.SLOTS, Table.ACCOUNT_NODES, Table.STORAGE_NODES):
            assert list(store.snapshot().items(table)) == []


def test_tries_of_a_store_answer_and_prove_as_those_in_memory(tmp_path: Path) -> None:
    draw = random.Random(9)
    memory = AccountState()
    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        for _ in range(10):
            block = changes(draw)
            memory.apply(block)
            disk.apply(block)
        disk.commit(Batch())
        root = disk.root
        with pytest.raises(StoreLocked, match="this process"):
            MdbxStore.open(tmp_path, read_only=True)
    with MdbxStore.open(tmp_path, read_only=True) as reading:
        trie = trie_in(reading, root)
        expected = StateTrie.of(memory.accounts())
        for address in ADDRESSES:
            assert trie.account(address) == expected.account(address)
            assert trie.prove(address, [1, 2]) == expected.prove(address, [1, 2])
        after = trie.copy()
        block = changes(draw)
        after.apply(block, memory)
        memory.apply(block)
        assert after.root == state_root(memory.accounts())
        assert trie.root == root


def test_a_closed_store_is_told_by_all_that_read_it(tmp_path: Path) -> None:
    store = MdbxStore.open(tmp_path)
    disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
    change = {ADDRESSES[0]: AccountChange(balance=1)}
    disk.apply(change)
    disk.commit(Batch())
    trie, snapshot = trie_in(store, disk.root), store.snapshot()
    with disk._pin(), pytest.raises(UsageError, match="while a block runs"):
        store.close()
    store.close()
    store.close()
    for use in (
        lambda: disk.get((ADDRESSES[0], "balance")),
        lambda: disk.apply(change),
        lambda: disk.commit(Batch()),
        lambda: trie.account(ADDRESSES[0]),
        lambda: snapshot.get(Table.META, b""),
        lambda: list(snapshot.items(Table.META)),
        store.snapshot,
        store.sizes,
        lambda: store.commit(Batch()),
    ):
        with pytest.raises(ClosedError):
            use()


def test_changes_at_locations_are_taken_as_those_by_address(tmp_path: Path) -> None:
    work = block_workload("erc20", gas=1_000_000)
    with MdbxStore.open(tmp_path) as store:
        disk = filled(store, work.state)
        result = run(work, disk, 1)
        by_address = changes_of(result.writes, disk)
        assert disk.root_after(dict(result.writes)) == disk.root_after(by_address)


def test_codes_are_found_in_memory_again(tmp_path: Path) -> None:
    work = block_workload("swaps", gas=2_000_000)
    with MdbxStore.open(tmp_path) as store:
        disk = filled(store, work.state, cache_bytes=4 << 20)
        codes = {each.code_hash: each.code for _, each in work.state.accounts() if each.code}
        assert disk.stats["code_hits"] == disk.stats["code_misses"] == 0
        for turn in range(3):
            assert all(disk.code(code_hash) == code for code_hash, code in codes.items())
            assert disk.stats["code_misses"] == len(codes)
            assert disk.stats["code_hits"] == turn * len(codes)


def test_nodes_are_found_in_memory_again(tmp_path: Path) -> None:
    work = block_workload("swaps", gas=2_000_000)
    with MdbxStore.open(tmp_path) as store:
        disk = filled(store, work.state)
        writes = run(work, disk, 1).writes
        disk.apply(writes)
        first = disk.stats
        assert first["node_misses"] > 0
        disk.apply(dict(writes))
        assert disk.stats["node_misses"] == first["node_misses"]
        assert disk.stats["node_hits"] > first["node_hits"]


def test_codes_that_do_not_fit_leave_for_those_that_are_asked_for(tmp_path: Path) -> None:
    accounts = {
        address: AccountChange(balance=1, code=bytes([number]) * 20_000)
        for number, address in enumerate(ADDRESSES)
    }
    codes = {keccak(change.code or b""): change.code for change in accounts.values()}

    def go_on(disk: DiskState, balance: int) -> None:
        disk.apply({ADDRESSES[0]: AccountChange(balance=balance)})

    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 20, workers=1)
        disk.apply(accounts)
        disk.commit(Batch())
        for turn in range(5):
            assert all(disk.code(code_hash) == code for code_hash, code in codes.items())
            assert disk.stats["code_hits"] <= 5 * turn  # a tenth of a mebibyte has room for five
            go_on(disk, 2 + turn)
        wanted = next(reversed(codes))
        for turn in range(4):
            assert disk.code(wanted) == codes[wanted]
            go_on(disk, 10 + turn)
        missed = disk.stats["code_misses"]
        assert disk.code(wanted) == codes[wanted]
        assert disk.stats["code_misses"] == missed


def test_nodes_that_threads_take_and_others_give_back_need_no_more_memory(tmp_path: Path) -> None:
    addresses = [Address(number.to_bytes(20, "big")) for number in range(1, 3001)]

    def pool_after(rounds: int) -> int:
        for number in range(rounds):
            disk.apply({each: AccountChange(balance=1 + number % 2) for each in addresses})
        return disk.stats["node_pool_bytes"]

    with MdbxStore.open(tmp_path) as store:
        disk = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 24, workers=4)
        disk.apply({each: AccountChange(balance=9, exists=True) for each in addresses})
        first = pool_after(4)  # at least the nodes of two states
        # Beside them a thread may once have made all nodes of a state, whichever does so now.
        assert pool_after(24) <= 4 * first
        assert disk.stats["node_bytes"] <= first
