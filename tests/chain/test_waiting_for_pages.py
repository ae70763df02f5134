"""A folder whose pages the system does not have in memory: they are asked for many at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import RECIPIENTS, child, genesis, grown

from blockstm.bench.chains.folders import drop_pages
from blockstm.chain import Chain, disk_state, warming
from blockstm.chain.disk_state import DiskState
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.store import Batch
from blockstm.chain.warming import Budget, Warming, available_bytes, pages_waited_for
from blockstm.errors import ClosedError, ConfigError, StoreError
from blockstm.ethereum import AccountChange
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.types import Address, Hash32

pytest.importorskip("mdbx")

ADDRESSES = [Address(number.to_bytes(20, "big")) for number in range(1, 4001)]
JOINED = b"".join(ADDRESSES)
LARGE = ADDRESSES[0]
SLOTS = b"".join(LARGE + slot.to_bytes(32, "big") for slot in range(2000))


@pytest.fixture
def cold(tmp_path: Path) -> tuple[Path, Hash32]:
    """A folder none of whose pages are in memory, and the root of its state."""
    changes = {each: AccountChange(balance=number) for number, each in enumerate(ADDRESSES, 1)}
    changes[LARGE] = AccountChange(nonce=1, storage={slot: slot + 1 for slot in range(2000)})
    with MdbxStore.open(tmp_path) as store:
        state = DiskState(store, EMPTY_TRIE_ROOT, workers=1)
        state.apply(changes)
        state.commit(Batch())
        root = state.root
    drop_pages(tmp_path)
    return tmp_path, root


@pytest.fixture
def no_warming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "available_bytes", lambda: 0)


def waited(act: Callable[[], object]) -> int:
    before = pages_waited_for()
    act()
    return pages_waited_for() - before


@pytest.mark.usefixtures("no_warming")
def test_what_was_looked_at_is_in_memory(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder) as store:
        state = DiskState(store, root, workers=1)
        if not state._pages.touch(JOINED, SLOTS):
            pytest.skip("the file system keeps its files in memory")
        assert waited(lambda: state.read_ahead(JOINED, SLOTS)) == 0
        assert state.storage(LARGE, 1999) == 2000
        changes = {each: AccountChange(balance=1) for each in ADDRESSES[1:]}
        assert waited(lambda: state.apply(changes)) < 20
        with MdbxStore.open(folder.parent / "other") as other:
            same = DiskState(other, EMPTY_TRIE_ROOT, workers=1)
            storage = {slot: slot + 1 for slot in range(2000)}
            same.apply({**changes, LARGE: AccountChange(nonce=1, storage=storage)})
            assert state.root == same.root


@pytest.mark.usefixtures("no_warming")
def test_what_was_looked_at_lately_is_left_out(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder) as store:
        state = DiskState(store, root, workers=1)
        first = state._pages.touch(JOINED[:20], b"")
        assert state._pages.touch(JOINED[:20], b"") == 0
        assert state._pages.touch(JOINED, SLOTS) >= first


@pytest.mark.usefixtures("no_warming")
def test_many_are_asked_for_once_the_disk_was_waited_for(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder) as store:
        state = DiskState(store, root, workers=1)
        asked: list[tuple[bytes, ...]] = []
        touch = state._pages.touch

        class Pages:
            def touch(self, *expected: bytes) -> int:
                asked.append(expected)
                return touch(*expected)

        state._pages = Pages()  # type: ignore[assignment]  # the part that is called
        if waited(lambda: state.read_ahead(JOINED[:20000])) < disk_state._WAITS_MIN:
            pytest.skip("the file system keeps its files in memory")
        assert not asked
        state.read_ahead(JOINED[20000:])
        assert asked == [(JOINED[20000:], b"")]
        state.read_ahead(JOINED)  # all pages are there by now
        state.read_ahead(JOINED)
        assert len(asked) <= 2
        assert not state._waits


def test_what_cannot_be_looked_at_is_left_to_who_reads_it(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder) as store:
        state = DiskState(store, root, workers=1)

        class Pages:
            def fail(self, *expected: bytes) -> int:
                raise StoreError("no more readers")

            touch = touch_changed = fail

        state._pages, state._waits = Pages(), True  # type: ignore[assignment]  # what is called
        state.read_ahead(JOINED, SLOTS)
        state._waits = True
        state.apply({LARGE: AccountChange(balance=5)})
        account = state.account(LARGE)
        assert account is not None
        assert account.balance == 5


def test_a_store_that_is_closed_is_not_looked_at(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    store = MdbxStore.open(folder)
    state = DiskState(store, root, workers=1)
    store.close()
    with pytest.raises(ClosedError):
        state._pages.touch(JOINED, b"")
    assert store.database.read_ahead(0, 1 << 20) == 0


def test_a_file_that_fits_is_brought_into_memory(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder) as store:
        state = DiskState(store, root, workers=1)
        if waited(lambda: state.read_ahead(JOINED)) < disk_state._WAITS_MIN:
            pytest.skip("the file system keeps its files in memory")
        store._warming.wait()
        assert waited(lambda: state.read_ahead(b"", SLOTS)) == 0


class Read:
    """A database of so many pieces, of which it notes what was asked for."""

    def __init__(self, folder: Path, pieces: int) -> None:
        self.path = str(folder)
        self.pieces: list[int] = []
        self._last = pieces - 1
        (folder / "mdbx.dat").write_bytes(bytes(1000))

    def read_ahead(self, begin: int, size: int) -> int:
        self.pieces.append(begin)
        return size if begin < self._last * size else 0


def test_a_file_is_read_once_and_not_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Any = Read(tmp_path, pieces=4)
    pieces = database.pieces
    monkeypatch.setattr(warming, "available_bytes", lambda: 1999)
    short = Warming(database)
    short.begin()
    short.wait()
    assert pieces == []
    monkeypatch.setattr(warming, "available_bytes", lambda: 2000)
    short.begin()
    assert pieces == []
    enough = Warming(database)
    for _ in range(2):
        enough.begin()
        enough.wait()
    assert pieces == [piece * warming._PIECE_BYTES for piece in range(4)]


def test_a_file_is_left_where_memory_gets_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    available = iter([2000, 2000, 1999])
    database: Any = Read(tmp_path, pieces=1001)
    monkeypatch.setattr(warming, "available_bytes", lambda: next(available))
    reading = Warming(database)
    reading.begin()
    reading.wait()
    assert len(database.pieces) == 2 * warming._PIECES_BETWEEN


FILE = 1000
"""Bytes of a file of `Read`."""


def readings(folder: Path, count: int, budget: Budget, pieces: int = 2) -> list[Warming]:
    made = []
    for number in range(count):
        (folder / str(number)).mkdir()
        database: Any = Read(folder / str(number), pieces)
        made.append(Warming(database, budget))
    return made


def is_read(reading: Warming) -> bool:
    database: Any = reading._database
    return bool(database.pieces)


def test_ten_chains_together_read_no_more_in_than_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "available_bytes", lambda: 7 * FILE)
    monkeypatch.setattr(warming, "_PIECE_BYTES", FILE)
    ten = readings(tmp_path, 10, Budget())
    threads = [threading.Thread(target=each.begin) for each in ten]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in ten:
        if each._thread is not None:
            each._thread.join()
    assert sum(map(is_read, ten)) == 3  # twice four would be more than there is


@pytest.mark.parametrize("end", ["wait", "release"])
def test_what_is_closed_gives_its_room_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(warming, "available_bytes", lambda: 2 * FILE)
    monkeypatch.setattr(warming, "_PIECE_BYTES", FILE)
    first, second, third = readings(tmp_path, 3, Budget())
    first.begin()
    second.begin()
    getattr(first, end)()
    third.begin()
    third.wait()
    assert [is_read(each) for each in (second, third)] == [False, True]


def test_a_file_that_could_not_be_read_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "available_bytes", lambda: 2 * FILE)
    monkeypatch.setattr(warming, "_PIECE_BYTES", FILE)
    first, second = readings(tmp_path, 2, Budget())
    monkeypatch.setattr(first._database, "read_ahead", lambda *_: 0)
    for each in (first, second):
        each.begin()
        assert each._thread is not None
        each._thread.join()
    assert is_read(second)


def test_what_is_released_while_it_is_read_claims_no_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "available_bytes", lambda: 2 * FILE)
    monkeypatch.setattr(warming, "_PIECE_BYTES", FILE)
    budget = Budget()
    (reading,) = readings(tmp_path, 1, budget)
    pieces = iter(range(1, 2 * warming._PIECES_BETWEEN))

    def read_ahead(*_: object) -> int:
        if next(pieces) == warming._PIECES_BETWEEN:
            reading.release()  # as the last piece before it looks for room again
        return FILE

    monkeypatch.setattr(reading._database, "read_ahead", read_ahead)
    reading.begin()
    assert reading._thread is not None
    reading._thread.join()
    assert not budget._claims


def test_a_thread_that_cannot_be_started_leaves_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread:
        def __init__(self, **_: object) -> None: ...

        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(warming, "available_bytes", lambda: 2 * FILE)
    first, second = readings(tmp_path, 2, Budget())
    with monkeypatch.context() as without:
        without.setattr(warming, "Thread", NoThread)
        first.begin()
    assert first._thread is None
    second.begin()
    second.wait()
    assert is_read(second)


def test_chains_of_a_process_share_one_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which those that were closed have no part of, nor those that are no more."""
    begun: list[str] = []
    read = Warming._read

    def noted(self: Warming) -> None:
        begun.append(self._place.parent.name)
        read(self)

    monkeypatch.setattr(Warming, "_read", noted)
    with MdbxStore.open(tmp_path / "first") as first:
        size = (tmp_path / "first" / "mdbx.dat").stat().st_size
        monkeypatch.setattr(warming, "available_bytes", lambda: 2 * size)
        first.warm_up()
        with MdbxStore.open(tmp_path / "second") as second:
            first._warming._thread.join()  # type: ignore[union-attr]  # it has begun
            second.warm_up()
        gone = MdbxStore.open(tmp_path / "third", warm_up=False)
        gone.warm_up()
        del gone
    with MdbxStore.open(tmp_path / "fourth") as fourth:
        fourth.warm_up()
    assert begun == ["first", "fourth"]


