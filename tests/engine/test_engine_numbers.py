"""Numbers at the edges: values that are none, sums out of range, answers that always hold."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from numbers import Number
from typing import Any

import pytest

import blockstm
from blockstm import View, reference
from blockstm.executor import explore
from blockstm.testing import NativeScripts, assert_same_result

U256 = 2
LIMIT = 1 << 256


class Unaddable:
    """Counts as a number, and cannot be added to anything."""


Number.register(Unaddable)


@pytest.mark.parametrize("before", ["delete", "put"])
def test_a_sum_that_python_refuses_raises_what_python_says(before: str) -> None:
    def vm(view: View, tx: Any) -> str:
        if before == "delete":
            view.delete("a")
        else:
            view.put("a", 1)
        try:
            view.add("a", Unaddable())
            view.add("a", 1)
        except TypeError as error:
            return str(error)
        return "added"

    expected = reference.execute_block([0], {"a": 1}, vm)
    assert_same_result(blockstm.execute_block([0], {"a": 1}, vm, workers=1), expected)


def test_an_answer_that_holds_for_every_number_still_needs_a_number() -> None:
    def vm(view: View, tx: int) -> str:
        if tx == 0:
            view.put("k", "text")
            return "put"
        try:
            view.try_add("k", 1)
        except TypeError:
            view.put("k", 5)
            return "caught"
        return "added"

    expected = reference.execute_block([0, 1], {}, vm)
    for choices in itertools.product(range(2), repeat=8):
        explored = explore([0, 1], {}, vm, choices=choices)
        assert explored.error is None, choices
        assert_same_result(explored.result, expected)


def test_an_empty_output_is_an_output() -> None:
    result = blockstm.execute_block([[("revert", "")]], {}, NativeScripts(), workers=1)
    assert result.outcomes[0].status == "reverted"


# -------------------------------------------------------------------- U256, through the C table


class Number256(ctypes.Structure):
    _fields_ = (("limb", ctypes.c_uint64 * 4), ("negative", ctypes.c_uint64))

    @classmethod
    def of(cls, value: int | None) -> Any:
        if value is None:
            return None
        limbs = [abs(value) >> 64 * place & (1 << 64) - 1 for place in range(4)]
        return ctypes.byref(cls((ctypes.c_uint64 * 4)(*limbs), value < 0))


STATUS, POINTER = ctypes.c_int32, ctypes.c_void_p
LOCATE = ctypes.CFUNCTYPE(STATUS, POINTER, ctypes.c_char_p, ctypes.c_uint64, POINTER)
ADD = ctypes.CFUNCTYPE(STATUS, POINTER, ctypes.c_uint32, POINTER)
AT_LEAST = ctypes.CFUNCTYPE(STATUS, POINTER, ctypes.c_uint32, POINTER, POINTER)
TRY_ADD = ctypes.CFUNCTYPE(STATUS, POINTER, ctypes.c_uint32, POINTER, POINTER, POINTER, POINTER)
EXECUTE = ctypes.CFUNCTYPE(STATUS, POINTER, POINTER, ctypes.c_int64)


class Api(ctypes.Structure):
    _fields_ = (
        ("versions", ctypes.c_uint32 * 2),
        ("locate", LOCATE),
        ("unused", POINTER * 3),
        ("add", ADD),
        ("at_least", AT_LEAST),
        ("try_add", TRY_ADD),
    )


class Table(ctypes.Structure):
    _fields_ = (("words", ctypes.c_uint32 * 4), ("context", POINTER), ("execute", EXECUTE))


class Words:
    """The view's operations at one location of a run, on Python ints."""

    def __init__(self, view: int) -> None:
        self.view = view
        self.api = ctypes.cast(view, ctypes.POINTER(ctypes.POINTER(Api)))[0][0]
        self.location = ctypes.c_uint32()
        self.api.locate(view, b"k", 1, ctypes.byref(self.location))

    def add(self, delta: int) -> int:
        return int(self.api.add(self.view, self.location, Number256.of(delta)))

    def at_least(self, bound: int) -> bool:
        holds = ctypes.c_int32()
        args = (Number256.of(bound), ctypes.byref(holds))
        assert self.api.at_least(self.view, self.location, *args) == 0
        return bool(holds)

    def try_add(self, delta: int, lower: int | None = None, upper: int | None = None) -> bool:
        done = ctypes.c_int32()
        bounds = (Number256.of(delta), Number256.of(lower), Number256.of(upper))
        assert self.api.try_add(self.view, self.location, *bounds, ctypes.byref(done)) == 0
        return bool(done)


class Bytes:
    name = "bytes"
    encode = decode = staticmethod(bytes)


class WordsVm:
    """A native VM over numbers of 256 bits whose one transaction is a Python function."""

    keys = values = Bytes()
    count = 1

    def __init__(self, body: Callable[[Words], Any]) -> None:
        self.answers: list[Any] = []

        def execute(context: int, view: int, index: int) -> int:
            self.answers.append(body(Words(view)))
            return 0

        self.execute = EXECUTE(execute)
        words = (ctypes.c_uint32 * 4)(1, ctypes.sizeof(Table), U256, 1)
        self.table = Table(words, None, self.execute)
        capsule = ctypes.pythonapi.PyCapsule_New
        capsule.restype, capsule.argtypes = ctypes.py_object, [POINTER, ctypes.c_char_p, POINTER]
        self.vm = capsule(ctypes.addressof(self.table), b"blockstm.vm", None)

    def __blockstm_bind__(self, transactions: Any) -> WordsVm:
        return self

    def value(self, output: bytes) -> None:
        return None

    def error(self, index: int, status: int, output: bytes) -> Exception:
        return AssertionError(status)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (lambda words: (words.add(1 << 255), words.at_least(-(1 << 255)))[1], True),
        (lambda words: words.try_add(1, upper=-(LIMIT - 1)), False),
        (lambda words: words.try_add(-3, lower=-5), False),
        (lambda words: words.try_add(-3), False),
        (lambda words: words.try_add(LIMIT - 1), True),
        (lambda words: words.try_add(LIMIT - 1) and words.try_add(1), False),
        (lambda words: words.at_least(0) and not words.at_least(1), True),
    ],
)
def test_bounds_hold_at_the_ends_of_256_bits(body: Callable[[Words], Any], answer: bool) -> None:
    vm = WordsVm(body)
    blockstm.execute_block([0], {}, vm, workers=1)
    assert vm.answers == [answer]
