"""The two C functions of a compiled kernel: run one record, and raise what a run raised."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callconv import excinfo_ptr_t

from blockstm.vm.kernel.lowering import STOP_CODE
from blockstm.vm.kernel.table import I32, I64, POINTER

__all__ = ["build", "returns_of"]

# As in `_native/vm/record_block.pxd`.
RETURNED_NONE, RETURNED_VALUE, RAISED_STATIC, RAISED_DYNAMIC, STOPPED = range(5)
IS_DYNAMIC = 4  # the place, in Numba's description of an exception, of its count of arguments


def returns_of(ty: types.Type) -> str | None:
    """The kind of an 8-byte value, or None where a kernel cannot return this type."""
    if isinstance(ty, types.Optional):
        return returns_of(ty.type)
    if isinstance(ty, types.NoneType):
        return "none"
    if isinstance(ty, types.Boolean):
        return "bool"
    if isinstance(ty, types.Integer):
        return "int" if ty.signed else "uint"
    return "float" if isinstance(ty, types.Float) else None


def build(context: Any, compiled: Any, record_size: int) -> tuple[int, int, Any]:
    """The addresses of `run` and `raise_error`, and the library that they live in.

    Args:
        context: Numba's target context.
        compiled: what Numba compiled the kernel to.
        record_size: of a transaction, in bytes.
    """
    library = context.codegen().create_library(f"{compiled.fndesc.mangled_name}.entry")
    module = library.create_ir_module("entry")
    run_name, raise_name = (
        f"blockstm.{part}.{compiled.fndesc.mangled_name}" for part in ("run", "raise")
    )
    build_run(context, module, compiled, run_name, record_size)
    build_raise(context, module, raise_name)
    library.add_ir_module(module)
    library.add_linking_library(compiled.library)
    library.finalize()
    run, raise_error = map(library.get_pointer_to_function, (run_name, raise_name))
    return run, raise_error, library


def build_run(context: Any, module: Any, compiled: Any, name: str, record_size: int) -> None:
    """``i32 run(view, record, value out, exception out)``; gives an ending."""
    kind = ir.FunctionType(I32, [POINTER, POINTER, I64.as_pointer(), POINTER.as_pointer()])
    function = ir.Function(module, kind, name=name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    view, record, value_out, info_out = function.args
    callee = context.declare_function(module, compiled.fndesc)
    view_type, record_type = compiled.signature.args
    copied = copy_record(builder, record, record_size)
    own = builder.bitcast(copied, context.get_value_type(record_type))
    status, result = context.call_conv.call_function(
        builder, callee, compiled.signature.return_type, (view_type, record_type), [view, own]
    )
    nothing = returns_of(compiled.signature.return_type) == "none"
    with builder.if_then(status.is_ok if nothing else status.is_none):
        builder.ret(ir.Constant(I32, RETURNED_NONE))
    with builder.if_then(status.is_ok, likely=True):
        builder.store(word_of(builder, compiled.signature.return_type, result), value_out)
        builder.ret(ir.Constant(I32, RETURNED_VALUE))
    with builder.if_then(builder.icmp_signed("==", status.code, ir.Constant(I32, STOP_CODE))):
        builder.ret(ir.Constant(I32, STOPPED))
    with builder.if_then(builder.not_(status.is_user_exc)):  # Python's error is set already
        builder.store(ir.Constant(POINTER, None), info_out)
        builder.ret(ir.Constant(I32, RAISED_DYNAMIC))
    builder.store(builder.bitcast(status.excinfoptr, POINTER), info_out)
    count = builder.extract_value(builder.load(status.excinfoptr), IS_DYNAMIC)
    dynamic = builder.icmp_signed(">", count, ir.Constant(I32, 0))
    ending = builder.select(
        dynamic, ir.Constant(I32, RAISED_DYNAMIC), ir.Constant(I32, RAISED_STATIC)
    )
    builder.ret(ending)


def copy_record(builder: Any, record: Any, size: int) -> Any:
    """A copy on the stack: what a kernel does to its transaction ends with the run."""
    place = builder.alloca(ir.ArrayType(I64, -(-size // 8)), name="record")
    place.align = 16
    copied = builder.bitcast(place, POINTER)
    cgutils.raw_memcpy(builder, copied, record, ir.Constant(I64, size), 1, align=1)
    return copied


def word_of(builder: Any, ty: types.Type, value: Any) -> Any:
    """A returned value in 8 bytes."""
    kind = returns_of(ty)
    if kind == "none":
        return ir.Constant(I64, 0)  # never read
    if kind == "float":
        if isinstance(value.type, ir.FloatType):
            value = builder.fpext(value, ir.DoubleType())
        return builder.bitcast(value, I64)
    if value.type.width == 64:
        return value
    return builder.sext(value, I64) if kind == "int" else builder.zext(value, I64)


def build_raise(context: Any, module: Any, name: str) -> None:
    """``i32 raise_error(exception)``: sets the Python error and gives -1; needs the GIL."""
    function = ir.Function(module, ir.FunctionType(I32, [POINTER]), name=name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    convention = context.call_conv
    info = builder.bitcast(function.args[0], excinfo_ptr_t)
    code = ir.Constant(I32, 1)  # of user exceptions
    status = convention._get_return_status(builder, code, info)
    convention.raise_error(builder, context.get_python_api(builder), status)
    builder.ret(ir.Constant(I32, -1))
