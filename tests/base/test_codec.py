"""Python keys and values as bytes, and back."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstm._native.base.codec import codec_named
from blockstm.errors import InputError

VALUES = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=100),
}


@pytest.mark.parametrize("name", VALUES)
def test_what_was_encoded_decodes_to_the_same(name: str) -> None:
    codec = codec_named(name)

    @given(VALUES[name])
    def check(value: Any) -> None:
        data = codec.encode(value)
        assert codec.decode(data) == value
        assert codec.size in (len(data), -1)

    check()


def test_numbers_are_little_endian() -> None:
    assert codec_named("int64").encode(-2) == b"\xfe" + 7 * b"\xff"
    assert codec_named("uint256").encode(258) == b"\x02\x01" + bytes(30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("int64", 2**63),
        ("int64", -(2**63) - 1),
        ("int64", 1.0),
        ("int64", "1"),
        ("int64", None),
        ("uint256", -1),
        ("uint256", 2**256),
        ("uint256", b"\x01"),
        ("bytes32", bytes(31)),
        ("bytes32", 32),
        ("bytes32", "x" * 32),
        ("bytes", "text"),
        ("bytes", 3),
        ("bytes", [1, 2]),
    ],
)
def test_a_value_without_an_encoding_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        codec_named(name).encode(value)


@pytest.mark.parametrize("name", ["int64", "uint256", "bytes32"])
def test_bytes_of_another_length_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="bytes, not 5"):
        codec_named(name).decode(b"12345")


def test_integers_of_other_types_are_integers() -> None:
    assert codec_named("int64").encode(True) == codec_named("int64").encode(1)


def test_codecs_are_few_and_pickle_to_themselves() -> None:
    codec = codec_named("int64")
    assert pickle.loads(pickle.dumps(codec)) is codec
    with pytest.raises(InputError, match="a codec is one of"):
        codec_named("float")
