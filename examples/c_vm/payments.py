"""A VM in C, end to end: compile it, bind a block to it, execute. ``python payments.py``.

What a native VM needs on the Python side is one method, ``__blockstm_bind__``, and an object for
the bound block. docs/abi.md has the contract in full.
"""

from __future__ import annotations

import ctypes
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import blockstm

HERE = Path(__file__).parent
INCLUDE = Path(blockstm.__file__).parent / "include"

Payment = tuple[int, int, int]

new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Table(ctypes.Structure):
    """``blockstm_vm`` of blockstm/vm_abi.h."""

    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("numbers", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("execute", ctypes.c_void_p),
    ]


class Int64:
    """How keys and values look in bytes."""

    name = "int64"

    def encode(self, value: int) -> bytes:
        """Eight bytes, little-endian; TypeError or ValueError for what does not fit."""
        if not isinstance(value, int):
            raise TypeError(f"an int, not {type(value).__name__}")
        try:
            return struct.pack("<q", value)
        except struct.error as error:
            raise ValueError(f"{value} does not fit in 64 bits") from error

    def decode(self, data: bytes) -> int:
        """The number in eight bytes."""
        return int(struct.unpack("<q", data)[0])


class BoundPayments:
    """A block in the memory layout of the C code; keeps alive all that the engine points to."""

    keys = values = Int64()

    def __init__(self, library: ctypes.CDLL, block: Sequence[Payment]) -> None:
        self.count = len(block)
        self._library = library
        self._block = (ctypes.c_int64 * (3 * self.count))(*(field for tx in block for field in tx))
        self._table = Table()
        library.payments_vm(ctypes.byref(self._table), self._block)
        self.vm = new_capsule(ctypes.addressof(self._table), b"blockstm.vm", None)

    def value(self, output: bytes) -> None:
        """The outcome's value: a payment returns nothing."""

    def error(self, index: int, status: int, output: bytes) -> Exception:
        """The outcome's error; the only one this VM has is a payment that cannot be made."""
        return blockstm.Revert(output.decode())


class Payments:
    """The VM that `blockstm.execute_block` is given."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))

    def __blockstm_bind__(self, block: Sequence[Payment]) -> BoundPayments:
        return BoundPayments(self._library, block)


def compiled(folder: Path, compiler: str = "cc") -> Path:
    """Compile payments.c into a shared library."""
    library = folder / "payments.so"
    command = [compiler, "-O2", "-shared", "-fPIC", f"-I{INCLUDE}", str(HERE / "payments.c")]
    subprocess.run([*command, "-o", str(library)], check=True)
    return library


def main() -> None:
    """Three payments, the last of which cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        vm = Payments(compiled(Path(folder)))
        result = blockstm.execute_block([(1, 2, 5), (2, 3, 4), (2, 3, 4)], {1: 10}, vm)
        for outcome in result.outcomes:
            print(outcome.index, outcome.status, outcome.error or "")
        print(dict(result.writes))


if __name__ == "__main__":
    main()
