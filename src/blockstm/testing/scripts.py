"""Transactions as little programs: what generated blocks are made of.

A transaction is a tuple of operations, an operation a tuple of its name and its arguments::

    ("get", key)                            look at the value
    ("put", key, value)                     set it
    ("delete", key)                         remove it
    ("add", key, delta)                     add without looking
    ("expect", key, value)                  ask whether it is this value
    ("at_least", key, bound)                ask for the answer only
    ("try_add", key, delta, lower, upper)   add if the sum lies within
    ("charge", gas)                         use gas
    ("bump", key, delta)                    read, then set the sum
    ("copy", source, target)                read one key, set (or remove) another
    ("follow", key, delta)                  read, then add at the key that the value names
    ("branch", key, then, otherwise)        read, then run one of two programs
    ("revert", message)                     raise Revert(message)
    ("invalid", message)                    raise Invalid(message)
    ("raise", message)                      raise ScriptError(message)

`scripted_vm` runs such a transaction and returns everything it read, so that comparing
outcomes compares every read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from blockstm.errors import Invalid, Revert
from blockstm.types import View

__all__ = ["NOTHING", "ScriptError", "scripted_vm"]

NOTHING = "(nothing)"
"""The value of a read where there was none."""

Operation = tuple[Any, ...]


class ScriptError(Exception):
    """Raised by the operation ``("raise", message)``."""


def scripted_vm(view: View, transaction: Sequence[Operation]) -> tuple[Any, ...]:
    """Run the operations of ``transaction``; returns what it read, in order.

    Raises:
        Revert, Invalid, ScriptError: an operation says so.
        TypeError: a value that should be a number is none.

    Example:
        >>> from blockstm import reference
        >>> from blockstm.testing import scripted_vm
        >>> block = [[("put", "a", 2), ("add", "a", 3)], [("get", "a"), ("at_least", "a", 6)]]
        >>> reference.execute_block(block, {}, scripted_vm).outcomes[1].value
        (5, False)
    """
    seen: list[Any] = []
    for operation in transaction:
        _OPERATIONS[operation[0]](view, seen, *operation[1:])
    return tuple(seen)


def _get(view: View, seen: list[Any], key: Any) -> None:
    seen.append(view.get(key, NOTHING))


def _put(view: View, seen: list[Any], key: Any, value: Any) -> None:
    view.put(key, value)


def _delete(view: View, seen: list[Any], key: Any) -> None:
    view.delete(key)


def _add(view: View, seen: list[Any], key: Any, delta: Any) -> None:
    view.add(key, delta)


def _expect(view: View, seen: list[Any], key: Any, value: Any) -> None:
    seen.append(view.expect(key, value))


def _at_least(view: View, seen: list[Any], key: Any, bound: Any) -> None:
    seen.append(view.at_least(key, bound))


def _try_add(
    view: View, seen: list[Any], key: Any, delta: Any, lower: Any = None, upper: Any = None
) -> None:
    seen.append(view.try_add(key, delta, lower, upper))


def _charge(view: View, seen: list[Any], gas: int) -> None:
    view.charge(gas)


def _bump(view: View, seen: list[Any], key: Any, delta: Any) -> None:
    total = view.get(key, 0) + delta
    seen.append(total)
    view.put(key, total)


def _copy(view: View, seen: list[Any], source: Any, target: Any) -> None:
    value = view.get(source, NOTHING)
    seen.append(value)
    if value is NOTHING:
        view.delete(target)
    else:
        view.put(target, value)


def _follow(view: View, seen: list[Any], key: Any, delta: Any) -> None:
    target = view.get(key, 0)
    seen.append(target)
    view.add(target, delta)


def _branch(
    view: View,
    seen: list[Any],
    key: Any,
    then: Sequence[Operation],
    otherwise: Sequence[Operation],
) -> None:
    value = view.get(key, 0)
    seen.append(value)
    seen.extend(scripted_vm(view, then if value else otherwise))


def _revert(view: View, seen: list[Any], message: str) -> None:
    raise Revert(message)


def _invalid(view: View, seen: list[Any], message: str) -> None:
    raise Invalid(message)


def _raise(view: View, seen: list[Any], message: str) -> None:
    raise ScriptError(message)


_OPERATIONS: dict[str, Callable[..., None]] = {
    "get": _get,
    "put": _put,
    "delete": _delete,
    "add": _add,
    "expect": _expect,
    "at_least": _at_least,
    "try_add": _try_add,
    "charge": _charge,
    "bump": _bump,
    "copy": _copy,
    "follow": _follow,
    "branch": _branch,
    "revert": _revert,
    "invalid": _invalid,
    "raise": _raise,
}
