"""A database's file brought into the system's page cache, where there is room for all of it.

The room is that of the process: what its other databases brought in is not to go for this one.

A page that is not there is waited for where it is first read, 4 KiB at a time; a disk that is asked
for the file in order gives it ten to a hundred times as fast.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, RLock, Thread
from typing import Final

from blockstm._native.store.database import Database

__all__ = ["Warming", "available_bytes", "pages_waited_for"]

_PIECE_BYTES: Final = 8 << 20
_PIECES_BETWEEN: Final = 32
"""After so many it is asked again what memory is available."""
_ROOM: Final = 2
"""So many times the file has to be available, so that nothing else has to go for it."""
_GROUPS: Final = Path("/proc/self/cgroup")
_FILES: Final = {
    "": ("/sys/fs/cgroup", "memory.max", "memory.current", "file"),
    "memory": (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_cache",
    ),
}
"""By the controllers of a line of `/proc/self/cgroup`: version 2 names none."""


class Budget:
    """How much of files is brought into memory, by all who do so. Any thread."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all owners, in a forked child: their threads are the parent's, and who has a
        lock."""
        self._lock = RLock()  # again in the same thread: garbage may be collected meanwhile
        self._claims: dict[int, int] = {}

    def claim(self, owner: object, size: int) -> bool:
        """Whether there is room for so many bytes of an owner's, beside those of all others.

        Then they are the owner's, instead of what it had, until it releases them.
        """
        with self._lock:
            others = sum(held for each, held in list(self._claims.items()) if each != id(owner))
            if available_bytes() < _ROOM * (others + size):
                return False
            self._claims[id(owner)] = size
            return True

    def keep(self, owner: object, size: int) -> None:
        """Have an owner have so many bytes of what it claimed, or none."""
        with self._lock:
            if id(owner) in self._claims:
                self._claims[id(owner)] = size

    def release(self, owner: object) -> None:
        """Have an owner have none; it must, while it is there. May be called twice."""
        with self._lock:
            self._claims.pop(id(owner), None)


_BUDGET: Final = Budget()
os.register_at_fork(after_in_child=_BUDGET.reset)


class Warming:
    """Reads a file once, in a thread beside everything else. Any thread.

    Args:
        database: whose file it is; once it is closed nothing more is read.
        budget: that it shares with others; by default with all of the process.
    """

    def __init__(self, database: Database, budget: Budget = _BUDGET) -> None:
        self._budget = budget
        self._database: Database | None = database
        self._place = Path(database.path) / "mdbx.dat"
        self._beginning = Lock()
        self._reading = RLock()  # again in the same thread: garbage may be collected meanwhile
        self._pid = os.getpid()
        self._thread: Thread | None = None
        self._has_begun = False

    def begin(self) -> None:
        """Begin to read it, unless it was begun before, or memory is short of room for it."""
        if os.getpid() != self._pid:  # the locks may be those of a thread that a child lacks
            return
        with self._beginning:
            if self._has_begun:
                return
            self._has_begun = True
        with suppress(OSError, RuntimeError, MemoryError):  # then pages are read one by one
            if self._has_room():
                thread = Thread(target=self._read, name="blockstm-warming", daemon=True)
                try:
                    thread.start()
                except BaseException:
                    self._budget.release(self)
                    raise
                self._thread = thread

    def _has_room(self) -> bool:
        return self._budget.claim(self, self._place.stat().st_size)

    def _read(self) -> None:
        at = pieces = 0
        try:
            with suppress(OSError, RuntimeError, MemoryError):  # no file any more, or no memory
                while read := self._read_piece(at):
                    at += read
                    pieces += 1
                    if pieces % _PIECES_BETWEEN == 0 and not self._has_room():
                        return
        finally:
            with self._reading:
                if self._database:
                    self._budget.keep(self, at)
                else:  # it was released, and may have claimed room once more
                    self._budget.release(self)

    def _read_piece(self, at: int) -> int:
        with self._reading:
            return self._database.read_ahead(at, _PIECE_BYTES) if self._database else 0

    def release(self) -> None:
        """Read no more, nor keep the database. It waits for the piece that is being read."""
        if os.getpid() == self._pid and not sys.is_finalizing():  # else the thread may be no more
            with self._reading:
                self._database = None
            self._budget.release(self)

    def wait(self) -> None:
        """Wait until nothing is read any more. Pre: the database is closed."""
        if self._thread is not None and os.getpid() == self._pid:
            self._thread.join()
        self._budget.release(self)


def available_bytes() -> int:
    """Memory that could be had without taking any from other processes but for pages of their
    files; 0 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        available = int(fields["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return 0
    return min(available, _left_by_cgroup(available))


def _left_by_cgroup(otherwise: int, groups: Path = _GROUPS) -> int:
    """What the process's control group, and those that it is in, leave of memory; ``otherwise``
    where none has a limit."""
    left = otherwise
    with suppress(OSError, ValueError):
        for line in groups.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                root, *names = _FILES[controllers]
                inside = Path(path.lstrip("/"))  # of a container it may be a path outside it
                for group in (inside, *inside.parents):
                    left = min(left, _left_by(Path(root) / group, *names, otherwise=left))
    return left


def _left_by(group: Path, limit: str, used: str, cached: str, *, otherwise: int) -> int:
    with suppress(OSError, ValueError, KeyError):  # a limit may be a word, or missing
        most, now = (int((group / name).read_text()) for name in (limit, used))
        lines = (group / "memory.stat").read_text().splitlines()
        files = int(dict(line.split() for line in lines)[cached])
        return max(most - now + files, 0)
    return otherwise


def pages_waited_for() -> int:
    """How many pages of files this thread had to wait for; 0 where the system does not tell."""
    thread = getattr(resource, "RUSAGE_THREAD", None)
    return 0 if thread is None else resource.getrusage(thread).ru_majflt
