"""How a message shows a value that a caller gave: in a few words, whatever the value is.

An error must reach its reader. A number of a million digits, a string of a gigabyte or an object
whose ``__repr__`` raises would replace it, fill the log, or take longer to print than the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

__all__ = ["LENGTH_MAX", "brief", "did_you_mean", "kind_of", "said_by"]

LENGTH_MAX: Final = 160
"""Of what `brief` shows, in characters, the sign that something is left out included."""

_BITS_MAX: Final = 512  # of a number that is shown digit by digit
_BYTES_MAX: Final = 16  # that are shown as Python writes them
_HEX_MAX: Final = 32  # that are shown as digits: an address, a hash, a word
_ITEMS_MAX: Final = 6
_DEPTH_MAX: Final = 3
_LEFT_OUT: Final = "…"

_name_of: Any = type.__dict__["__name__"].__get__  # no metaclass can come between


def kind_of(value: object) -> str:
    """The name of the value's type, whatever the type says of itself."""
    name: str = _name_of(type(value))
    return _cut(name, LENGTH_MAX)


def brief(value: object, length_max: int = LENGTH_MAX) -> str:
    """``repr(value)`` where that is short and possible, or else as much of it as is of use.

    Long numbers and bytes are told by their size, containers by their first items, and an object
    whose ``__repr__`` raises by its type. However large numbers, bytes, strings and containers
    are, it takes microseconds; other objects have a ``__repr__`` of their own.

    Args:
        value: anything.
        length_max: characters, at most.

    >>> brief(10**5000), brief([1, "two"]), brief("x" * 1000, 8)
    ('<int of 16,610 bits>', "[1, 'two']", "'xxxxxx…")
    """
    return _cut(_shown(value, _DEPTH_MAX), length_max)


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """``"; did you mean 'workers'?"`` for a word that is nearly a known one, or nothing.

    >>> did_you_mean("worker", ["workers", "window"]), did_you_mean("x", ["workers"])
    ("; did you mean 'workers'?", '')
    """
    if type(given) is not str or len(given) > LENGTH_MAX:
        return ""
    from difflib import get_close_matches  # for those who have mistaken a word alone

    names = {name.lower(): name for name in known}
    near = get_close_matches(given.lower(), names, n=1)
    return f"; did you mean '{names[near[0]]}'?" if near else ""


def said_by(error: BaseException) -> str:
    """``str(error)``, or as much of it as is of use; `brief`, where ``__str__`` raises."""
    try:
        return _cut(_printable(str(error)), LENGTH_MAX)
    except Exception:
        return brief(error)


def _shown(value: object, depth: int) -> str:
    # Exact types: of a subclass, nothing is known. `isinstance` would ask the object itself.
    if type(value) is int:
        return _shown_int(value)
    if type(value) is bytes or type(value) is bytearray:
        return _shown_bytes(value)
    if type(value) is str:
        return _shown_str(value)
    if type(value) is list:
        return f"[{_shown_items(value, len(value), depth)}]"
    if type(value) is tuple:
        comma = "," if len(value) == 1 else ""
        return f"({_shown_items(value, len(value), depth)}{comma})"
    if type(value) is dict:
        return f"{{{_shown_items(value.items(), len(value), depth, is_mapping=True)}}}"
    return _own_words(value)


def _shown_int(value: int) -> str:
    bits = value.bit_length()
    if bits <= _BITS_MAX:
        return repr(value)
    return f"<{'negative ' if value < 0 else ''}int of {bits:,} bits>"


def _shown_bytes(value: bytes | bytearray) -> str:
    if len(value) <= _BYTES_MAX:
        return repr(value)
    left_out = _LEFT_OUT if len(value) > _HEX_MAX else ""
    return f"<{len(value):,} bytes, 0x{value[:_HEX_MAX].hex()}{left_out}>"


def _shown_str(value: str) -> str:
    return repr(value) if len(value) <= LENGTH_MAX else repr(value[:LENGTH_MAX]) + _LEFT_OUT


def _shown_items(values: Iterable[Any], count: int, depth: int, *, is_mapping: bool = False) -> str:
    if depth == 0:
        return _LEFT_OUT if count else ""
    try:
        items = list(islice(values, _ITEMS_MAX))
    except RuntimeError:  # another thread changes it
        return _LEFT_OUT
    if is_mapping:
        shown = [f"{_shown(key, depth - 1)}: {_shown(value, depth - 1)}" for key, value in items]
    else:
        shown = [_shown(value, depth - 1) for value in items]
    if count > len(items):
        shown.append(f"{_LEFT_OUT} {count:,} in all")
    return ", ".join(shown)


def _own_words(value: object) -> str:
    """The object's own ``repr``, if it has a working one."""
    try:
        return _printable(repr(value))
    except Exception as error:
        return f"<{kind_of(value)} whose repr raises {kind_of(error)}>"


def _printable(text: str) -> str:
    """A plain str that any terminal or log can print, whatever subclass of str was given."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


def _cut(text: str, length_max: int) -> str:
    if str.__len__(text) <= length_max:
        return text
    return text[: length_max - len(_LEFT_OUT)] + _LEFT_OUT
