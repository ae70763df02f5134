"""Arguments of another kind than a function takes: the error says which it was given."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from blockstm.errors import InputError
from blockstm.messages import brief

__all__ = ["check_kind", "check_mapping", "check_sequence", "iterated", "path_of"]

T = TypeVar("T")


def check_kind(what: object, kind: type, place: str) -> None:
    """Check that an object is of a class, a public one of this package.

    Raises:
        InputError: it is of another one.
    """
    if not isinstance(what, kind):
        room = ".".join(kind.__module__.split(".")[:2])
        raise InputError(f"{place} is a {room}.{kind.__name__}, not {brief(what)}")


def iterated(what: Iterable[T], place: str) -> Iterator[T]:
    """An iterator of what an argument has.

    Raises:
        InputError: it cannot be iterated.
    """
    if not hasattr(type(what), "__iter__") and not hasattr(type(what), "__getitem__"):
        raise InputError(f"{place} are iterable, not {brief(what)}")
    return iter(what)


def check_mapping(what: object, place: str) -> None:
    """Check that an object maps.

    Raises:
        InputError: it does not.
    """
    if not isinstance(what, Mapping):
        raise InputError(f"{place} is a mapping, not {brief(what)}")


def check_sequence(what: object, place: str) -> None:
    """Check that an object is a sequence of others, no text and no bytes.

    Raises:
        InputError: it is not.
    """
    if not isinstance(what, Sequence) or isinstance(what, str | bytes | bytearray):
        raise InputError(f"{place} is a sequence, not {brief(what)}")


def path_of(what: str | os.PathLike[str], place: str) -> Path:
    """The path that an argument names.

    Raises:
        InputError: it names none.
    """
    named = os.fspath(what) if isinstance(what, os.PathLike) else what
    if not isinstance(named, str):
        raise InputError(f"{place} is named by a str or a path, not {brief(what)}")
    return Path(named)
