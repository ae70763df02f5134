"""A store on disk among processes, and where the database itself fails."""

from __future__ import annotations

import ctypes
import errno
import gc
import random
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.patience import PATIENCE

from blockstm._native.store.database import functions, install
from blockstm.chain.mdbx_library import load_mdbx
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.memory_store import MemoryStore
from blockstm.chain.store import Batch, Table
from blockstm.errors import ClosedError, StoreDamaged, StoreError, StoreFull, StoreLocked

OPEN = """
import sys
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Table
from blockstm.errors import BlockstmError
try:
    store = MdbxStore.open(sys.argv[1], read_only=sys.argv[2] == "read")
    print(store.snapshot().get(Table.META, b"key"))
except BlockstmError as error:
    print(type(error).__name__, error)
"""
FORK = """
import os, sys
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Table
from blockstm.errors import ForkedError
store = MdbxStore.open(sys.argv[1])
snapshot = store.snapshot()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    for use in (store.snapshot, lambda: snapshot.get(Table.META, b"key")):
        try:
            use()
        except ForkedError:
            print("ForkedError", flush=True)
    os.read(reading, 1)
    os._exit(0)
store.close()
again = MdbxStore.open(sys.argv[1])  # the child lives, and has no lock
found = again.snapshot().get(Table.META, b"key")
os.write(writing, b"x")
os.waitpid(child, 0)
print(found)
"""

SLOW_CHILD = """
import os, sys
reading, writing = os.pipe()
def wait():
    os.close(writing)
    os.read(reading, 1)
os.register_at_fork(after_in_child=wait)  # before the store's own part, which its import registers
from blockstm.chain.mdbx_store import MdbxStore
store = MdbxStore.open(sys.argv[1])
child = os.fork()
if child == 0:
    os._exit(0)
store.close()
MdbxStore.open(sys.argv[1]).close()
print("opened")
os.write(writing, b"x")
print(os.waitpid(child, 0)[1])
"""


def run(script: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    return done.stdout.splitlines()


def put(store: MdbxStore | MemoryStore, value: bytes) -> None:
    batch = Batch()
    batch.put(Table.META, b"key", value)
    store.commit(batch)


def test_one_process_writes_and_others_read(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path) as store:
        put(store, b"one")
        before = store.snapshot()
        put(store, b"two")
        assert before.get(Table.META, b"key") == b"one"
        assert run(OPEN, str(tmp_path), "read") == ["b'two'"]
        (refused,) = run(OPEN, str(tmp_path), "write")
        assert refused.startswith("StoreLocked ")
        with pytest.raises(StoreLocked):
            MdbxStore.open(tmp_path)
    assert run(OPEN, str(tmp_path), "write") == ["b'two'"]


def test_a_forked_child_has_neither_the_store_nor_its_lock(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path) as store:
        put(store, b"one")
    assert run(FORK, str(tmp_path)) == ["ForkedError", "ForkedError", "b'one'"]


def test_a_child_that_has_not_begun_to_run_holds_no_lock_of_a_closed_store(tmp_path: Path) -> None:
    """Its copy of the lock is open until it comes to closing it."""
    assert run(SLOW_CHILD, str(tmp_path)) == ["opened", "0"]


def test_a_folder_without_a_store_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        MdbxStore.open(tmp_path, read_only=True)


class Faulty:
    """libmdbx, a function of which gives an error while it is told to."""

    def __init__(self) -> None:
        spec = sys.modules["blockstm.chain.mdbx_library"]
        self.library: ctypes.CDLL = spec._LOADED[0]
        self.code = 0
        self.kept: list[object] = []

    def fail(self, name: str, arguments: int) -> None:
        """Have a function of so many pointers and integers return `code`, if it is not 0."""
        kind = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * arguments)
        real = kind(ctypes.cast(getattr(self.library, name), ctypes.c_void_p).value)
        faulty = kind(lambda *given: self.code or real(*given))
        self.kept += [faulty, real]
        addresses = self.addresses()
        addresses[name] = ctypes.cast(faulty, ctypes.c_void_p).value or 0
        install(addresses)

    def addresses(self) -> dict[str, int]:
        pointers = {name: getattr(self.library, name) for name in functions()}
        return {n: ctypes.cast(each, ctypes.c_void_p).value or 0 for n, each in pointers.items()}


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    load_mdbx()
    made = Faulty()
    yield made
    install(made.addresses())


