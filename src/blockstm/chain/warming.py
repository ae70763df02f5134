"""A database's file brought into the system's page cache, where there is room for all of it.

A page that is not there is waited for where it is first read, 4 KiB at a time; a disk that is asked
for the file in order gives it ten to a hundred times as fast.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from blockstm._native.store.database import Database

__all__ = ["Warming", "available_bytes", "pages_waited_for"]

_PIECE_BYTES: Final = 8 << 20
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


class Warming:
    """Reads a file once, in a thread beside everything else. Any thread.

    Args:
        database: whose file it is; once it is closed nothing more is read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beginning = Lock()
        self._pid = os.getpid()
        self._thread: Thread | None = None
        self._has_begun = False

    def begin(self) -> None:
        """Begin to read it, unless it was begun before, or memory is short of room for it."""
        with self._beginning:
            if self._has_begun:
                return
            self._has_begun = True
        with suppress(OSError, RuntimeError):  # no file, or no thread: pages are read one by one
            if available_bytes() >= _ROOM * _size_of(self._database):
                thread = Thread(target=self._read, name="blockstm-warming", daemon=True)
                thread.start()
                self._thread = thread

    def _read(self) -> None:
        at = 0
        while read := self._database.read_ahead(at, _PIECE_BYTES):
            at += read

    def wait(self) -> None:
        """Wait until nothing is read any more."""
        if self._thread is not None and os.getpid() == self._pid:
            self._thread.join()


def _size_of(database: Database) -> int:
    return (Path(database.path) / "mdbx.dat").stat().st_size


def available_bytes() -> int:
    """Memory that could be had without taking any from others; 0 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        available = int(fields["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return 0
    return min(available, _left_by_cgroup(available))


def _left_by_cgroup(otherwise: int, groups: Path = _GROUPS) -> int:
    """What the process's control group leaves of memory; ``otherwise`` where it has no limit."""
    with suppress(OSError, ValueError):
        for line in groups.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                folder, limit, used, cached = _FILES[controllers]
                group = Path(f"{folder}{path}") if path != "/" else Path(folder)
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
