"""What disks and crashes do to a store: a whole commit is there afterwards, or damage is told."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from tests.chain.faulty_process import KEYS, TABLES, batch_of, check, key, write
from tests.chain.shim import build_shim, outcome, start

from blockstm.chain.disk_state import DiskState
from blockstm.chain.flat import OWNER_SIZE
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import StoreDamaged, StoreError, StoreFull
from blockstm.ethereum import AccountChange
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.types import Address, Hash32

DATA = "mdbx.dat"
MODULE = "tests.chain.faulty_process"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("kind", ["enospc", "eio", "short", "kill"])
def test_a_write_that_fails_leaves_the_last_commit(tmp_path: Path, shim: str, kind: str) -> None:
    told = set()
    for at in range(1, 40, 3 if kind == "kill" else 5):
        folder = tmp_path / str(at)
        process = start(
            MODULE, "write", str(folder), "4", LD_PRELOAD=shim, FAULT_KIND=kind, FAULT_AT=str(at)
        )
        lines = outcome(process)
        assert process.returncode in ((0, -signal.SIGKILL) if kind == "kill" else (0,))
        done = [int(line) for line in lines if line.isdigit()]
        told |= {line.split(":")[0] for line in lines if not line.isdigit()}
        with MdbxStore.open(folder) as store:
            # What was said to be durable is there; a kill may come between that and the saying.
            assert check(store) - (done or [0])[-1] in ((0, 1) if kind == "kill" else (0,))
            store.commit(batch_of(9))
            assert check(store) == 9
    expected = {"enospc": "StoreFull", "eio": "StoreError", "short": "StoreError"}
    assert kind == "kill" or expected[kind] in told


def test_processes_killed_at_random_instants_leave_whole_commits(tmp_path: Path) -> None:
    draw = random.Random(5)
    last = 0
    for _ in range(12):
        process = start(MODULE, "write", str(tmp_path), "500")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        lines = outcome(process)
        with MdbxStore.open(tmp_path) as store:
            last_now = check(store)
            assert last_now > last
            assert not lines or last_now - int(lines[-1]) in (0, 1)
            last = last_now


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "store"
    write(folder, 6)
    return folder


def damaged(written: Path, folder: Path, change: object) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(written, folder)
    with open(folder / DATA, "r+b") as file:
        change(file)
    process = start(MODULE, "read", str(folder))
    lines = outcome(process)
    assert process.returncode == 0, "a damaged file ended the process"
    return lines


def test_a_truncated_file_is_damaged_or_has_a_whole_commit(written: Path, tmp_path: Path) -> None:
    size = (written / DATA).stat().st_size
    for length in (0, 1, 4096, 8192, 5 * 4096 + 7, size // 3, size // 2, size - 4096, size - 1):
        lines = damaged(written, tmp_path / "store", lambda file, n=length: file.truncate(n))
        assert len(lines) == 1
        assert lines[0].startswith(("StoreDamaged: ", "StoreError: ", "commit ")), lines


def test_a_flipped_bit_is_told_or_does_not_matter(written: Path, tmp_path: Path) -> None:
    draw = random.Random(11)
    content = (written / DATA).read_bytes()
    pages = [n for n in range(len(content) // 4096) if any(content[n * 4096 : n * 4096 + 4096])]
    said = set()
    for _ in range(40):
        # Bytes 12 and 13 of a page are how many entries it shows: that less are seen only an audit,
        # or the root of the block that read them, can tell.
        inside = draw.choice([place for place in range(4096) if place not in (12, 13)])
        at = draw.choice(pages) * 4096 + inside

        def flip(file: object, at: int = at) -> None:
            file.seek(at)
            file.write(bytes([content[at] ^ 1 << draw.randrange(8)]))

        lines = damaged(written, tmp_path / "store", flip)
        assert len(lines) == 1
        assert lines[0].startswith(("StoreDamaged: ", "StoreMismatch: ", "commit 6")), lines
        said.add(lines[0].split(":")[0])
    assert "StoreDamaged" in said


@pytest.mark.parametrize("what", ["value", "key"])
def test_a_damaged_entry_is_named_and_its_neighbours_are_not_absent(
    written: Path, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "store"
    shutil.copytree(written, folder)
    with MdbxStore.open(folder) as store:
        held = dict(store.snapshot().items(TABLES[0]))
    victim = sorted(held)[len(held) // 2]
    needle = victim + held[victim] if what == "value" else victim
    content = bytearray((folder / DATA).read_bytes())
    at = content.find(needle)
    while at >= 0:  # older copies of the page, too
        content[at + (25 if what == "value" else 7)] ^= 0x10
        at = content.find(needle, at + 1)
    (folder / DATA).write_bytes(content)
    with MdbxStore.open(folder) as store:
        snapshot = store.snapshot()
        with pytest.raises(StoreDamaged, match=TABLES[0].value):
            snapshot.get(TABLES[0], victim)
        with pytest.raises(StoreDamaged):
            dict(snapshot.items(TABLES[0]))
        others = [key(number) for number in range(KEYS) if key(number) != victim]
        for each in others:
            try:
                assert snapshot.get(TABLES[0], each) == held.get(each)
            except StoreDamaged:
                assert each not in held  # its absence cannot be told beside what is damaged


def test_a_store_that_has_its_largest_size_says_so_and_goes_on(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path, size_max=4 << 20) as store:
        store.commit(batch_of(1))
        big = batch_of(2)
        for number in range(3000):
            big.put(TABLES[2], number.to_bytes(4, "big"), bytes(4000))
        with pytest.raises(StoreFull, match="largest size"):
            store.commit(big)
        assert check(store) == 1
        store.commit(batch_of(3))
        assert check(store) == 3


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / DATA).write_bytes(b"not a database " * 5000)
    with pytest.raises(StoreError, match="no database"):
        MdbxStore.open(tmp_path)


PAGE, HEADER, NODE = 4096, 20, 8
"""Bytes of a page, of its header, and of that of an entry, before whose key it stands."""


def pointers(page: bytes) -> list[int]:
    """Where a leaf says that its entries are, behind the header."""
    count = int.from_bytes(page[12:14], "little") // 2
    return [
        int.from_bytes(page[at : at + 2], "little") for at in range(HEADER, HEADER + 2 * count, 2)
    ]


def show_another(content: bytearray, victim: bytes, distance: int) -> int:
    """Have pages show another entry in the place of one; in how many, older copies among them."""
    changed = 0
    at = content.find(victim)
    while at >= 0:
        begin = at // PAGE * PAGE
        places = pointers(content[begin : begin + PAGE])
        index = next(
            (i for i, each in enumerate(places) if begin + HEADER + each + NODE == at), None
        )
        if index is not None and 0 <= index + distance < len(places):
            other = places[index + distance].to_bytes(2, "little")
            content[begin + HEADER + 2 * index : begin + HEADER + 2 * index + 2] = other
            changed += 1
        at = content.find(victim, at + 1)
    return changed


@pytest.mark.parametrize("distance", [1, 2, 5, -1, -2, -5])
def test_an_entry_that_is_shown_in_the_place_of_another_is_told(
    written: Path, tmp_path: Path, distance: int
) -> None:
    """What it hides is not absent, although both its neighbours are what was put."""
    with MdbxStore.open(written, read_only=True) as store:
        held = dict(store.snapshot().items(TABLES[0]))
    content = bytearray((written / DATA).read_bytes())
    victim = sorted(held)[len(held) // 2]
    assert show_another(content, victim, distance)
    folder = tmp_path / "store"
    shutil.copytree(written, folder)
    (folder / DATA).write_bytes(content)
    with MdbxStore.open(folder) as store, pytest.raises(StoreDamaged):
        assert store.snapshot().get(TABLES[0], victim) == held[victim]


ADDRESSES = [Address(bytes([number]) * 20) for number in range(1, 30)]
OWNER = sorted(ADDRESSES, key=keccak)[14]
"""With others before and behind it."""


def stored_slots(folder: Path, slot_count: int) -> tuple[Hash32, list[bytes]]:
    """A store of accounts with so many slots each: its root, and the keys of one account's."""
    change = AccountChange(balance=1, storage=dict.fromkeys(range(1, slot_count + 1), 7))
    with MdbxStore.open(folder) as store:
        state = DiskState(store, EMPTY_TRIE_ROOT, cache_bytes=1 << 16)
        state.apply(dict.fromkeys(ADDRESSES, change))
        state.commit(Batch())
        keys = [key for key, _ in store.snapshot().items(Table.SLOTS)]
        return state.root, [key for key in keys if key.startswith(keccak(OWNER)[:OWNER_SIZE])]


@pytest.mark.parametrize("slot_count", [1, 3])
def test_a_slot_that_a_page_hides_is_not_told_to_be_gone(tmp_path: Path, slot_count: int) -> None:
    """Neither to who asks whether an account has any, nor to who clears them and takes it back."""
    root, victims = stored_slots(tmp_path, slot_count)
    whole = (tmp_path / DATA).read_bytes()
    for victim, distance in itertools.product(victims, (1, 2, -1, -2)):
        content = bytearray(whole)
        assert show_another(content, victim, distance)
        (tmp_path / DATA).write_bytes(content)
        with MdbxStore.open(tmp_path) as store:
            state = DiskState(store, root, cache_bytes=1 << 16)
            with contextlib.suppress(StoreDamaged):
                assert state.get((OWNER, "stored")) == 1
            with pytest.raises(StoreDamaged):
                state.apply({OWNER: AccountChange(cleared=True)})
