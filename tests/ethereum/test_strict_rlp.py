"""RLP: the official tests, and that a value has one encoding and an encoding one value."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as theirs
from hypothesis import given
from hypothesis import strategies as st
from tests.ethereum.official import documents

from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.rlp import DEPTH_MAX, Items, decode, encode

values = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5))


@given(values)
def test_any_value_survives_the_way_there_and_back(value: Any) -> None:
    assert encode(value) == theirs.encode(value)
    assert decode(encode(value)) == value


@given(st.integers(0, 2**300))
def test_a_number_is_its_bytes_without_leading_zeros(number: int) -> None:
    assert encode(number) == theirs.encode(number)


@given(st.binary(max_size=40))
def test_what_is_decoded_is_encoded_the_same_way(data: bytes) -> None:
    try:
        value = decode(data)
    except DecodeError:
        return
    assert encode(value) == data


def test_the_official_encodings() -> None:
    seen = 0
    for _, document in documents("ethereum-tests-basic.tar.xz", "RLPTests"):
        for case in document.values():
            data = bytes.fromhex(case["out"].removeprefix("0x"))
            seen += 1
            if case["in"] == "INVALID":
                with pytest.raises(DecodeError):
                    decode(data)
            else:
                value = decode(data)
                assert encode(value) == data
                assert case["in"] == "VALID" or value == _as_bytes(case["in"])
    assert seen > 20


def _as_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_bytes(each) for each in value]
    if isinstance(value, str) and value.startswith("#"):
        value = int(value[1:])
    if isinstance(value, int):
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    return value.encode()


@pytest.mark.parametrize(
    "data",
    [
        "",
        "8100",  # a byte that is its own encoding
        "b801ff",  # a long form of a short string
        "b800",
        "b90038" + "00" * 56,  # a length with a leading zero
        "bf0f000000000000021111",
        "f801ff",
        "c1",  # less than announced
        "82ff",
        "b8",
        "c0c0",  # more than one value
        "00ff",
        "c3820102ff",
        "c28201",  # an element that is longer than its list
        "c4c1820102",  # though not longer than the list around it
        "c3c1c101",
    ],
)
def test_what_is_no_encoding_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        decode(bytes.fromhex(data))


def test_lists_are_read_so_deep_and_no_deeper() -> None:
    deep: Any = []
    for _ in range(DEPTH_MAX - 1):
        deep = [deep]
    assert decode(encode(deep)) == deep
    with pytest.raises(DecodeError, match="deeper"):
        decode(encode([deep]))
    with pytest.raises(DecodeError):
        decode(b"\xff" * 100_000)


def test_elements_are_read_by_their_kind_and_an_error_names_them() -> None:
    items = Items(encode([5, b"\x01" * 20, b"", [1, [2]], b"\x02" * 32, b"abc"]), "thing")
    assert items.count() == 6
    assert items.quantity("number", 3) == 5
    assert items.address("who") == b"\x01" * 20
    assert items.address_or_none("whom") is None
    inner = items.items("inner")
    assert inner.encoding == encode([1, [2]])
    assert inner.quantity("first") == 1
    assert [each.quantity("x") for each in inner.rest()] == [2]
    assert items.hash("hash") == b"\x02" * 32
    with pytest.raises(DecodeError, match="1 elements too many"):
        items.end()
    assert items.data("rest", 3) == b"abc"
    items.end()
    assert not items
    with pytest.raises(DecodeError, match=r"thing\.more: missing"):
        items.quantity("more")


def test_an_element_ends_within_its_list() -> None:
    outer = Items(bytes.fromhex("c4c1820102"), "outer")
    with pytest.raises(DecodeError, match=r"outer\.inner\.x: 2 bytes announced, 0 there"):
        outer.items("inner").data("x")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"\0", lambda items: items.quantity("x")),
        (b"\0\1", lambda items: items.quantity("x")),
        (256, lambda items: items.quantity("x", 8)),
        ([], lambda items: items.quantity("x")),
        ([], lambda items: items.data("x")),
        (b"\1\2", lambda items: items.data("x", 3)),
        (b"\1" * 19, lambda items: items.address("x")),
        (b"\1" * 21, lambda items: items.address_or_none("x")),
        (b"\1" * 31, lambda items: items.hash("x")),
        (b"\1", lambda items: items.items("x")),
        ([b"\1"], lambda items: [*items.lists("x")]),
        ([b"\1"], lambda items: [*items.items("x").hashes()]),
        ([b"\0"], lambda items: [*items.items("x").quantities()]),
    ],
)
def test_an_element_of_another_kind_is_refused_by_its_name(value: Any, read: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        read(Items(encode([value]), "place"))
    assert caught.value.place.startswith("place.x")
