"""How much memory a piece of work takes at its highest, by the kernel's count for this process."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["PeakMemory"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"


class PeakMemory:
    """The growth of the process over what it held when this was made; on Linux, else unknown.

    Memory that was freed before and kept for later is taken again without growth: what is to be
    measured whole is measured in a fresh process.
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: int | None = None
        try:
            _CLEAR.write_text(_FORGET_PEAK)
            self._before = _bytes("VmRSS")
        except OSError:  # another system, or one that does not let a process ask
            return

    def grown(self) -> int | None:
        """By how many bytes, at the highest; None where nobody can tell."""
        return None if self._before is None else max(0, _bytes("VmHWM") - self._before)


def _bytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {field}")
    return 1024 * int(found[1])
