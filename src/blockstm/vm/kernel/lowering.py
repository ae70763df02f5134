"""The code that a view's methods become inside a kernel.

Every method is generated in place, in the function that calls it. A status that ends the run
therefore returns from that function at once, past any `try` of the user, with `STOP_CODE`, which
Numba hands up through the functions that called it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_untracked
from numba.extending import lower_builtin, lower_getattr

from blockstm._native.vm.record_block import Stopped
from blockstm.vm.kernel import table
from blockstm.vm.kernel.viewtype import SIGNED_WORDS, WORDS, KernelViewType
from blockstm.vm.kernel.words import WRONG_LENGTH

__all__ = ["STOP_CODE"]

STOP_CODE = 0x53544F50
"""The error code, in Numba's calling convention, of a run that a view call ended."""

I32, I64 = table.I32, table.I64
NO_INT64 = "a uint64 of 2**63 or more is no int64"
TOO_LARGE = "the value is not a number of the kernel's kind, or the sum leaves their range"


class Scene:
    """The place where a method is generated: Numba's context and builder, and the view."""

    def __init__(self, context: Any, builder: ir.IRBuilder, view_type: Any, view: Any) -> None:
        self.context = context
        self.builder = builder
        self.view_type = view_type
        self.view = view

    def raise_if(self, condition: Any, error: type[Exception], message: str) -> None:
        """Raise as Python code at this place would."""
        with cgutils.if_unlikely(self.builder, condition):
            self.context.call_conv.return_user_exc(self.builder, error, (message,))

    def stop_if(self, condition: Any) -> None:
        """End the run."""
        convention = self.context.call_conv
        with cgutils.if_unlikely(self.builder, condition):
            convention.set_static_user_exc(self.builder, Stopped, ())
            self.builder.ret(ir.Constant(I32, STOP_CODE))

    def call(self, name: str, *args: Any) -> Any:
        """Call the engine; returns the status once it is OK or ABSENT."""
        builder = self.builder
        status = table.call(builder, self.view, name, list(args))
        if name in ("add", "at_least", "try_add"):
            bad = builder.icmp_signed("==", status, ir.Constant(I32, table.BAD_NUMBER))
            self.raise_if(bad, OverflowError, TOO_LARGE)
        fine = table.ABSENT if name == "get" else 0
        self.stop_if(builder.icmp_unsigned(">", status, ir.Constant(I32, fine)))
        return status

    # ---- what is passed

    def words_pointer(self, ty: Any, value: Any) -> Any:
        """A pointer to the 32 bytes of four words or of an array."""
        builder = self.builder
        if ty == WORDS:
            place = table.slot(builder, value.type, "words")
            builder.store(value, place)
            return place
        array = self.context.make_array(ty)(self.context, builder, value)
        wanted = ir.Constant(I64, 32 // (ty.dtype.bitwidth // 8))
        wrong = builder.icmp_signed("!=", array.nitems, wanted)
        self.raise_if(wrong, ValueError, WRONG_LENGTH)
        return array.data

    def bytes_of(self, ty: Any, value: Any) -> tuple[Any, Any]:
        """Pointer and size of a key or a value."""
        if isinstance(ty, types.Integer):
            self.check_int64(ty, value)
            place = table.slot(self.builder, I64, "word")
            self.builder.store(value, place)
            return place, ir.Constant(I64, 8)
        return self.words_pointer(ty, value), ir.Constant(I64, 32)

    def check_int64(self, ty: Any, value: Any) -> None:
        """Raise where a uint64 is above all int64."""
        if ty == types.uint64:
            above = self.builder.icmp_signed("<", value, ir.Constant(I64, 0))
            self.raise_if(above, OverflowError, NO_INT64)

    def number(self, ty: Any, value: Any) -> Any:
        """A pointer to a `blockstm_number`."""
        builder = self.builder
        place = table.slot(builder, table.NUMBER, "number")
        for limb, word in enumerate(self.limbs(ty, value)):
            builder.store(word, cgutils.gep_inbounds(builder, place, 0, limb))
        return place

    def limbs(self, ty: Any, value: Any) -> list[Any]:
        """The four limbs and the sign of a number."""
        builder, zero = self.builder, ir.Constant(I64, 0)
        if ty == SIGNED_WORDS:
            return cgutils.unpack_tuple(builder, value)
        if isinstance(ty, (types.BaseTuple, types.Array)):
            pointer = builder.bitcast(self.words_pointer(ty, value), I64.as_pointer())
            return [load_word(builder, pointer, limb) for limb in range(4)] + [zero]
        if self.view_type.values == "int64":
            self.check_int64(ty, value)
            return [value, zero, zero, zero, zero]
        if ty == types.uint64:
            return [value, zero, zero, zero, zero]
        negative = builder.icmp_signed("<", value, zero)
        magnitude = builder.select(negative, builder.neg(value), value)
        return [magnitude, zero, zero, zero, builder.zext(negative, I64)]

    def bound(self, ty: Any, value: Any) -> Any:
        """A pointer to a number, or NULL for None."""
        null = ir.Constant(table.POINTER, None)
        if isinstance(ty, types.NoneType):
            return null
        if not isinstance(ty, types.Optional):
            return self.number(ty, value)
        helper = self.context.make_helper(self.builder, ty, value=value)
        place = table.as_pointer(self.builder, self.number(ty.type, helper.data))
        return self.builder.select(cgutils.as_bool_bit(self.builder, helper.valid), place, null)

    def locate(self, ty: Any, key: Any) -> Any:
        """The location of a key."""
        place = table.slot(self.builder, I32, "location")
        self.call("locate", *self.bytes_of(ty, key), place)
        return self.builder.load(place)

    # ---- what comes back

    def value_at(self, found: Any) -> Any:
        """The int64 or the four words of the bytes that `get` found."""
        builder = self.builder
        data, size = (
            builder.load(cgutils.gep_inbounds(builder, found, 0, part)) for part in (0, 1)
        )
        is_word = self.view_type.values == "int64"
        wanted = ir.Constant(I64, 8 if is_word else 32)
        wrong = builder.icmp_unsigned("!=", size, wanted)
        self.raise_if(wrong, TypeError, f"the value is not of the kind {self.view_type.values}")
        pointer = builder.bitcast(data, I64.as_pointer())
        if is_word:
            return load_word(builder, pointer, 0)
        words = [load_word(builder, pointer, limb) for limb in range(4)]
        return self.context.make_tuple(builder, WORDS, words)

    def value_of(self, ty: Any, value: Any) -> Any:
        """A value given by the kernel, in the representation of `value_at`."""
        if isinstance(ty, types.Integer):
            self.check_int64(ty, value)
            return value
        if ty == WORDS:
            return value
        pointer = self.builder.bitcast(self.words_pointer(ty, value), I64.as_pointer())
        words = [load_word(self.builder, pointer, limb) for limb in range(4)]
        return self.context.make_tuple(self.builder, WORDS, words)


def load_word(builder: ir.IRBuilder, pointer: Any, place: int) -> Any:
    """A word that need not be aligned."""
    return builder.load(builder.gep(pointer, [ir.Constant(I64, place)]), align=1)


def lowers(call: str) -> Callable[[Callable[[Scene, Any, list[Any]], Any]], Any]:
    """Make a function of (scene, signature, arguments) the code of ``view.call``."""

    def register(generate: Callable[[Scene, Any, list[Any]], Any]) -> Any:
        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            scene = Scene(context, builder, sig.args[0], args[0])
            result = generate(scene, sig, list(args))
            if result is None:
                result = context.get_dummy_value()
            return impl_ret_untracked(context, builder, sig.return_type, result)

        name = f"blockstm.view.{call}"
        return lower_builtin(name, KernelViewType, types.VarArg(types.Any))(lower)

    return register


@lower_getattr(KernelViewType, "index")
def lower_index(context: Any, builder: Any, ty: Any, view: Any) -> Any:
    return table.index_of(builder, view)


@lowers("get")
def lower_get(scene: Scene, sig: Any, args: list[Any]) -> Any:
    builder = scene.builder
    found = table.slot(builder, table.BYTES, "found")
    status = scene.call("get", scene.locate(sig.args[1], args[1]), found)
    is_there = builder.icmp_signed("==", status, ir.Constant(I32, 0))
    optional = isinstance(sig.return_type, types.Optional)
    value_type = sig.return_type.type if optional else sig.return_type
    place = table.slot(builder, scene.context.get_value_type(value_type), "value")
    if optional:
        builder.store(cgutils.get_null_value(place.type.pointee), place)
    else:
        builder.store(scene.value_of(sig.args[2], args[2]), place)
    with builder.if_then(is_there, likely=True):
        builder.store(scene.value_at(found), place)
    if not optional:
        return builder.load(place)
    helper = scene.context.make_helper(builder, sig.return_type)
    helper.data, helper.valid = builder.load(place), is_there
    return helper._getvalue()


@lowers("put")
def lower_put(scene: Scene, sig: Any, args: list[Any]) -> None:
    location = scene.locate(sig.args[1], args[1])
    scene.call("put", location, *scene.bytes_of(sig.args[2], args[2]))


@lowers("delete")
def lower_delete(scene: Scene, sig: Any, args: list[Any]) -> None:
    scene.call("remove", scene.locate(sig.args[1], args[1]))


@lowers("add")
def lower_add(scene: Scene, sig: Any, args: list[Any]) -> None:
    location = scene.locate(sig.args[1], args[1])
    scene.call("add", location, scene.number(sig.args[2], args[2]))


def answer(scene: Scene, place: Any) -> Any:
    """The truth of an int32 that the engine wrote."""
    return scene.builder.icmp_signed("!=", scene.builder.load(place), ir.Constant(I32, 0))


@lowers("expect")
def lower_expect(scene: Scene, sig: Any, args: list[Any]) -> Any:
    holds = table.slot(scene.builder, I32, "holds")
    location = scene.locate(sig.args[1], args[1])
    scene.call("expect", location, *scene.bytes_of(sig.args[2], args[2]), holds)
    return answer(scene, holds)


@lowers("at_least")
def lower_at_least(scene: Scene, sig: Any, args: list[Any]) -> Any:
    holds = table.slot(scene.builder, I32, "holds")
    location = scene.locate(sig.args[1], args[1])
    scene.call("at_least", location, scene.number(sig.args[2], args[2]), holds)
    return answer(scene, holds)


@lowers("try_add")
def lower_try_add(scene: Scene, sig: Any, args: list[Any]) -> Any:
    done = table.slot(scene.builder, I32, "done")
    location = scene.locate(sig.args[1], args[1])
    delta = scene.number(sig.args[2], args[2])
    lower, upper = (scene.bound(sig.args[place], args[place]) for place in (3, 4))
    scene.call("try_add", location, delta, lower, upper, done)
    return answer(scene, done)


@lowers("charge")
def lower_charge(scene: Scene, sig: Any, args: list[Any]) -> None:
    builder, gas = scene.builder, args[1]
    negative = builder.icmp_signed("<", gas, ir.Constant(I64, 0))
    scene.raise_if(negative, ValueError, "gas must be 0 or more")
    scene.call("charge", gas)
