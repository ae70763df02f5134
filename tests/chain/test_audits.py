"""Audits: what they compute anew, what they find, and that memory does not grow with the state."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.growing import COUNTER, genesis, grown

from blockstm._native.trie.roots import SortedRoot, root
from blockstm.chain import Chain
from blockstm.chain.store import Batch, Table
from blockstm.errors import InputError
from blockstm.ethereum import Account, state_root
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.genesis import Genesis
from blockstm.types import Address, Hash32

pytest.importorskip("mdbx")

from blockstm.chain.mdbx_store import MdbxStore

SLOTS = 20_000
"""Of one account: more than are read at once."""


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


OWNER = keccak(COUNTER)
MIDDLE = (SLOTS // 2).to_bytes(2, "big")
SLOT = OWNER[:20] + keccak(MIDDLE.rjust(32, b"\0"))
LARGER = b"\2\7\7" + MIDDLE
"""That slot with a value that it has not, of two bytes."""
BARE = bytes(9)
"""An account of nothing but zeros."""


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        (Table.SLOTS, SLOT, LARGER, f"slots of the account 0x{OWNER.hex()} have the root"),
        (Table.SLOTS, SLOT, None, f"slots of the account 0x{OWNER.hex()} have the root"),
        (Table.SLOTS, SLOT, LARGER + b"\1", "is another slot's"),
        (Table.SLOTS, SLOT + b"\1", LARGER, "is no slot"),
        (Table.SLOTS, SLOT, b"", "is no slot"),
        (Table.SLOTS, SLOT, b"\0" + MIDDLE, "is no slot"),
        (Table.SLOTS, SLOT, b"\2\7", "is no slot"),
        (Table.SLOTS, SLOT, b"\1\7" + bytes(33), "is no slot"),
        (Table.SLOTS, bytes(52), b"\1\1", "is of no account"),
        (Table.SLOTS, b"\xff" * 52, b"\1\1", "is of no account"),
        (Table.ACCOUNTS, OWNER, b"\1", "is no account"),
        (Table.ACCOUNTS, OWNER, bytes(8) + b"\4", "is no account"),
        (Table.ACCOUNTS, OWNER, bytes(8) + b"\3" + bytes(63), "is no account"),
        (Table.ACCOUNTS, OWNER, bytes(8) + b"\0" + bytes(33), "is no account"),
        (Table.ACCOUNTS, OWNER, BARE, f"slots of the account 0x{OWNER.hex()} have the root"),
        (Table.ACCOUNTS, OWNER + b"\1", BARE, "is no hashed address"),
        (Table.ACCOUNTS, bytes(32), BARE + b"\1", "accounts of block 8 have the root"),
        (Table.CANONICAL, (6).to_bytes(8, "big"), bytes(32), "block 6"),
    ],
)
def test_what_does_not_fit_is_found(
    folder: Path, table: Table, key: bytes, value: bytes | None, message: str
) -> None:
    changed(folder, table, key, value)
    assert message in findings(folder)[0]


def nodes(folder: Path, table: Table) -> dict[bytes, bytes]:
    with MdbxStore.open(folder) as store:
        return dict(store.snapshot().items(table))


@pytest.mark.parametrize("table", [Table.ACCOUNT_NODES, Table.STORAGE_NODES])
def test_a_node_that_fits_nothing_but_itself_is_found(folder: Path, table: Table) -> None:
    """Its checksum is right, and the entries below it make another, or none."""
    kept = nodes(folder, table)
    deepest = max(kept, key=lambda key: (len(key), key))
    key, value = deepest, kept[deepest]
    weights = value[:-1] + bytes([value[-1] ^ 1])
    child = value[:20] + bytes([value[20] ^ 1]) + value[21:]
    for wrong, message in ((weights, "a wrong node"), (child, "a wrong node"), (None, "no node")):
        changed(folder, table, key, wrong)
        assert f"{table.value}: {message} stands at 0x{key.hex()}" in findings(folder)
    changed(folder, table, key, value)
    changed(folder, table, key + b"\0", value)
    assert findings(folder) == (f"{table.value}: 1 of the nodes stand where none should",)


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


# ---- roots of what is sorted

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


def test_the_hash_of_nothing_is_the_empty_root() -> None:
    assert SortedRoot().root() == Hash32(root({}))
