"""RLP, strictly (Yellow Paper, appendix B): one value, one encoding, and nothing else is read.

`Items` reads a list's elements one after another, each by its kind, as `Fields` does the members
of a JSON object; what it refuses is a `DecodeError` that names the place. It goes no deeper than
the reader asks, so nesting costs an attacker nothing but the refusal. `decode` reads a value of
unknown structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from blockstm.errors import DecodeError, InputError
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = [
    "DEPTH_MAX",
    "Item",
    "Items",
    "Value",
    "check_encoding",
    "decode",
    "encode",
    "encode_list",
]

Item: TypeAlias = "bytes | int | Sequence[Item]"
"""A value to encode: bytes, a number from 0 on, or a sequence of items."""

Value: TypeAlias = "bytes | list[Value]"
"""A decoded value: bytes, or a list of values."""

T = TypeVar("T")

DEPTH_MAX = 256
"""How deep lists may stand in each other for `decode`; `encode` reaches deeper."""

_SHORT = 55  # the longest payload whose length fits into the first byte
_STRING, _LIST = 0x80, 0xC0


def encode(item: Item) -> bytes:
    """The encoding of bytes, of a number (big-endian, no leading zeros) or of a sequence.

    Raises:
        InputError: it is something else, or a negative number.
    """
    if isinstance(item, int):
        if item < 0:
            raise InputError(f"a number in RLP is 0 or more, not {brief(item)}")
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < _STRING:
            return item
        return _prefix(len(item), _STRING) + item
    if not isinstance(item, list | tuple):
        raise InputError(f"RLP has bytes, numbers and lists, not {brief(item)}")
    return encode_list([encode(each) for each in item])


def encode_list(encoded: Sequence[bytes]) -> bytes:
    """The encoding of a list whose elements are encoded already."""
    payload = b"".join(encoded)
    return _prefix(len(payload), _LIST) + payload


def list_size(payload: int) -> int:
    """The length of the encoding of a list whose elements' encodings have that length, in bytes."""
    return len(_prefix(payload, _LIST)) + payload


def _prefix(size: int, kind: int) -> bytes:
    if size <= _SHORT:
        return bytes((kind + size,))
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((kind + _SHORT + len(digits),)) + digits


def check_encoding(data: object, place: str) -> None:
    """Refuse what is no bytes, above all the hex digits that nodes write.

    Raises:
        InputError: ``data`` is no bytes.
    """
    if isinstance(data, bytes):
        return
    message = f"{place}: an encoding is bytes, not {brief(data)}"
    if isinstance(data, str):
        message += "; hex digits become bytes by bytes.fromhex(digits.removeprefix('0x'))"
    raise InputError(message)


def decode(data: bytes, place: str = "RLP") -> Value:
    """The value that ``data`` is the encoding of: bytes, or a list of such values.

    Raises:
        InputError: ``data`` is no bytes.
        DecodeError: it is none, or not the only encoding of its value, or has bytes after its
            end, or lists deeper than `DEPTH_MAX`.
    """
    check_encoding(data, place)
    top: list[Value] = []
    open_lists = [(top, len(data))]  # the lists around the position, each with its end
    at = 0
    while at < len(data):
        innermost, end = open_lists[-1]
        is_list, start, stop = _header(data, at, end, place)
        if is_list:
            if len(open_lists) > DEPTH_MAX:
                raise DecodeError(f"{place}: lists deeper than {DEPTH_MAX}", place)
            opened: list[Value] = []
            innermost.append(opened)
            open_lists.append((opened, stop))
            at = start
        else:
            innermost.append(data[start:stop])
            at = stop
        while len(open_lists) > 1 and open_lists[-1][1] == at:
            open_lists.pop()
    if len(top) != 1:
        raise DecodeError(f"{place}: not one value but {len(top)}", place)
    return top[0]


def _header(data: bytes, at: int, end: int, place: str) -> tuple[bool, int, int]:
    """Of the value at ``at``: whether it is a list, and where its payload starts and stops.

    Pre: ``at < end <= len(data)``.
    """
    first = data[at]
    if first < _STRING:
        return False, at, at + 1
    is_list = first >= _LIST
    size = first - (_LIST if is_list else _STRING)
    start = at + 1
    if size > _SHORT:
        digits = size - _SHORT
        start += digits
        size = int.from_bytes(data[at + 1 : start], "big")
        if start > end:
            raise DecodeError(f"{place}: it ends within a length", place)
        if data[at + 1] == 0 or size <= _SHORT:
            raise DecodeError(f"{place}: a length of {size} has a shorter encoding", place)
    stop = start + size
    if stop > end:
        raise DecodeError(f"{place}: {size} bytes announced, {end - start} there", place)
    if size == 1 and not is_list and data[start] < _STRING:
        raise DecodeError(f"{place}: the byte 0x{data[start]:02x} is its own encoding", place)
    return is_list, start, stop


