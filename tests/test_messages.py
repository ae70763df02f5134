"""What messages show of callers' values: short, and never an error in place of the error."""

from __future__ import annotations

import re
from pathlib import Path
from time import thread_time
from timeit import timeit
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.layers import PACKAGE
from tests.patience import at_best

from blockstm.messages import LENGTH_MAX, brief, kind_of

HUGE = 10**1_000_000


class Raising:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Faceless:
    """Its ``__class__`` and its ``__str__`` raise."""

    @property  # type: ignore[misc]  # the attack
    def __class__(self) -> Any:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise ValueError("no")


class Endless:
    def __repr__(self) -> str:
        return "x" * 10**7


class NoString:
    def __repr__(self) -> Any:
        return 5


class OwnStr(str):
    def __len__(self) -> int:
        raise RuntimeError("no")

    def __getitem__(self, key: Any) -> Any:
        raise RuntimeError("no")


class InOwnStr:
    def __repr__(self) -> str:
        return OwnStr("own words")


class NamelessMeta(type):
    @property
    def __name__(cls) -> Any:
        raise RuntimeError("no")


class Nameless(metaclass=NamelessMeta):
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        (-5, "-5"),
        (True, "True"),
        (2**256, str(2**256)),
        (2**512, "<int of 513 bits>"),
        (-HUGE, f"<negative int of {HUGE.bit_length():,} bits>"),
        ("two", "'two'"),
        (b"1", "b'1'"),
        (bytes(20), f"<20 bytes, 0x{'00' * 20}>"),
        (bytes(33), f"<33 bytes, 0x{'00' * 32}…>"),
        (bytearray(b"1"), "bytearray(b'1')"),
        ((1, HUGE), f"(1, <int of {HUGE.bit_length():,} bits>)"),
        ((1,), "(1,)"),
        ((), "()"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": HUGE}, f"{{'a': <int of {HUGE.bit_length():,} bits>}}"),
        (list(range(10)), "[0, 1, 2, 3, 4, 5, … 10 in all]"),
        ([[[[[1]]]]], "[[[[…]]]]"),
        (None, "None"),
        (1.5, "1.5"),
        (Raising(), "<Raising whose repr raises RuntimeError>"),
        (Faceless(), "<Faceless whose repr raises ValueError>"),
        (NoString(), "<NoString whose repr raises TypeError>"),
        (InOwnStr(), "own words"),
        (Nameless(), "<Nameless whose repr raises RuntimeError>"),
        (ValueError(HUGE), "<ValueError whose repr raises ValueError>"),
    ],
    ids=lambda value: kind_of(value),
)
def test_a_value_is_shown(value: object, shown: str) -> None:
    assert brief(value) == shown


LONG = [
    HUGE,
    bytes(10**7),
    "x" * 10**7,
    "\x00" * 1000,
    Endless(),
    [Endless()] * 10,
    [[[["x" * 1000] * 100] * 100] * 100] * 100,
    dict.fromkeys(range(1000), "x" * 100),
    numpy.zeros((1000, 1000)),
    type("x" * 10**6, (), {})(),
]


@pytest.mark.parametrize("value", LONG, ids=lambda value: kind_of(value)[:20])
def test_nothing_is_shown_at_length(value: object) -> None:
    assert len(brief(value)) <= LENGTH_MAX
    assert len(brief(value, 40)) <= 40


@pytest.mark.alone
@pytest.mark.parametrize("value", LONG, ids=lambda value: kind_of(value)[:20])
def test_nothing_takes_long_to_show(value: object) -> None:
    at_best(
        lambda: timeit(lambda: brief(value), timer=thread_time, number=1),
        lambda seconds: seconds < 1,
    )


def test_a_list_within_itself_is_shown() -> None:
    within: list[Any] = []
    within.append(within)
    assert brief(within) == "[[[[…]]]]"


def test_what_is_shown_can_be_printed() -> None:
    class Surrogate:
        def __repr__(self) -> str:
            return "\ud800"

    assert brief(Surrogate()).encode()
    assert brief("\ud800").encode()


def test_an_interrupt_is_no_error_of_the_value() -> None:
    class Interrupting:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brief(Interrupting())


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary() | st.floats(), st.lists))
def test_what_is_short_is_shown_as_python_writes_it(value: object) -> None:
    shown = brief(value)
    assert len(shown) <= LENGTH_MAX
    if "…" not in shown and "<" not in shown:
        assert shown == repr(value)


def test_the_kind_of_a_value_is_its_type() -> None:
    assert [kind_of(each) for each in (5, Faceless(), Nameless(), int)] == [
        "int",
        "Faceless",
        "Nameless",
        "type",
    ]


def interpolated_reprs(path: Path) -> list[int]:
    """The lines of a file that put ``repr`` of a value into a text, but in a ``__repr__``."""
    lines, in_repr = [], False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r"\s*(?:def|cpdef|cdef)\s", line):
            in_repr = "__repr__" in line
        if "!r" in line and re.search(r"!r[:}]", line) and not in_repr:
            lines.append(number)
    return lines


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py*")) if path.suffix in (".py", ".pyx")],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_messages_show_no_value_at_any_length(path: Path) -> None:
    assert interpolated_reprs(path) == [], "use `brief(value)` in place of `{value!r}`"
