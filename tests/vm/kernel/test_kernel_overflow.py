"""Sums beyond the range of a kernel's numbers: one error, compiled and in Python."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm import Executor, reference
from blockstm.config import Config
from blockstm.testing.oracle import run
from blockstm.vm.kernel import kernel, minus

RECORD = numpy.dtype([("delta", "i8"), ("way", "i8")])
BLIND, TWICE, ASKED, SET = range(4)
INT64 = st.sampled_from([-(2**63), -(2**63) + 1, -1, 0, 1, 2**62, 2**63 - 2, 2**63 - 1])
UINT256 = st.sampled_from([0, 1, 2**255, 2**256 - 2, 2**256 - 1])
WORDS = [0, 1, 2**255, 2**256 - 1]


@kernel
def of_int64(view: Any, record: Any) -> int:
    if record.way == SET:
        view.put(0, record.delta)
        return 0
    view.add(0, record.delta)
    if record.way == TWICE:
        view.add(0, record.delta)
    if record.way == ASKED and view.at_least(0, 5):
        return 1
    return 0


@kernel(values="uint256")
def of_uint256(view: Any, record: Any) -> int:
    top = numpy.uint64(2**63)
    zero, one = numpy.uint64(0), numpy.uint64(1)
    words = (zero, zero, zero, top)
    if record.delta == 1:
        words = (one, zero, zero, zero)
    if record.way == SET:
        view.put(0, words)
        return 0
    if record.way == BLIND:
        view.add(0, words)
    if record.way == TWICE:
        view.add(0, words)
        view.add(0, words)
    if record.way == ASKED:
        view.add(0, minus(words))
    return 0


def ending(ran: Any) -> Any:
    """What a block came to, with errors by what they say."""
    if ran.error is None:
        return [each.value for each in ran.result.outcomes], dict(ran.result.writes)
    prefix = ran.error.prefix
    cause = ran.error.__cause__
    return type(ran.error), ran.error.index, type(cause), dict(prefix.writes)


def check(vm: Any, block: list[tuple[int, int]], start: int) -> None:
    records = numpy.array(block, RECORD)
    expected = ending(run(reference.execute_block, records, {0: start}, vm.python))
    for workers in (1, 2):
        with Executor(Config(gate=False), workers=workers) as executor:
            assert ending(run(executor.execute_block, records, {0: start}, vm)) == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(INT64, st.integers(0, 3)), min_size=1, max_size=5), INT64)
def test_of_64_bits(block: Any, start: int) -> None:
    check(of_int64, block, start)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=5), UINT256)
def test_of_256_bits(block: Any, start: int) -> None:
    check(of_uint256, block, start)


def test_a_sum_out_of_range_says_where() -> None:
    records = numpy.array([(1, BLIND)], RECORD)
    for execute_block, vm in ((reference.execute_block, of_int64.python), (None, of_int64)):
        execute = execute_block or Executor(workers=1).execute_block
        ran = run(execute, records, {0: 2**63 - 1}, vm)
        assert str(ran.error.__cause__) == "the sum at 0 leaves the range of numbers"


@pytest.mark.parametrize("workers", [1, 2])
def test_python_numbers_have_no_end(workers: int) -> None:
    def vm(view: Any, delta: int) -> None:
        view.add("n", delta)

    with Executor(workers=workers) as executor:
        result = executor.execute_block([2**256, -(2**300), 1], {"n": 2**256 - 1}, vm)
    assert result.writes == {"n": 2**257 - 2**300}
