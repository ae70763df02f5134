"""Audits: what they compute anew, what they find, and that memory does not grow with the state."""

from __future__ import annotations

import random
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.growing import COUNTER, genesis, grown

from blockstm._native.trie.records import Records
from blockstm._native.trie.roots import SortedRoot, account_leaves, root
from blockstm._native.trie.roots import state_root as root_of_records
from blockstm.chain import Chain
from blockstm.chain.sorting import Sorted
from blockstm.chain.store import Batch, Table
from blockstm.errors import InputError, StoreError
from blockstm.ethereum import Account, state_root
from blockstm.ethereum.genesis import Genesis
from blockstm.types import Address, Hash32

pytest.importorskip("mdbx")

from blockstm.chain.mdbx_store import MdbxStore

SLOTS = 20_000
"""Of one account: more than are built at once."""


def large() -> Genesis:
    """A genesis with accounts of all kinds: empty, with code, with one slot, with many."""
    draw, beginning = random.Random(1), genesis()
    accounts = dict(beginning.accounts)
    for number in range(300):
        slots = {draw.getrandbits(256): draw.getrandbits(1 + 8 * number % 256) | 1}
        accounts[Address(draw.randbytes(20))] = Account(
            draw.getrandbits(8 * (number % 16)),
            number % 3,
            b"\x60" * number if number % 2 else None,
            None,
            slots if number % 3 else {},
        )
    many = {number: draw.getrandbits(64) + 1 for number in range(SLOTS)}
    accounts[COUNTER] = replace(accounts[COUNTER], storage=many)
    header = replace(beginning.block.header, state_root=state_root(accounts))
    return replace(
        beginning,
        accounts=accounts,
        block=replace(beginning.block, header=header, hash=header.hash),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "chain"
    with Chain.open(path, large(), workers=1, window=4) as chain:
        grown(chain, 8)
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "chain"))


def findings(folder: Path) -> tuple[str, ...]:
    with Chain.open(folder, workers=1, window=4) as chain:
        return chain.audit().findings


def changed(folder: Path, table: Table, key: bytes, value: bytes | None) -> None:
    with MdbxStore.open(folder) as store:
        batch = Batch()
        if value is None:
            batch.remove(table, key)
        else:
            batch.put(table, key, value)
        store.commit(batch)


def test_a_state_with_a_large_account_is_sound(folder: Path) -> None:
    with Chain.open(folder, workers=1, window=4) as chain:
        found = chain.audit()
    assert (found.findings, found.blocks, found.states) == ((), 9, 5)


SLOT = COUNTER + (SLOTS // 2).to_bytes(32, "big")


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        (Table.SLOTS, SLOT, b"\x07", "accounts of block 8 have the root"),
        (Table.SLOTS, SLOT, None, "accounts of block 8 have the root"),
        (Table.SLOTS, SLOT + b"\1", b"\x07", "is no slot"),
        (Table.SLOTS, SLOT, b"", "is no slot"),
        (Table.SLOTS, bytes(52), b"\1", "is of no account"),
        (Table.SLOTS, b"\xff" * 52, b"\1", "is of no account"),
        (Table.ACCOUNTS, COUNTER, b"\1", "is no account"),
        (Table.ACCOUNTS, COUNTER, bytes(8) + b"\2", "is no account"),
        (Table.ACCOUNTS, COUNTER + b"\1", bytes(9), "is no address"),
        (Table.ACCOUNTS, bytes(20), bytes(8) + b"\0\1", "accounts of block 8 have the root"),
        (Table.CANONICAL, (6).to_bytes(8, "big"), bytes(32), "block 6"),
    ],
)
def test_what_does_not_fit_is_found(
    folder: Path, table: Table, key: bytes, value: bytes | None, message: str
) -> None:
    changed(folder, table, key, value)
    assert message in findings(folder)[0]


@pytest.mark.parametrize("table", [Table.BEFORE, Table.AFTER])
def test_changes_that_lead_elsewhere_are_found(folder: Path, table: Table) -> None:
    with Chain.open(folder, workers=1, window=4) as chain:
        block_hash, other = chain.block_hash(6), chain.block_hash(7)
    with MdbxStore.open(folder) as store:
        records = store.snapshot().get(table, other)
    assert records is not None
    changed(folder, table, block_hash, records)
    assert any("gives another state root" in each for each in findings(folder))
    changed(folder, table, block_hash, None)
    assert any("the changes of block" in each for each in findings(folder))


# ---- sorted in bounded memory

KEYS = st.binary(min_size=32, max_size=32)
NEAR = st.integers(0, 2**20 - 1).map(lambda low: (b"\x5a" * 30 + low.to_bytes(3, "big"))[:32])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS | NEAR, st.binary(min_size=1, max_size=60), max_size=40))
def test_a_root_of_sorted_entries_is_that_of_all(entries: dict[bytes, bytes]) -> None:
    trie = SortedRoot()
    trie.add([key + entries[key] for key in sorted(entries)])
    assert trie.root() == root(entries)


def test_entries_that_do_not_ascend_are_refused() -> None:
    one, two = bytes(32) + b"1", bytes(31) + b"\1" + b"2"
    for entries in ([two, one], [one, one], [bytes(32)], [b""]):
        with pytest.raises(InputError):
            SortedRoot().add(entries)


def test_the_leaves_of_accounts_are_those_of_the_state() -> None:
    records = Records()
    for address, account in large().accounts.items():
        records.add_account(address, account)
    trie = SortedRoot()
    trie.add(sorted(account_leaves(records.data())))
    assert trie.root() == root_of_records(records.data())
    with pytest.raises(InputError):
        account_leaves(records.data()[:-1])


@pytest.mark.parametrize("bytes_max", [100, 5_000, 1 << 20])
def test_what_is_sorted_in_parts_comes_in_order(bytes_max: int) -> None:
    draw = random.Random(bytes_max)
    strings = [draw.randbytes(draw.randrange(200)) for _ in range(2000)]
    strings[7] = draw.randbytes(65_000)
    with Sorted(bytes_max) as held:
        held.add(strings)
        assert list(held) == sorted(strings)


def test_sorting_holds_no_more_than_it_may() -> None:
    limit = 1 << 20
    tracemalloc.start()
    try:
        with Sorted(limit) as held:
            held.add(number.to_bytes(100, "little") for number in range(100_000))
            count = sum(1 for _ in held)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 6 * limit  # 15 runs, each with what of it is read at once


def test_no_room_for_the_temporary_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with Sorted(10) as held, pytest.raises(StoreError, match="TMPDIR"):
        held.add([b"one", b"two"])


def test_the_hash_of_nothing_is_the_empty_root() -> None:
    assert SortedRoot().root() == Hash32(root({}))
