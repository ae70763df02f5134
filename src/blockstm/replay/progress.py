"""What has been done, in a file from which the same replay goes on.

The file is JSON: what the replay is, and the records so far. It is written whole beside itself and
put in its place, so that a reader finds one state or the next, however the writer ends; and so
seldom that writing takes a small part of the time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from blockstm.errors import DecodeError, ProgressMismatch
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.replay.records import BlockRecord, Verdict
from blockstm.whole_files import replacing

__all__ = ["ProgressFile"]

_FORMAT: Final = 1
_EVERY_S: Final = 1.0
_SHARE: Final = 0.02  # of the time, for writing
_AGAIN: Final = (Verdict.KILLED, Verdict.FAILED)  # may have been for lack of memory, or of room


class ProgressFile:
    """The file of one replay. For one thread.

    Args:
        path: of the file, which need not be there; None keeps nothing.
        digest: of the replay.
        count: of its blocks.

    Raises:
        ProgressMismatch: the file is of another replay.
        DecodeError: it is no file of progress.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path | None, digest: str, count: int) -> None:
        self._path = path
        self._digest = digest
        self._count = count
        self._written = self._cost = 0.0
        self._is_changed = False
        self.records: dict[int, BlockRecord] = {}
        if path is not None and path.exists():
            found = _read(path, digest, count)
            self.records = {each.place: each for each in found if each.verdict not in _AGAIN}

    def add(self, records: Iterable[BlockRecord]) -> None:
        """Note records; the file follows before long."""
        self.records.update((each.place, each) for each in records)
        self._is_changed = True
        passed = time.monotonic() - self._written
        if passed > max(_EVERY_S, self._cost / _SHARE):
            self.write()

    def write(self) -> None:
        """Have the file say all that is known.

        Raises:
            OSError: it cannot be written.
        """
        if self._path is None or not self._is_changed:
            return
        begin = time.monotonic()
        document = {
            "format": _FORMAT,
            "replay": self._digest,
            "blocks": self._count,
            "done": len(self.records),
            "records": [self.records[place].to_json() for place in sorted(self.records)],
        }
        with replacing(self._path, durable=True) as unfinished:
            unfinished.write_text(json.dumps(document, separators=(",", ":")))
        self._is_changed = False
        self._written = time.monotonic()
        self._cost = self._written - begin


def _read(path: Path, digest: str, count: int) -> list[BlockRecord]:
    try:
        document: Any = parse_json(path.read_bytes(), "file of progress")
        named, size, form = document["replay"], document["blocks"], document["format"]
        records = [BlockRecord.from_json(each) for each in document["records"]]
    except (TypeError, LookupError, DecodeError) as error:
        raise DecodeError(f"{path}: no file of progress: {error}") from error
    if type(size) is not int or type(form) is not int or type(document["records"]) is not list:
        raise DecodeError(f"{path}: no file of progress: a member is of the wrong kind", "records")
    if (named, size, form) != (digest, count, _FORMAT):
        raise ProgressMismatch(
            f"{path} is of another replay, of {size} blocks: name another file, or delete it; what "
            "makes a replay are its blocks and witnesses, whose rules hold, where roots are "
            "compared, and the version of blockstm"
        )
    if {each.place for each in records} - set(range(count)):
        raise DecodeError(f"{path}: no file of progress: a record is of no block", "records")
    return records