@pytest.mark.parametrize(
    ("code", "kind"),
    [(errno.EIO, StoreError), (-30796, StoreDamaged), (-30797, StoreDamaged), (-1, StoreError)],
)
def test_a_read_that_fails_is_no_absence(
    tmp_path: Path, faulty: Faulty, code: int, kind: type[StoreError]
) -> None:
    faulty.fail("mdbx_cursor_get", 4)
    with MdbxStore.open(tmp_path) as store:
        put(store, b"one")
        snapshot = store.snapshot()
        for key in (b"key", b"other"):
            faulty.code = code
            with pytest.raises(kind, match=f"table meta, key 0x{key.hex()}"):
                snapshot.get(Table.META, key)
            faulty.code = 0
        assert snapshot.get(Table.META, b"key") == b"one"
        assert snapshot.get(Table.META, b"other") is None


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.ENOSPC, StoreFull), (-30792, StoreFull), (errno.EIO, StoreError)]
)
def test_a_commit_that_fails_changed_nothing(
    tmp_path: Path, faulty: Faulty, code: int, kind: type[StoreError]
) -> None:
    faulty.fail("mdbx_cursor_put", 4)
    with MdbxStore.open(tmp_path) as store:
        put(store, b"one")
        faulty.code = code
        with pytest.raises(kind):
            put(store, b"two")
        faulty.code = 0
        assert store.snapshot().get(Table.META, b"key") == b"one"
        put(store, b"two")
        assert store.snapshot().get(Table.META, b"key") == b"two"


def test_no_snapshot_that_ends_calls_python(tmp_path: Path) -> None:
    """Else a Ctrl-C that comes meanwhile is lost: Python tells of it, and goes on."""
    with MdbxStore.open(tmp_path) as store:
        native = store.snapshot().native
        assert [each.__callback__ for each in weakref.getweakrefs(native)] == [None]
    in_memory = MemoryStore().snapshot()
    assert not any(each.__callback__ for each in weakref.getweakrefs(in_memory))


def test_many_snapshots_end_with_their_store(tmp_path: Path) -> None:
    with MdbxStore.open(tmp_path) as store:
        held = [store.snapshot() for _ in range(100)]
        for _ in range(1_000):
            store.snapshot()
        held += [store.snapshot() for _ in range(100)]
    for each in held:
        with pytest.raises(ClosedError):
            each.get(Table.META, b"a key")


@pytest.mark.parametrize("kind", [MemoryStore, MdbxStore])
def test_a_snapshot_that_is_taken_while_another_is_keeps_what_it_saw(
    tmp_path: Path, kind: type[Any]
) -> None:
    """As a signal handler may, or what ends when garbage is collected."""
    before = gc.get_threshold()
    for threshold in range(1, 12):
        store = MemoryStore() if kind is MemoryStore else MdbxStore.open(tmp_path / str(threshold))
        held = [store.snapshot() for _ in range(63)]  # the next two look for those that are no more
        taken: list[Any] = []

        def take(*_: object, store: Any = store, taken: list[Any] = taken) -> None:
            if len(taken) < 50:
                taken.append(None)  # at once: to take one may collect garbage
                taken[-1] = store.snapshot()

        gc.freeze()
        gc.callbacks.append(take)
        gc.set_threshold(threshold)
        try:
            held += [store.snapshot(), store.snapshot()]
        finally:
            gc.set_threshold(*before)
            gc.callbacks.remove(take)
            gc.unfreeze()
        put(store, b"later")
        assert {each.get(Table.META, b"key") for each in taken + held} == {None}
        store.close()


MANY = 20_000  # changes: enough for a thread that sorts them


@pytest.mark.stress
def test_many_changes_of_several_tables_are_made_all_or_none(
    tmp_path: Path, faulty: Faulty
) -> None:
    draw = random.Random(5)
    faulty.fail("mdbx_cursor_del", 2)
    with MdbxStore.open(tmp_path) as store:
        tables = (Table.TRANSACTIONS, Table.META, Table.SENDERS)
        keys = [draw.randbytes(draw.randrange(1, 33)) for _ in range(MANY)]
        expected: dict[Table, dict[bytes, bytes]] = {table: {} for table in tables}
        for _ in range(2):
            batch = Batch()
            for key in draw.sample(keys, MANY):
                table, value = draw.choice(tables), draw.randbytes(draw.randrange(50))
                if draw.random() < 0.3:
                    batch.remove(table, key)
                    expected[table].pop(key, None)
                else:
                    batch.put(table, key, value)
                    expected[table][key] = value
            store.commit(batch)
            for table in tables:
                assert dict(store.snapshot().items(table)) == expected[table]
        failing = Batch()
        for place, key in enumerate(keys):
            failing.put(tables[place % 2], key, b"never")
        failing.remove(Table.SENDERS, max(expected[Table.SENDERS]))
        faulty.code = errno.EIO
        with pytest.raises(StoreError, match="EIO"):
            store.commit(failing)
        faulty.code = 0
        for table in tables:
            assert dict(store.snapshot().items(table)) == expected[table]
