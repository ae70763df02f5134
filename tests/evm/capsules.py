"""Functions of C for the EVM, compiled by a test, in the capsules that it takes them in."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import Any

INCLUDE = Path(__file__).parents[2] / "src" / "blockstm" / "include"


def compiled(source: str, folder: Path) -> ctypes.CDLL:
    """A library of this source, built in a folder."""
    file, built = folder / "functions.c", folder / "functions.so"
    file.write_text(source)
    command = ["cc", "-std=c11", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{INCLUDE}"]
    subprocess.run([*command, file, "-o", built], check=True)
    return ctypes.CDLL(str(built))


def capsule(library: ctypes.CDLL, table: str, name: bytes) -> Any:
    """A PyCapsule of a name around one of a library's tables; ``name`` has to last as long."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(ctypes.addressof(ctypes.c_char.in_dll(library, table)), name, None)