class Items:
    """The elements of a list, read in order, each by its kind.

    Every method reads the next element and raises `DecodeError`, naming the element, if there is
    none or it is of another kind; `end` is called last, and raises if there are more.
    """

    __slots__ = ("_at", "_data", "_end", "_start", "place")

    def __init__(self, data: bytes, place: str) -> None:
        """``data`` is the encoding of one list and nothing after it."""
        check_encoding(data, place)
        data = bytes(data)  # of another class, its parts might be, too
        if not data:
            raise DecodeError(f"{place}: no bytes at all", place)
        is_list, start, stop = _header(data, 0, len(data), place)
        if not is_list:
            raise DecodeError(f"{place}: expected a list, not bytes", place)
        if stop != len(data):
            raise DecodeError(f"{place}: {len(data) - stop} bytes after its end", place)
        self._data, self._start, self._at, self._end = data, 0, start, stop
        self.place = place

    @classmethod
    def _inside(cls, data: bytes, start: int, at: int, end: int, place: str) -> Items:
        items = cls.__new__(cls)
        items._data, items._start, items._at, items._end = data, start, at, end
        items.place = place
        return items

    def __bool__(self) -> bool:
        """Whether there are elements left."""
        return self._at < self._end

    @property
    def encoding(self) -> bytes:
        """The encoding of the whole list."""
        return self._data[self._start : self._end]

    def rest_by(self, read: Callable[[bytes, int, int], tuple[T, int]]) -> T:
        """What another reader makes of the elements that are left.

        It is given an encoding and where in it they begin and end, and says, beside what it made
        of them, where the first begins that it did not take.
        """
        made, self._at = read(self._data, self._at, self._end)
        return made

    def count(self) -> int:
        """How many elements are left.

        Raises:
            DecodeError: one of them has no proper length.
        """
        at = self._at
        number = 0
        while at < self._end:
            at = _header(self._data, at, self._end, self.place)[2]
            number += 1
        return number

    def place_of(self, name: str) -> str:
        """The place of an element, from the root of the document."""
        return f"{self.place}{name}" if name.startswith("[") else f"{self.place}.{name}"

    def _next(self, name: str) -> tuple[bool, int, int]:
        if self._at >= self._end:
            raise DecodeError(f"{self.place_of(name)}: missing", self.place_of(name))
        try:
            found = _header(self._data, self._at, self._end, "")
        except DecodeError as error:
            place = self.place_of(name)
            raise DecodeError(f"{place}{error}", place) from None
        self._at = found[2]
        return found

    def next_is_list(self) -> bool:
        """Whether the next element, if there is one, is a list."""
        return self._at < self._end and self._data[self._at] >= _LIST

    def data(self, name: str, size: int | None = None) -> bytes:
        """Bytes, exactly ``size`` of them if given."""
        at, data = self._at, self._data
        # Most elements are short: this is `_next` for them, at a third of its time.
        if at < self._end and (short := data[at] - _STRING) <= _SHORT:
            start = at if short < 0 else at + 1
            stop = at + 1 if short < 0 else start + short
            is_canonical = stop <= self._end and (short != 1 or data[start] >= _STRING)
            if is_canonical and (size is None or stop - start == size):
                self._at = stop
                return data[start:stop]
        is_list, start, stop = self._next(name)
        if is_list:
            raise self._refuse(name, "expected bytes, not a list")
        if size is not None and stop - start != size:
            raise self._refuse(name, f"expected {size} bytes, not {stop - start}")
        return data[start:stop]

    def quantity(self, name: str, bits: int = 256) -> int:
        """A number below ``2**bits``, without leading zeros."""
        digits = self.data(name)
        if digits and digits[0] == 0:
            raise self._refuse(name, "a number with leading zeros")
        number = int.from_bytes(digits, "big")
        if number >> bits:
            raise self._refuse(name, f"expected a number below 2**{bits}, not {len(digits)} bytes")
        return number

    def hash(self, name: str) -> Hash32:
        """32 bytes."""
        return Hash32(self.data(name, 32))

    def hashes(self) -> Iterator[Hash32]:
        """All elements that are left, each of 32 bytes."""
        index = 0
        while self._at < self._end:
            yield self.hash(f"[{index}]")
            index += 1

    def address(self, name: str) -> Address:
        """An address, 20 bytes."""
        return Address(self.data(name, 20))

    def address_or_none(self, name: str) -> Address | None:
        """An address, or None where there are no bytes."""
        data = self.data(name)
        if data and len(data) != 20:
            raise self._refuse(name, f"expected 20 bytes or none, not {len(data)}")
        return Address(data) if data else None

    def items(self, name: str) -> Items:
        """A list."""
        before = self._at
        is_list, start, stop = self._next(name)
        if not is_list:
            raise self._refuse(name, "expected a list, not bytes")
        return Items._inside(self._data, before, start, stop, self.place_of(name))

    def lists(self, name: str) -> Iterator[Items]:
        """The elements of a list of lists."""
        return self.items(name).rest()

    def rest(self) -> Iterator[Items]:
        """All elements that are left, each a list."""
        index = 0
        while self._at < self._end:
            yield self.items(f"[{index}]")
            index += 1

    def quantities(self) -> Iterator[int]:
        """All elements that are left, each a number."""
        index = 0
        while self._at < self._end:
            yield self.quantity(f"[{index}]")
            index += 1

    def end(self) -> None:
        """Nothing more may follow."""
        if self._at < self._end:
            raise DecodeError(f"{self.place}: {self.count()} elements too many", self.place)

    def _refuse(self, name: str, what: str) -> DecodeError:
        return DecodeError(f"{self.place_of(name)}: {what}", self.place_of(name))
