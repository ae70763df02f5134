"""Many short byte strings in ascending order, in bounded memory: sorted in parts, then merged.

The file is temporary and has no name: it is gone with the process, however that ends.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Final, Self

from blockstm.errors import StoreError

__all__ = ["Sorted"]

_BYTES_MAX: Final = 32 << 20
"""What is held before it is written, by default, in bytes."""
_OBJECT_SIZE: Final = 48
"""What Python needs for a byte string beside its bytes, and for its place in a list."""
_LENGTH_SIZE: Final = 2
_CHUNK: Final = 1 << 16


class Sorted:
    """Collects byte strings of up to 65,535 bytes, then gives them in order.

    Used as a context manager, by one thread.
    """

    def __init__(self, bytes_max: int = _BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def add(self, strings: Iterable[bytes]) -> None:
        """Collect some.

        Raises:
            StoreError: the temporary file cannot be written.
        """
        for each in strings:
            self._held.append(each)
            self._held_bytes += len(each) + _OBJECT_SIZE
            if self._held_bytes > self._bytes_max:
                self._spill()

    def _spill(self) -> None:
        """Write what is held as a run, each string behind its length."""
        self._held.sort()
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `__exit__` closes it
            begin = self._file.seek(0, 2)
            self._file.writelines(
                len(each).to_bytes(_LENGTH_SIZE, "big") + each for each in self._held
            )
            self._runs.append((begin, self._file.tell()))
        except OSError as error:
            raise _failure("written", error) from error
        self._held.clear()
        self._held_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        """All of them, in ascending order.

        Raises:
            StoreError: the temporary file cannot be read.
        """
        self._held.sort()
        return heapq.merge(*(self._run(begin, end) for begin, end in self._runs), self._held)

    def _run(self, begin: int, end: int) -> Iterator[bytes]:
        rest = b""
        while begin < end:
            chunk = rest + self._read(begin, min(_CHUNK, end - begin))
            begin += len(chunk) - len(rest)
            at = 0
            while (start := at + _LENGTH_SIZE) <= len(chunk):
                stop = start + int.from_bytes(chunk[at:start], "big")
                if stop > len(chunk):
                    break
                yield chunk[start:stop]
                at = stop
            rest = chunk[at:]

    def _read(self, begin: int, size: int) -> bytes:
        assert self._file is not None  # there is a run
        try:
            self._file.seek(begin)
            found = self._file.read(size)
        except OSError as error:
            raise _failure("read", error) from error
        if len(found) < size:
            raise StoreError("the temporary file of a sort ends early")
        return found


def _failure(what: str, error: OSError) -> StoreError:
    return StoreError(
        f"the temporary file of a sort cannot be {what}: {error.strerror or error}; another folder "
        "for it is taken from TMPDIR"
    )
