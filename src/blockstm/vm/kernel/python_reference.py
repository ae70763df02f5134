"""The Python reference of a kernel: the same function, run by Python on any view.

What differs inside compiled code is smoothed over: a record's fields are attributes, 32 bytes are
four words, and what leaves the kernel is a plain Python object. It is slow and obvious: the oracle
of a kernel's tests. (Unlike compiled int64 arithmetic, Python's does not wrap around.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from blockstm.messages import brief
from blockstm.types import View
from blockstm.values import Int64Delta, NativeDelta, OutOfRange, Uint256Delta
from blockstm.vm.kernel.words import bytes_of_words, number_of_words, words_of_bytes

__all__ = ["PythonRecord", "PythonView", "python_reference"]


def python_reference(
    function: Callable[[Any, Any], Any], keys: str, values: str
) -> Callable[[View, Any], Any]:
    """``function`` as a Python VM over NumPy records, or over anything with the same attributes."""

    def python_vm(view: View, transaction: Any) -> Any:
        record = PythonRecord(transaction) if hasattr(transaction, "dtype") else transaction
        return plain(function(PythonView(view, keys, values), record))

    python_vm.__name__ = python_vm.__qualname__ = f"{function.__name__}.python"
    python_vm.__doc__ = function.__doc__
    return python_vm


def plain(value: Any) -> Any:
    """A NumPy scalar as the Python object it stands for; all else as it is."""
    return value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value


class PythonRecord:
    """A copy of one NumPy record with its fields as attributes and as items."""

    def __init__(self, record: Any) -> None:
        for name in record.dtype.names:
            field = record[name]
            self.__dict__[name] = field.copy() if getattr(field, "shape", ()) else plain(field)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]


def key_of(kind: str, key: Any) -> Any:
    return integer(key) if kind == "int64" else bytes_of_words(key)


def value_out(kind: str, value: Any) -> Any:
    """A value of a kernel as the state holds it."""
    if kind == "int64":
        return integer(value)
    data = bytes_of_words(value)
    return data if kind == "bytes32" else int.from_bytes(data, "little")


def value_in(kind: str, value: Any) -> Any:
    """A value of the state as a kernel sees it."""
    if kind == "int64":
        return value
    return words_of_bytes(value if kind == "bytes32" else value.to_bytes(32, "little"))


def integer(value: Any) -> int:
    """``value`` as an int64.

    Raises:
        TypeError: no integer.
        OverflowError: out of range.
    """
    number = int(value.__index__())
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{brief(number)} is no int64")
    return number


@contextmanager
def _plain_overflow() -> Iterator[None]:
    """A sum that leaves the range of values is what compiled code raises for it."""
    try:
        yield
    except OutOfRange as error:
        raise OverflowError(*error.args) from None


class PythonView:
    """A view that takes and gives what the view of a compiled kernel does."""

    def __init__(self, view: View, keys: str, values: str) -> None:
        self._view = view
        self._keys = keys
        self._values = values
        self._delta: type[NativeDelta] = Int64Delta if values == "int64" else Uint256Delta

    @property
    def index(self) -> int:
        return self._view.index

    def get(self, key: Any, default: Any = None) -> Any:
        if default is not None:
            default = value_out(self._values, default)
        with _plain_overflow():
            value = self._view.get(key_of(self._keys, key), default)
        return None if value is None else value_in(self._values, value)

    def put(self, key: Any, value: Any) -> None:
        self._view.put(key_of(self._keys, key), value_out(self._values, value))

    def delete(self, key: Any) -> None:
        self._view.delete(key_of(self._keys, key))

    def add(self, key: Any, delta: Any) -> None:
        with _plain_overflow():
            self._view.add(key_of(self._keys, key), self._delta(number_of_words(delta)))

    def expect(self, key: Any, value: Any) -> bool:
        return self._view.expect(key_of(self._keys, key), value_out(self._values, value))

    def at_least(self, key: Any, bound: Any) -> bool:
        return self._view.at_least(key_of(self._keys, key), number_of_words(bound))

    def try_add(self, key: Any, delta: Any, lower: Any = None, upper: Any = None) -> bool:
        low, high = (None if each is None else number_of_words(each) for each in (lower, upper))
        return self._view.try_add(key_of(self._keys, key), number_of_words(delta), low, high)

    def charge(self, gas: Any) -> None:
        self._view.charge(integer(gas))
