"""The switches of mutants in a running process: which is on, which were met. No test of its own."""

from __future__ import annotations

import builtins
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["NativeSwitches", "PythonSwitches", "Switches"]


DIGITS = b"01" + bytes(254)


class Switches:
    """Turns a mutant on, and tells which were come across."""

    def turn_on(self, number: int) -> None:
        raise NotImplementedError

    def met(self) -> int:
        """A bit for each mutant: 1 if its place was executed since the last call."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Compute constants once more, for the mutant that is on."""


class PythonSwitches(Switches):
    """Of modules that were loaded with mutants in them: they call ``__mutant__(number)``."""

    def __init__(self, count: int, refresh: Callable[[], None]) -> None:
        self._refresh = refresh
        self._met = bytearray(count)
        self._on: int | None = None
        builtins.__mutant__ = self._is_on  # type: ignore[attr-defined]  # made here

    def _is_on(self, number: int) -> bool:
        self._met[number] = 1
        if self._on is None:
            self._on = int(os.environ.get("BLOCKSTM_MUTANT", "-1"))
        return self._on == number

    def turn_on(self, number: int) -> None:
        self._on = number

    def refresh(self) -> None:
        self._refresh()

    def met(self) -> int:
        met = bits(self._met)
        self._met[:] = bytes(len(self._met))
        return met


class NativeSwitches(Switches):
    """Of the extension modules in a folder."""

    def __init__(self, folder: Path, count: int) -> None:
        # The linker keeps one copy of each variable, so any module that has them will do.
        for path in sorted(folder.rglob("*.so")):
            if b"blockstm_mutants_met" in path.read_bytes():
                library = ctypes.CDLL(str(path))
                self._on = ctypes.c_int.in_dll(library, "blockstm_mutant_on")
                self._met = (ctypes.c_ubyte * count).in_dll(library, "blockstm_mutants_met")
                self._refresh = library.blockstm_mutants_refresh
                return
        raise SystemExit(f"no module in {folder} has mutants in it")

    def turn_on(self, number: int) -> None:
        self._on.value = number

    def refresh(self) -> None:
        self._refresh()

    def met(self) -> int:
        met = bits(bytes(self._met))
        ctypes.memset(self._met, 0, len(self._met))
        return met


def bits(flags: bytes | bytearray) -> int:
    """The number that has a bit for each byte that is 1."""
    return int(bytes(flags).translate(DIGITS)[::-1] or b"0", 2)
