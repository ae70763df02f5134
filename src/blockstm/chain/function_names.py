"""What a chain's own functions are called in its folder, which keeps no code.

A function of a module has a name of its own. One that holds values beside its code (a `partial`, a
closure, a method, an object that is called) is named by them too: ``partial(toll, 5)`` is another
rule than ``partial(toll, 7)``. Only values that stay as they are make a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from enum import Enum
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from blockstm.errors import ConfigError
from blockstm.messages import kind_of

__all__ = ["name_of"]

_DATA = bool | int | float | complex | str | bytes | Enum | None


def name_of(function: Any) -> str | None:
    """The name of a function or of an object that has one; None for None.

    C functions in capsules are told apart by where the rules have them alone.

    Raises:
        ConfigError: it holds what has no name: an object with attributes that may change, a list.
    """
    return None if function is None else _named(function, ())


def _named(value: Any, within: tuple[int, ...]) -> str:
    """The name of a value that is held by those of ``within``: what is equal has the same."""
    if isinstance(value, _DATA):
        return repr(value)
    if isinstance(value, ModuleType):
        return value.__name__
    within = (*within, id(value))
    if isinstance(value, tuple):
        return f"({_listed(value, within)})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(_named(each, within) for each in value))}}}"
    if isinstance(value, partial):
        given = _listed((value.func, *value.args), within)
        return f"partial({given}; {_members(sorted(value.keywords.items()), within)})"
    if isinstance(value, MethodType):
        return _of_method(value, within)
    if isinstance(value, FunctionType):
        return _of_function(value, within)
    if isinstance(name := getattr(value, "__qualname__", None), str):
        return name  # a class, or a function in C
    return _of_object(value, within)


def _of_method(method: MethodType, within: tuple[int, ...]) -> str:
    if isinstance(method.__self__, type):
        return str(method.__qualname__)
    return f"{_named(method.__self__, within)}.{method.__func__.__qualname__}"


def _of_function(function: FunctionType, within: tuple[int, ...]) -> str:
    """By its own name; one that was made where it ran also by what it was made with."""
    name = function.__qualname__
    if "<" not in name or id(function) in within[:-1]:  # by itself, if it calls itself
        return name
    held: list[tuple[str, Any]] = [
        (free, _content(cell, function))
        for free, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        )
    ]
    held += [("", each) for each in function.__defaults__ or ()]
    held += sorted((function.__kwdefaults__ or {}).items())
    return f"{name}[{_members(held, within)}]" if held else name


def _content(cell: Any, function: FunctionType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        raise _nameless(function) from None


def _of_object(value: Any, within: tuple[int, ...]) -> str:
    """By its class, and its members if these are known never to change."""
    kind = type(value).__qualname__
    how = getattr(type(value), "__dataclass_params__", None)
    if how is not None and how.frozen:
        held = [(each.name, getattr(value, each.name)) for each in fields(value)]
        return f"{kind}({_members(held, within)})"
    if kind == "PyCapsule" or _is_bare(value):
        return kind
    raise _nameless(value)


def _is_bare(value: Any) -> bool:
    """Whether nothing but its class makes it what it is; an object of C may hold anything."""
    try:
        copied = value.__reduce_ex__(2)
    except Exception:
        return False
    if not isinstance(copied, tuple) or copied[1] != (type(value),):
        return False
    return not any(copied[2:])  # attributes, slots, items


def _listed(values: Iterable[Any], within: tuple[int, ...]) -> str:
    return ", ".join(_named(each, within) for each in values)


def _members(held: Iterable[tuple[str, Any]], within: tuple[int, ...]) -> str:
    return ", ".join(f"{name}={_named(each, within)}" for name, each in held)


def _nameless(value: Any) -> ConfigError:
    return ConfigError(
        f"a chain's folder knows its own functions by name, and {kind_of(value)} has none that "
        "tells it from others of its kind: give the rules one by Rules(name=...), and another "
        "whenever they change"
    )
