# distutils: sources = src/blockstm/_native/store/environment.cpp src/blockstm/_native/store/snapshot.cpp src/blockstm/_native/store/batch.cpp
"""Ordered tables in a folder, by libmdbx: read as of one moment, changed all at once.

Threads: any thread may use any of it. Reads and commits run without the GIL. A forked child has none of its
parent's databases: it gets `ForkedError`.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EDQUOT, EIO, ENOENT, ENOMEM, ENOSPC
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport strerror
from libcpp.vector cimport vector
from posix.unistd cimport getpid

from blockstm._native.store cimport core

from os import statvfs
from threading import RLock
from weakref import ref

from blockstm.errors import (
    ClosedError, ForkedError, InputError, StoreDamaged, StoreError, StoreFull, StoreLocked, StoreMismatch,
    UsageError,
)

cdef size_t CHUNK_COUNT = 512  # pairs that are read at once where many are listed
cdef uint64_t CHUNK_SIZE = 1 << 20  # or so many bytes of them
cdef uint64_t ROOM_MIN = 1 << 20  # bytes
cdef Py_ssize_t SNAPSHOTS_MIN = 64  # fewer are not looked through for those that are no more


def functions() -> tuple[str, ...]:
    """The symbols that the library must have."""
    cdef size_t index
    return tuple([core.FUNCTION_NAMES[index].decode() for index in range(core.FUNCTION_COUNT)])


def install(addresses: dict[str, int]) -> None:
    """Write the addresses of `functions` into the table; before the first database is opened."""
    cdef size_t index
    for index in range(core.FUNCTION_COUNT):
        core.set_function(index, addresses[core.FUNCTION_NAMES[index].decode()])


cdef const core.Mdbx* shared_library() noexcept nogil:
    return &core.library


cdef class Database:
    """The tables of a folder.

    Args:
        path: the folder, which exists.
        names: of the tables; their places in this tuple are what methods call them by. What a table of a
            name holds is checked against that place, so it never changes.
        read_only: whether nothing is to be written; then a table may be missing, and is empty.
        size_max: the largest size of the file, in bytes; so much address space is taken.
        readers_max: snapshots' readers of all processes together.

    Raises:
        StoreError: it cannot be opened, or is damaged.
    """

    def __cinit__(self, str path, tuple names, *, read_only=False, uint64_t size_max=1 << 40,
                  uint32_t readers_max=1024):
        cdef core.Failure failure
        cdef const char* pointers[core.TABLES_MAX]
        cdef list held = [name.encode() for name in names]
        cdef bytes place = path.encode("utf-8", "surrogateescape")
        cdef const char* at = PyBytes_AS_STRING(place)
        cdef bint reads = read_only
        cdef uint32_t count = len(held), index
        if count > core.TABLES_MAX:
            raise InputError(f"a database has at most {core.TABLES_MAX} tables, not {count}")
        for index in range(count):
            pointers[index] = PyBytes_AS_STRING(<bytes>held[index])
        self.path, self.names, self.read_only = path, names, reads
        self.pid = getpid()
        self.snapshots, self.snapshots_max, self.listing = [], SNAPSHOTS_MIN, RLock()
        with nogil:
            self.environment.open(at, pointers, count, reads, size_max, readers_max, failure)
        if failure.code != core.CODE_OK:
            raise self.error_of(&failure, "be opened")

    def __dealloc__(self):
        if self.pid != getpid():
            self.environment.forget()
        else:
            self.environment.close()

    def close(self) -> None:
        """Close it and its snapshots; may be called twice.

        Raises:
            UsageError: a block runs on what it holds.
        """
        cdef DatabaseSnapshot snapshot
        cdef bint is_pinned
        if self.pid != getpid():
            return
        with nogil:
            self.closing.lock()  # snapshots are open by now, or see what follows
            is_pinned = self.pins.read_plain() != 0
            if not is_pinned:
                self.is_closing.publish(1)
            self.closing.unlock()
        if is_pinned:
            raise UsageError(f"{self.path} cannot be closed while a block runs on what it holds")
        with self.listing:
            opened = [each for each in [known() for known in self.snapshots] if each is not None]
        for snapshot in opened:
            snapshot.close()
        with nogil:
            self.closing.lock()
            self.environment.close()
            self.closing.unlock()

    def snapshot(self, uint32_t readers=1) -> DatabaseSnapshot:
        """What there is now.

        Args:
            readers: how many threads can read it at once; more wait for each other.

        Raises:
            StoreError: it cannot be read.
        """
        cdef DatabaseSnapshot snapshot = DatabaseSnapshot.__new__(DatabaseSnapshot)
        cdef core.Failure failure
        snapshot.database = self
        self.check()
        with self.listing:
            self.note(snapshot)  # before it is open: then `close` never misses it
        with nogil:
            self.closing.lock_shared()
            if self.is_closing.observe():
                snapshot.was_closed.publish(1)
            else:
                snapshot.snapshot.open(self.environment, readers, failure)
            self.closing.unlock_shared()
        if failure.code != core.CODE_OK:
            raise self.error_of(&failure, "be read")
        snapshot.check()
        return snapshot

    # Not in a `WeakSet`, whose callbacks are Python: a Ctrl-C that comes to one of them is lost.
    cdef int note(self, DatabaseSnapshot snapshot) except -1:
        cdef list living
        cdef Py_ssize_t count
        while len(self.snapshots) >= self.snapshots_max:
            count = len(self.snapshots)
            living = [known for known in self.snapshots if known() is not None]
            if len(self.snapshots) == count:  # else garbage was collected, and that noted one
                self.snapshots, self.snapshots_max = living, SNAPSHOTS_MIN + 2 * len(living)
        self.snapshots.append(ref(snapshot))
        return 0

    def read_ahead(self, uint64_t begin, uint64_t size) -> int:
        """Have the system read a part of the file into memory, and wait for it.

        Returns:
            How many bytes there are of it: 0 behind the end, and where the database is closed.
        """
        cdef uint64_t there = 0
        if self.pid != getpid():
            return 0
        with nogil:
            self.closing.lock_shared()
            if self.environment.is_open():
                there = self.environment.read_ahead(begin, size)
            self.closing.unlock_shared()
        return there

    def commit(self, changes) -> None:
        """Make all changes, durably, or none.

        Args:
            changes: place of a table → key → value, None to remove.

        Raises:
            StoreError: they could not be made; nothing was changed.
        """
        cdef core.Batch batch
        self.add_changes(&batch, changes)
        self.commit_native(&batch)

    cdef int add_changes(self, core.Batch* batch, object changes) except -1:
        cdef uint32_t table
        cdef bytes key
        cdef bint is_noted
        for number, entries in changes.items():
            table = number
            for key, value in entries.items():
                if value is None:
                    is_noted = batch.remove(table, view_of(key))
                else:
                    is_noted = batch.put(table, view_of(key), view_of(<bytes?>value))
                if not is_noted:
                    raise MemoryError
        return 0

    cdef int commit_native(self, core.Batch* batch) except -1:
        cdef core.Failure failure
        cdef bint is_open
        self.check()
        if self.read_only:
            raise StoreError(f"{self.path} was opened to be read only")
        with nogil:
            self.closing.lock_shared()
            is_open = self.environment.is_open()
            if is_open:
                batch.commit(self.environment, failure)
            self.closing.unlock_shared()
        if not is_open:
            raise ClosedError(f"{self.path} is closed")
        if failure.code != core.CODE_OK:
            raise self.error_of(&failure, "be written")
        return 0

    cdef int check(self) except -1:
        if self.pid != getpid():
            raise ForkedError(f"{self.path} was opened by another process: open it again")
        if self.is_closing.observe():
            raise ClosedError(f"{self.path} is closed")
        return 0

    cdef void add_pins(self, int64_t count) noexcept nogil:
        """Blocks begin, or end, on what it holds. A `close` has begun before, as `check` says, or sees them."""
        self.closing.lock_shared()
        self.pins.count_up(count)
        self.closing.unlock_shared()

    cdef object error_of(self, const core.Failure* failure, str action):
        """The exception for a code, which names the folder, the table and the key."""
        cdef int code = failure.code
        place = self.path
        if code == ENOMEM:
            return MemoryError(f"{place} cannot {action}: there is no memory for it")
        if code == core.CODE_CLOSED:
            return ClosedError(f"{place} is closed")
        if code == EIO and is_full(self.path):
            code = ENOSPC  # libmdbx takes a write that the disk had room for in part as one that failed
        if failure.table < <uint32_t>len(self.names):
            key = PyBytes_FromStringAndSize(<const char*>failure.key, failure.key_size)
            place = f"{place}, table {self.names[failure.table]}, key 0x{key.hex()}"
        if code in MEANINGS:
            kind, meaning = MEANINGS[code]
            return kind(f"{place} cannot {action}: {meaning}")
        if code > 0:
            return StoreError(f"{place} cannot {action}: {strerror(code).decode(errors='replace')} (errno {code})")
        text = core.library.liberr2str(code)
        said = "" if text == NULL else text.decode(errors="replace")
        return StoreError(f"{place} cannot {action}: {said} (libmdbx {code})")


cdef bint is_full(str path) except -1:
    """Whether the disk that a folder is on has less room than a commit takes."""
    try:
        room = statvfs(path)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < ROOM_MIN


cdef dict MEANINGS = {
    core.CODE_BAD_CHECKSUM: (StoreDamaged, "what it holds is not what was written"),
    core.CODE_BAD_ORDER: (StoreDamaged, "its keys are not in order, so that none can be told to be absent"),
    core.CODE_TRUNCATED: (StoreDamaged, "the file ends before the last of its pages"),
    core.CODE_CORRUPTED: (StoreDamaged, "a page is not what libmdbx wrote"),
    core.CODE_PAGE_NOT_FOUND: (StoreDamaged, "a page that another names is not there"),
    core.CODE_PAGE_FULL: (StoreDamaged, "a page holds more than fits"),
    core.CODE_WANTS_RECOVERY: (StoreDamaged, "its last commit is not whole, and it was opened to be read only"),
    core.CODE_INVALID: (StoreDamaged, "the file is no database of libmdbx, or its first pages are damaged"),
    core.CODE_VERSION: (StoreMismatch, "the file was written by another version of libmdbx"),
    core.CODE_PANIC: (StoreError, "an earlier failure has stopped it; close it and open it again"),
    core.CODE_BUSY: (StoreLocked, "another process writes to it"),
    core.CODE_READERS_FULL: (StoreError, "there are as many readers as it has room for; close some"),
    core.CODE_MAP_FULL: (StoreFull, "it has the largest size it may have"),
    core.CODE_CANNOT_EXTEND: (StoreFull, "there is no address space for it to grow"),
    ENOSPC: (StoreFull, "the disk is full"),
    EDQUOT: (StoreFull, "the quota of the disk is used up"),
    EAGAIN: (StoreLocked, "this process has it open already; use that, or close it first"),
    EIO: (StoreError, "the disk failed (EIO)"),
    ENOENT: (StoreError, "there is no such file"),
}


cdef class DatabaseSnapshot:
    """The tables as they were when `Database.snapshot` was called."""

    def __dealloc__(self):
        if self.database is None:
            return
        if self.database.pid != getpid():
            self.snapshot.forget()
        else:
            self.snapshot.close()

    def close(self) -> None:
        """Let the database reuse what only this snapshot sees; may be called twice."""
        if self.database.pid != getpid():
            return
        self.was_closed.publish(1)
        with nogil:
            self.snapshot.close()

    cdef bint renew(self) noexcept nogil:
        """See what there is now; whether it does. Pre: nobody keeps what was found."""
        cdef bint is_renewed = False
        self.database.closing.lock_shared()
        if self.database.environment.is_open():
            is_renewed = self.snapshot.renew(self.database.environment)
        self.database.closing.unlock_shared()
        return is_renewed

    @property
    def moment(self) -> int:
        """The number of the last commit that it sees."""
        cdef uint64_t moment = 0
        cdef bint is_open
        self.check()
        with nogil:
            self.snapshot.closing().lock_shared()
            is_open = self.snapshot.is_open()
            if is_open:
                moment = self.snapshot.moment()
            self.snapshot.closing().unlock_shared()
        if not is_open:
            raise self.closed()
        return moment

    def get(self, uint32_t table, bytes key):
        """The value of a key; None where it has none.

        Raises:
            StoreError: that cannot be told.
        """
        cdef core.ByteView at = view_of(key), value
        cdef core.Failure failure
        cdef core.Reader* reader
        cdef int code = core.CODE_NOT_FOUND
        self.check()
        with nogil:
            reader = self.enter()
            if reader != NULL:
                code = reader.find(table, at, value, failure)
                reader.lock.unlock()
        try:  # what was found lies in the map until the snapshot is closed
            if code == core.CODE_OK:
                return bytes_of(value)
        finally:
            self.leave()
        if reader == NULL:
            raise self.closed()
        if code != core.CODE_NOT_FOUND:
            raise self.database.error_of(&failure, "be read")
        return None

    def items(self, uint32_t table, bytes prefix=b"", bytes start=b""):
        """Keys that begin with ``prefix``, from ``start`` on, and their values, in order; read in pieces."""
        begin = max(prefix, start)
        while True:
            found, is_all = self.piece(table, prefix, begin)
            yield from found
            if is_all:
                return
            begin = found[len(found) - 1][0] + b"\0"

    def piece(self, uint32_t table, bytes prefix, bytes begin):
        """Some pairs from ``begin`` on, and whether these are all that begin with ``prefix``."""
        cdef core.Failure failure
        cdef core.Reader* reader
        cdef vector[core.Pair] pairs
        cdef core.Pair pair
        cdef core.ByteView at = view_of(begin)
        cdef uint64_t size = 0
        cdef int code = core.CODE_NOT_FOUND
        self.check()
        with nogil:
            reader = self.enter()
            if reader != NULL:
                code = reader.find_from(table, at, pair, failure)
                while code == core.CODE_OK and size < CHUNK_SIZE and pairs.size() < CHUNK_COUNT:
                    pairs.push_back(pair)
                    size += pair.key.size() + pair.value.size()
                    code = reader.next(table, pair, failure)
                reader.lock.unlock()
        found = []
        is_all = code == core.CODE_NOT_FOUND
        try:
            for pair in pairs:
                key = bytes_of(pair.key)
                if not key.startswith(prefix):
                    is_all, code = True, core.CODE_OK
                    break
                found.append((key, bytes_of(pair.value)))
        finally:
            self.leave()
        if reader == NULL:
            raise self.closed()
        if code != core.CODE_OK and code != core.CODE_NOT_FOUND:
            raise self.database.error_of(&failure, "be read")
        return found, is_all

    def sizes(self) -> list:
        """Of each table the entries and the bytes of its pages."""
        cdef core.Reader* reader
        cdef core.TableStat stat
        cdef uint32_t table
        cdef int code
        cdef core.Failure failure
        found = []
        for table in range(len(self.database.names)):
            self.check()
            with nogil:
                code = core.CODE_CLOSED
                reader = self.enter()
                if reader != NULL:
                    code = reader.stat(table, stat)
                    reader.lock.unlock()
                self.leave()
            if code != core.CODE_OK:
                failure.code = code
                raise self.database.error_of(&failure, "be read")
            pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages
            found.append((stat.entries, pages * stat.page_size))
        return found

    def page_counts(self) -> tuple[int, int, int]:
        """Bytes of a page, pages of the file that were ever used, and those of them that are free now."""
        cdef core.Reader* reader
        cdef core.PageCount count
        cdef core.Failure failure
        cdef int code = core.CODE_CLOSED
        self.check()
        with nogil:
            reader = self.enter()
            if reader != NULL:
                code = reader.count_pages(count)
                reader.lock.unlock()
            self.leave()
        if code != core.CODE_OK:
            failure.code = code
            raise self.database.error_of(&failure, "be read")
        return count.page_size, count.used, count.free

    cdef core.Reader* enter(self) noexcept nogil:
        self.snapshot.closing().lock_shared()
        return &self.snapshot.take() if self.snapshot.is_open() else NULL

    cdef void leave(self) noexcept nogil:
        self.snapshot.closing().unlock_shared()

    cdef int check(self) except -1:
        if self.database.pid != getpid():
            self.database.check()
        if self.was_closed.observe():
            raise self.closed()
        return 0

    def closed(self):
        """The exception for a use after `close`."""
        return ClosedError(f"the snapshot of {self.database.path} is closed")


cdef core.ByteView view_of(bytes data) noexcept:
    return core.ByteView(<const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef bytes bytes_of(core.ByteView view):
    return PyBytes_FromStringAndSize(<const char*>view.data(), view.size())
