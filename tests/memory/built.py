"""The C of these tests, built when it is first needed; no test of its own."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import blockstm
from blockstm._native.base.codec import codec_named

HERE = Path(__file__).parent
INCLUDE = Path(blockstm.__file__).parent / "include"


@cache
def built(name: str) -> Path:
    """A shared object of ``name``.c; skips where no C compiler is."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip(f"no C compiler on Linux: {name}.c is not built, and its tests do not run")
    folder = Path(tempfile.mkdtemp(prefix="blockstm-tests-"))
    made = folder / f"{name}.so"
    source = HERE / f"{name}.c"
    command = [
        compiler,
        "-O1",
        "-shared",
        "-fPIC",
        "-I",
        str(INCLUDE),
        str(source),
        "-o",
        str(made),
    ]
    subprocess.run(command, check=True)
    return made


def capsule(pointer: int, name: bytes) -> Any:
    """A PyCapsule; ``name`` must live as long as it does."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    return make(pointer, name, None)


VM_NAME = b"blockstm.vm"


class BuiltVm:
    """A native VM in C over int64 keys: ``{name}_vm`` of the library fills in the table of a block.

    ``block`` is what the C code calls ``context``; ``others`` are what it takes beside it.
    """

    def __init__(
        self, library: Path, name: str, block: ctypes.Structure, *others: int, values: str = "int64"
    ) -> None:
        table = ctypes.CDLL(str(library))[f"{name}_vm"]
        table.restype = ctypes.c_void_p
        self._table, self._block = table, block
        self.vm = capsule(table(ctypes.byref(block), *others), VM_NAME)
        self.keys, self.values = codec_named("int64"), codec_named(values)
        self.count = 0

    def __blockstm_bind__(self, transactions: Any) -> BuiltVm:
        self.count = len(transactions)
        return self

    def value(self, output: bytes) -> bytes | None:
        assert output == b""
        return None

    def error(self, index: int, status: int, output: bytes) -> BaseException:
        raise AssertionError(f"transaction {index}: {status}")


class _LongValues(ctypes.Structure):
    _fields_ = (
        ("keys", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("reads", ctypes.c_uint64),
        ("outputs", ctypes.c_uint64),
        ("changes", ctypes.c_uint64),
        ("vm", ctypes.c_uint64 * 16),
    )


class LongValues(BuiltVm):
    """Values of any length; see ``long_values.c``."""

    def __init__(
        self,
        library: Path,
        *,
        keys: int,
        size: int,
        reads: bool = True,
        outputs: int = 1,
        changes: bool = False,
    ) -> None:
        block = _LongValues(keys, size, reads, outputs, changes)
        super().__init__(library, "long_values", block, values="bytes")

    def value(self, output: bytes) -> bytes:
        return output

    def error(self, index: int, status: int, output: bytes) -> BaseException:
        return MemoryError(f"no memory in the VM, transaction {index}")
