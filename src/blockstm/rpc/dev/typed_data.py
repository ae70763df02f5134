"""What is signed of structured data (EIP-712), from JSON as wallets take it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.fields import parse_data
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief

__all__ = ["typed_data_hash"]

_DEPTH_MAX: Final = 32  # of structs and arrays in each other
_NUMBER: Final = re.compile(r"(u?)int([0-9]{1,3})")
_BYTES: Final = re.compile(r"bytes([0-9]{1,2})")
_ARRAY: Final = re.compile(r"(.+)\[([0-9]{0,9})\]")
_WORD: Final = 32

Types = Mapping[str, list[tuple[str, str]]]
"""Of each struct its members: name and type."""


def typed_data_hash(document: Any) -> bytes:
    """The hash that is signed of a document: ``types``, ``primaryType``, ``domain``, ``message``.

    Raises:
        DecodeError: a member is missing or of the wrong kind; it says where.
    """
    types = _types(_member(document, "types", "typed data"))
    primary = _member(document, "primaryType", "typed data")
    domain = _hash_struct(
        types, "EIP712Domain", _member(document, "domain", "typed data"), "domain"
    )
    if primary == "EIP712Domain":
        return keccak(b"\x19\x01" + domain)
    message = _member(document, "message", "typed data")
    return keccak(b"\x19\x01" + domain + _hash_struct(types, primary, message, "message"))


def _refuse(place: str, expected: str, value: object) -> DecodeError:
    return DecodeError(f"{place}: expected {expected}, not {brief(value)}", place)


def _member(document: Any, name: str, place: str) -> Any:
    if not isinstance(document, dict):
        raise _refuse(place, "an object", document)
    if name not in document:
        raise DecodeError(f"{place}: {name} is missing", place)
    return document[name]


def _types(given: Any) -> Types:
    if not isinstance(given, dict):
        raise _refuse("types", "an object", given)
    return {name: list(_members_of(members, f"types.{name}")) for name, members in given.items()}


def _members_of(given: Any, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(given, list):
        raise _refuse(place, "a list of members", given)
    for index, each in enumerate(given):
        inner = f"{place}[{index}]"
        member = _member(each, "name", inner), _member(each, "type", inner)
        if not all(isinstance(part, str) for part in member):
            raise _refuse(inner, "a name and a type", each)
        yield member


def _hash_struct(types: Types, name: Any, value: Any, place: str, depth: int = 0) -> bytes:
    if not isinstance(name, str) or name not in types:
        raise _refuse(place, "a type that `types` has", name)
    if depth > _DEPTH_MAX:
        raise DecodeError(f"{place}: nested over {_DEPTH_MAX} levels deep", place)
    encoded = [keccak(_encode_type(types, name).encode())]
    for member, kind in types[name]:
        inner = f"{place}.{member}"
        if isinstance(value, dict) and value.get(member) is None and kind in types:
            encoded.append(bytes(_WORD))  # a struct that is not there
        else:
            encoded.append(_encode(types, kind, _member(value, member, place), inner, depth + 1))
    return keccak(b"".join(encoded))


def _encode_type(types: Types, name: str) -> str:
    """The struct, and behind it all that it refers to, by their names."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            kinds = (kind.partition("[")[0] for _, kind in types[each])
            waiting += [kind for kind in kinds if kind in types]
    ordered = [name, *sorted(found - {name})]
    return "".join(f"{each}({','.join(f'{k} {n}' for n, k in types[each])})" for each in ordered)


def _encode(types: Types, kind: str, value: Any, place: str, depth: int) -> bytes:
    """The word that stands for a value."""
    if array := _ARRAY.fullmatch(kind):
        return _encode_array(types, array[1], array[2], value, place, depth)
    if kind in types:
        return _hash_struct(types, kind, value, place, depth)
    if kind == "string":
        if not isinstance(value, str):
            raise _refuse(place, "text", value)
        return keccak(value.encode())
    if kind == "bytes":
        return keccak(parse_data(value, place))
    if kind == "bool":
        if not isinstance(value, bool):
            raise _refuse(place, "true or false", value)
        return int(value).to_bytes(_WORD, "big")
    if kind == "address":
        return parse_data(value, place, 20).rjust(_WORD, b"\0")
    if (number := _NUMBER.fullmatch(kind)) and 8 <= int(number[2]) <= 256:
        return _encode_number(value, bool(number[1]), int(number[2]), place)
    if (sized := _BYTES.fullmatch(kind)) and 1 <= int(sized[1]) <= _WORD:
        return parse_data(value, place, int(sized[1])).ljust(_WORD, b"\0")
    raise _refuse(place, "a type of EIP-712", kind)


def _encode_array(types: Types, kind: str, size: str, value: Any, place: str, depth: int) -> bytes:
    if not isinstance(value, list) or (size and len(value) != int(size)):
        raise _refuse(place, f"a list of {size or 'any number of'} elements", value)
    if depth > _DEPTH_MAX:
        raise DecodeError(f"{place}: nested over {_DEPTH_MAX} levels deep", place)
    parts = [
        _encode(types, kind, each, f"{place}[{index}]", depth + 1)
        for index, each in enumerate(value)
    ]
    return keccak(b"".join(parts))


def _encode_number(value: Any, is_unsigned: bool, bits: int, place: str) -> bytes:
    number = value
    if isinstance(value, str):
        try:
            number = int(value, 16 if value[:2].lower() == "0x" else 10)
        except ValueError:
            raise _refuse(place, "a number", value) from None
    low, high = (0, 1 << bits) if is_unsigned else (-(1 << bits - 1), 1 << bits - 1)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number < high:
        raise _refuse(place, f"a number from {low} to {high - 1}", value)
    return number.to_bytes(_WORD, "big", signed=not is_unsigned)
