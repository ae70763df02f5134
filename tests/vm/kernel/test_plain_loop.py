"""The baseline of the benchmarks computes what the reference does, or it would be none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from tests.vm.kernel.scripts import (
    CODES,
    QUIET,
    REVERTING,
    error_of,
    plainly,
    records,
    run_plain,
    script,
    scripts,
    wide_script,
)

from blockstm._native.lab.plain_loop import PlainLoop
from blockstm.errors import TransactionError
from blockstm.reference import execute_block
from blockstm.state.memory import MemoryState

STATES = st.dictionaries(st.integers(0, 3), st.integers(-9, 9))


def after(state: dict[Any, Any], writes: Any) -> dict[Any, Any]:
    """A state with a block's writes in it."""
    made = MemoryState(state)
    made.apply(writes)
    return dict(made)


@settings(deadline=None, max_examples=300)
@given(scripts(REVERTING), STATES)
def test_it_is_equal_to_the_reference(block: Any, state: dict[int, int]) -> None:
    wanted = execute_block(block, state, script.python, on_invalid="skip")
    outcomes, final = run_plain(script, block, state)
    assert outcomes == plainly(wanted.outcomes)
    assert final == after(state, wanted.writes)


@settings(deadline=None, max_examples=300)
@given(scripts(REVERTING), st.lists(st.integers(0, 3), max_size=4))
def test_it_is_equal_to_the_reference_in_256_bits(block: Any, present: list[int]) -> None:
    state = {wide_key(number): (1 << 255) + number for number in present}
    try:
        wanted = execute_block(block, state, wide_script.python, on_invalid="skip")
        outcomes, final = run_plain(wide_script, block, state)
    except (TransactionError, OverflowError):
        reject()  # a sum left the range: tested by name, since Python's numbers have none
    numbers = [value for value in wanted.writes.values() if isinstance(value, int)]
    assume(all(0 <= number < 1 << 256 for number in numbers))
    assert outcomes == plainly(wanted.outcomes)
    model = MemoryState(state, keys="bytes32", values="uint256")
    model.apply(wanted.writes)
    assert final == dict(model)


def wide_key(number: int) -> bytes:
    return b"".join(word.to_bytes(8, "little") for word in (7, number, 0, 9))


def end_of(block: Any, state: dict[int, int]) -> tuple[BaseException | None, Any]:
    """What ends a block on the reference, None for nothing, and what it wrote before."""
    try:
        return None, execute_block(block, state, script.python).writes
    except TransactionError as ended:
        assert ended.prefix is not None  # noqa: PT017  # the reference always gives one
        return ended.__cause__, ended.prefix.writes


@settings(deadline=None, max_examples=300)
@given(scripts([*QUIET, "divide", "fail with"]), STATES)
def test_a_failure_ends_it_where_it_ends_the_reference(block: Any, state: dict[int, int]) -> None:
    error, writes = end_of(block, state)
    loop = PlainLoop(MemoryState(state))
    if error is None:
        assert loop.run(script.__blockstm_bind__(block)) == len(block)
    else:
        with pytest.raises(type(error)) as raised:
            loop.run(script.__blockstm_bind__(block))
        if not isinstance(error, ZeroDivisionError):  # Numba words that one differently
            assert error_of(raised.value) == error_of(error)
    assert dict(loop.state()) == after(state, writes)


def test_it_counts_what_succeeded() -> None:
    steps = [[(CODES[code], 0, 1, 0, 0)] for code in ("add", "revert", "add", "invalid", "put")]
    loop = PlainLoop(MemoryState({0: 5}))
    assert loop.run(script.__blockstm_bind__(records(steps))) == 3
    assert dict(loop.state()) == {0: 1}


def test_blocks_follow_each_other_and_the_given_state_stays() -> None:
    state = MemoryState({0: 5})
    loop = PlainLoop(state)
    block = script.__blockstm_bind__(records([[(CODES["add"], 0, 1, 0, 0)]] * 10))
    for _ in range(3):
        loop.run(block)
    assert dict(loop.state()) == {0: 35}
    assert dict(state) == {0: 5}


def test_long_values_are_undone_too() -> None:
    """Reverts restore 32-byte values, deleted ones and absent ones."""
    key = wide_key(0)
    put, delete, revert = ((CODES[code], 0, 3, 0, 0) for code in ("put", "delete", "revert"))
    for steps in ([put, revert], [delete, put, revert], [put, delete, revert]):
        for state in ({key: (1 << 255) + 77}, {}):
            outcomes, final = run_plain(wide_script, records([steps]), state)
            assert outcomes[0][1] == "reverted"
            assert final == state


def test_a_vm_of_another_kind_is_refused() -> None:
    with pytest.raises(AttributeError):
        PlainLoop(MemoryState()).run([1, 2])
    with pytest.raises(TypeError):
        PlainLoop({1: 2})  # type: ignore[arg-type]  # what is tested
