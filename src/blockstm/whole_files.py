"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["is_stream", "replacing"]

# Names there stand for what a process has open: what lies under them is not to be replaced.
_OPEN_FILES = frozenset({"/dev", "/dev/fd", "/proc/self/fd"})


@contextmanager
def replacing(
    path: str | Path, *, mode: int | None = None, durable: bool = False
) -> Iterator[Path]:
    """Where to write what takes the place of ``path`` at the end, at once.

    If the body fails, nothing has changed. Where a link is, the file that it leads to is replaced.
    A device, a pipe or a terminal has no place to take: that is written to itself, and a file that
    is mounted by itself gets a copy.

    Args:
        path: the file's final name, whether there is one or not.
        mode: who may read, write and execute it; by default as of the one that is there.
        durable: have it survive a power cut, too: a file that is there after one is whole.

    Raises:
        OSError: it cannot be written; it names ``path``.

    Thread-safety: several may replace one file; the last one wins.
    """
    final = Path(path)
    if is_stream(final):
        yield final
        return
    target = Path(os.path.realpath(final))
    unfinished = target.with_name(f".{target.name[:50]}.{os.urandom(4).hex()}")
    try:
        yield unfinished
        if mode is not None:
            unfinished.chmod(mode)
        elif target.exists():
            shutil.copymode(target, unfinished)
        if durable:
            _sync(unfinished)
        _take_place(unfinished, target)
        if durable:
            _sync(target.parent)
    except OSError as error:
        if error.filename == str(unfinished):
            error.filename = str(final)
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def _take_place(unfinished: Path, target: Path) -> None:
    try:
        unfinished.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(unfinished, target)  # it is mounted, as containers mount single files
        _sync(target)


def is_stream(path: Path) -> bool:
    """Whether something is there that a file cannot take the place of: a device, a pipe, a
    terminal, or what a process has open.

    Raises:
        OSError: it cannot be told.
    """
    if os.path.dirname(os.path.abspath(path)) in _OPEN_FILES:
        return True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
