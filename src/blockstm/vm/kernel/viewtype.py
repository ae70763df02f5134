"""How Numba types the view inside a kernel: which calls there are, and what they give.

Imported only where Numba is: everything here serves compilation, nothing runs per transaction.
"""

from __future__ import annotations

import inspect
from typing import Any

from numba.core import errors, types
from numba.core.datamodel import models, register_default
from numba.core.typing import Signature, signature
from numba.core.typing.templates import AttributeTemplate, bound_function
from numba.extending import infer_getattr

__all__ = ["KernelViewType"]

ABI_VERSION = 1
WORDS = types.UniTuple(types.uint64, 4)
SIGNED_WORDS = types.UniTuple(types.uint64, 5)
REQUIRED = inspect.Parameter.empty


class KernelViewType(types.Type):
    """The view of a kernel with such keys and values; its value is a ``blockstm_view*``.

    The ABI's version is in the name, so that code cached by Numba is not used with another one.
    """

    def __init__(self, keys: str, values: str) -> None:
        self.keys = keys
        self.values = values
        super().__init__(name=f"blockstm.View(abi={ABI_VERSION}, keys={keys}, values={values})")


register_default(KernelViewType)(models.OpaqueModel)


def is_integer(ty: types.Type) -> bool:
    return isinstance(ty, types.Integer)


def is_nothing(ty: types.Type) -> bool:
    return isinstance(ty, types.NoneType)


def is_words(ty: types.Type, count: int = 4) -> bool:
    """Whether it is a tuple of so many integers."""
    return isinstance(ty, types.BaseTuple) and len(ty) == count and all(map(is_integer, ty))


def is_word_array(ty: types.Type) -> bool:
    """Whether it can be an array of 32 bytes; its length is checked when the kernel runs."""
    return (
        isinstance(ty, types.Array)
        and ty.ndim == 1
        and ty.layout == "C"
        and ty.dtype in (types.uint8, types.uint64)
    )


def int64_like(call: str, what: str, ty: types.Type) -> types.Type:
    if is_integer(ty):  # what may be above all int64 is looked at when the kernel runs
        return types.uint64 if ty == types.uint64 else types.int64
    raise errors.TypingError(f"view.{call}: {what} is an integer, not {ty}")


def words_like(call: str, what: str, ty: types.Type) -> types.Type:
    if is_words(ty):
        return WORDS
    if is_word_array(ty):
        return ty
    raise errors.TypingError(
        f"view.{call}: {what} is 32 bytes (a record field of 4 uint64 or 32 uint8, or a tuple of "
        f"4 integers), not {ty}"
    )


def key_like(view: KernelViewType, call: str, ty: types.Type) -> types.Type:
    """The type that a key is cast to."""
    return (int64_like if view.keys == "int64" else words_like)(call, "a key", ty)


def value_like(view: KernelViewType, call: str, ty: types.Type) -> types.Type:
    """The type that a value is cast to."""
    return (int64_like if view.values == "int64" else words_like)(call, "a value", ty)


def number_like(view: KernelViewType, call: str, what: str, ty: types.Type) -> types.Type:
    """The type that a delta or bound is cast to."""
    if view.values == "bytes32":
        raise errors.TypingError(f"view.{call}: bytes32 values are no numbers; use uint256")
    if view.values == "int64" or is_integer(ty):
        wide = view.values == "uint256" and is_integer(ty) and not ty.signed
        return types.uint64 if wide else int64_like(call, what, ty)
    return SIGNED_WORDS if is_words(ty, 5) else words_like(call, what, ty)


def bound_like(view: KernelViewType, call: str, ty: types.Type) -> types.Type:
    """The type that a bound of `try_add` is cast to: a number, or None where there is none."""
    if is_nothing(ty):
        return types.none
    if isinstance(ty, types.Optional):
        return types.Optional(number_like(view, call, "a bound", ty.type))
    return number_like(view, call, "a bound", ty)


def method(call: str, **defaults: Any) -> inspect.Signature:
    """The parameters of a method, with their defaults (`REQUIRED`: none)."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [inspect.Parameter(name, kind, default=value) for name, value in defaults.items()]
    )


PARAMETERS = {
    "get": method("get", key=REQUIRED, default=None),
    "put": method("put", key=REQUIRED, value=REQUIRED),
    "delete": method("delete", key=REQUIRED),
    "add": method("add", key=REQUIRED, delta=REQUIRED),
    "expect": method("expect", key=REQUIRED, value=REQUIRED),
    "at_least": method("at_least", key=REQUIRED, bound=REQUIRED),
    "try_add": method("try_add", key=REQUIRED, delta=REQUIRED, lower=None, upper=None),
    "charge": method("charge", gas=REQUIRED),
}


def arguments(call: str, args: tuple[Any, ...], kws: dict[str, Any]) -> list[types.Type]:
    """The types of all arguments in order, defaults filled in."""
    try:
        bound = PARAMETERS[call].bind(*args, **kws)
    except TypeError as error:
        raise errors.TypingError(f"view.{call}: {error}") from None
    bound.apply_defaults()
    return [types.none if ty is None else types.unliteral(ty) for ty in bound.arguments.values()]


def typed(call: str, result: types.Type, *args: types.Type) -> Signature:
    return signature(result, *args).replace(pysig=PARAMETERS[call])


@infer_getattr
class KernelViewAttributes(AttributeTemplate):
    """``view.index`` and the methods of a view."""

    key = KernelViewType

    def resolve_index(self, view: KernelViewType) -> types.Type:
        return types.int64

    @bound_function("blockstm.view.get")
    def resolve_get(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, default = arguments("get", args, kws)
        value = types.int64 if view.values == "int64" else WORDS
        if is_nothing(default):
            result = types.Optional(value)
        else:
            result, default = value, value_like(view, "get", default)
        return typed("get", result, key_like(view, "get", key), default)

    @bound_function("blockstm.view.put")
    def resolve_put(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, value = arguments("put", args, kws)
        return typed("put", types.none, key_like(view, "put", key), value_like(view, "put", value))

    @bound_function("blockstm.view.delete")
    def resolve_delete(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        (key,) = arguments("delete", args, kws)
        return typed("delete", types.none, key_like(view, "delete", key))

    @bound_function("blockstm.view.add")
    def resolve_add(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, delta = arguments("add", args, kws)
        delta = number_like(view, "add", "a delta", delta)
        return typed("add", types.none, key_like(view, "add", key), delta)

    @bound_function("blockstm.view.expect")
    def resolve_expect(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, value = arguments("expect", args, kws)
        value = value_like(view, "expect", value)
        return typed("expect", types.boolean, key_like(view, "expect", key), value)

    @bound_function("blockstm.view.at_least")
    def resolve_at_least(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, bound = arguments("at_least", args, kws)
        bound = number_like(view, "at_least", "a bound", bound)
        return typed("at_least", types.boolean, key_like(view, "at_least", key), bound)

    @bound_function("blockstm.view.try_add")
    def resolve_try_add(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        key, delta, lower, upper = arguments("try_add", args, kws)
        return typed(
            "try_add",
            types.boolean,
            key_like(view, "try_add", key),
            number_like(view, "try_add", "a delta", delta),
            bound_like(view, "try_add", lower),
            bound_like(view, "try_add", upper),
        )

    @bound_function("blockstm.view.charge")
    def resolve_charge(self, view: KernelViewType, args: Any, kws: Any) -> Signature:
        (gas,) = arguments("charge", args, kws)
        return typed("charge", types.none, int64_like("charge", "gas", gas))
