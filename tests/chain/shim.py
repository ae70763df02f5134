"""Processes in which what is written to disk goes wrong. No test of its own.

`faults.c` stands between them and the system. Within one, `Faults` says what goes wrong when.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE

HERE = Path(__file__).parent


def build_shim(folder: Path) -> str:
    """The path of the library that is to be loaded first."""
    library = folder / "faults.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "faults.c", "-ldl"], check=True
    )
    return str(library)


def start(module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """``python -m module arguments``, with more in its environment."""
    paths = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths} | environment,
    )


def outcome(process: subprocess.Popen[str]) -> list[str]:
    """The lines that it says."""
    said, _ = process.communicate(timeout=2 * PATIENCE)
    return said.splitlines()


class Faults:
    """For a process that has the shim loaded."""

    def __init__(self) -> None:
        self._set = ctypes.CDLL(None).set_fault
        self._set.argtypes, self._set.restype = (ctypes.c_char_p, ctypes.c_long), ctypes.c_long
        self.calls = 0

    @contextmanager
    def within(self, kind: str, at: int) -> Iterator[None]:
        """From one call on everything goes wrong; ``calls`` is afterwards how many there were."""
        held = kind.encode()
        self._set(held, at)
        try:
            yield
        finally:
            self.calls = self._set(None, 0)
