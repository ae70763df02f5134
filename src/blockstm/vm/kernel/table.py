"""The C table of a view, as LLVM sees it: how compiled code calls the engine.

Mirrors ``blockstm/vm_abi.h``: a view starts with a pointer to the table, a table with two 32-bit
words and then its functions in the order of `FUNCTIONS`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

__all__ = ["ABSENT", "BAD_NUMBER", "FUNCTIONS", "NUMBER", "call", "slot"]

FUNCTIONS = (
    "locate",
    "get",
    "put",
    "remove",
    "add",
    "at_least",
    "try_add",
    "charge",
    "output",
    "expect",
)
ABSENT = 1
BAD_NUMBER = 2
FUNCTIONS_OFFSET = 8  # bytes of the table before its first function
INDEX_OFFSET = 8  # bytes of a view before its index

I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
POINTER = I8.as_pointer()
NUMBER = ir.ArrayType(I64, 5)  # four limbs and the sign
BYTES = ir.LiteralStructType([POINTER, I64])


def slot(builder: ir.IRBuilder, ty: ir.Type, name: str) -> Any:
    """Room on the stack, taken once per call of the function, however often this is reached."""
    return cgutils.alloca_once(builder, ty, name=name)


def as_pointer(builder: ir.IRBuilder, value: Any) -> Any:
    return builder.bitcast(value, POINTER)


def at(builder: ir.IRBuilder, base: Any, offset: int, ty: ir.Type) -> Any:
    """Load what stands so many bytes after a pointer."""
    place = builder.gep(as_pointer(builder, base), [ir.Constant(I64, offset)])
    return builder.load(builder.bitcast(place, ty.as_pointer()))


def index_of(builder: ir.IRBuilder, view: Any) -> Any:
    return at(builder, view, INDEX_OFFSET, I64)


def call(builder: ir.IRBuilder, view: Any, name: str, args: list[Any]) -> Any:
    """Call a function of the table with pointers and integers; gives its status (i32)."""
    args = [as_pointer(builder, view)] + [
        as_pointer(builder, arg) if isinstance(arg.type, ir.PointerType) else arg for arg in args
    ]
    kind = ir.FunctionType(I32, [arg.type for arg in args])
    table = at(builder, view, 0, POINTER)
    offset = FUNCTIONS_OFFSET + 8 * FUNCTIONS.index(name)
    return builder.call(at(builder, table, offset, kind.as_pointer()), args)