def test_a_forked_child_has_a_budget_of_its_own() -> None:
    budget = Budget()
    owner = object()
    assert budget.claim(owner, 0)
    budget.reset()
    budget.keep(owner, 5)
    assert not budget._claims


def test_it_can_be_switched_off(cold: tuple[Path, Hash32]) -> None:
    folder, root = cold
    with MdbxStore.open(folder, warm_up=False) as store:
        state = DiskState(store, root, workers=1)
        state.read_ahead(JOINED)
        state.read_ahead(b"", SLOTS)
        assert store._warming._thread is None


def test_a_chain_that_is_not_to_be_read_in_is_not(tmp_path: Path) -> None:
    with Chain.open(tmp_path, genesis(), workers=1, warm_up=False) as chain:
        chain._store.warm_up()  # type: ignore[attr-defined]  # it is on disk
        assert chain._store._warming._thread is None  # type: ignore[attr-defined]  # likewise
        grown(chain, 3)
        with pytest.raises(ConfigError, match="warm_up is True or False, not 1"):
            Chain.open(tmp_path, warm_up=1)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("place", ["disk_state.pages_waited_for", "warming.available_bytes"])
def test_what_was_changed_is_not_said_to_be_refused_for_want_of_memory(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where waits are counted behind it nor where the file is looked at then."""

    def none() -> int:
        raise MemoryError

    with MdbxStore.open(tmp_path) as store:
        state = DiskState(store, EMPTY_TRIE_ROOT, workers=1)
        waits = iter([0, 0 if "waited" in place else 1000])
        monkeypatch.setattr(disk_state, "pages_waited_for", lambda: next(waits))
        with state._noting_waits():  # before it there is memory
            module, name = place.split(".")
            monkeypatch.setattr({"disk_state": disk_state, "warming": warming}[module], name, none)
        assert state._waits == ("warming" in place)


def test_a_store_that_nobody_has_any_more_is_open_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "_PIECE_BYTES", 1)  # it takes long
    store = MdbxStore.open(tmp_path)
    store.warm_up()
    thread = store._warming._thread
    assert thread is not None
    del store
    with MdbxStore.open(tmp_path):
        thread.join()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with Chain.open(tmp_path, genesis(), workers=1) as chain:
        grown(chain, 3)
        following = child(chain)
    drop_pages(tmp_path)
    with Chain.open(tmp_path, workers=1) as chain:
        chain._store.warm_up()  # type: ignore[attr-defined]  # it is on disk
        assert [each.block for each in chain.import_blocks([following])] == [following]
        assert chain.state_at(4).account(RECIPIENTS[0]) is not None
    assert not [each for each in threading.enumerate() if each.name == "blockstm-warming"]


def test_memory_that_is_available_is_told() -> None:
    assert available_bytes() >= 0


AVAILABLE = 10_000


@pytest.mark.parametrize(("most", "left"), [("1000", 700), ("300", 0), ("max", AVAILABLE)])
@pytest.mark.parametrize(("controllers", "path"), [("", "/"), ("", "/a/b"), ("memory", "/a")])
def test_what_a_control_group_leaves_is_its_limit_without_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    controllers: str,
    path: str,
    most: str,
    left: int,
) -> None:
    group = tmp_path / path[1:]
    group.mkdir(parents=True, exist_ok=True)
    for name, text in (("most", most), ("now", "500"), ("memory.stat", "anon 300\ncached 200\n")):
        (group / name).write_text(text)
    monkeypatch.setattr(warming, "_FILES", {controllers: (str(tmp_path), "most", "now", "cached")})
    groups = tmp_path / "groups"
    for inside in ("", "/c", "/c/d"):  # a limit of a group that it is in counts, too
        groups.write_text(f"9:cpu:/c\n4:{controllers}:{path.rstrip('/')}{inside}\n")
        assert warming._left_by_cgroup(AVAILABLE, groups) == left


def test_without_control_groups_all_is_left(tmp_path: Path) -> None:
    assert warming._left_by_cgroup(5, tmp_path / "none") == 5
