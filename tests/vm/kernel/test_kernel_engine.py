"""Kernels on the engine: equal to the reference on any number of workers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.patience import at_best
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

import blockstm
from blockstm.errors import InputError, InvalidBlock, Revert, StateError, TransactionError
from blockstm.reference import execute_block as reference
from blockstm.state.memory import MemoryState
from blockstm.testing import check_state, check_vm
from blockstm.vm.kernel import kernel

EXAMPLES = Path(__file__).parents[3] / "examples"
WORKERS = (1, 2, 4)
STATES = st.dictionaries(st.integers(0, 3), st.integers(-9, 9))


@pytest.fixture(scope="module", params=WORKERS)
def executor(request: pytest.FixtureRequest) -> Any:
    with blockstm.Executor(blockstm.Config(gate=False), workers=request.param) as executor:
        yield executor


def native(state: dict[Any, Any]) -> Any:
    return MemoryState(state)


@pytest.mark.parametrize("make_state", [dict, native], ids=["mapping", "native state"])
def test_it_is_equal_to_the_reference(executor: Any, make_state: Any) -> None:
    @settings(deadline=None, max_examples=150)
    @given(scripts(REVERTING), STATES)
    def check(block: Any, state: dict[int, int]) -> None:
        wanted = reference(block, state, script.python, on_invalid="skip")
        result = executor.execute_block(block, make_state(state), script, on_invalid="skip")
        assert plainly(result.outcomes) == plainly(wanted.outcomes)
        assert result.writes == wanted.writes
        assert list(result.writes) == list(wanted.writes)
        assert result.gas_used == wanted.gas_used

    check()


def test_a_block_that_fails_fails_where_the_reference_does(executor: Any) -> None:
    @settings(deadline=None, max_examples=150)
    @given(scripts([*QUIET, "divide", "fail with", "invalid"]), STATES)
    def check(block: Any, state: dict[int, int]) -> None:
        wanted, result = ending(reference, block, state, script.python), None
        result = ending(executor.execute_block, block, state, script)
        assert result == wanted

    check()


def ending(execute: Any, block: Any, state: Any, vm: Any) -> Any:
    """The error of a block, if there is one, and what is final."""
    try:
        result, error = execute(block, state, vm), None
    except (TransactionError, InvalidBlock) as ended:
        result, error = ended.prefix, ended
    cause = None if error is None else error_of(error.__cause__)
    if cause is not None and cause[0] is ZeroDivisionError:
        cause = (ZeroDivisionError,)  # Numba words that one differently
    index = None if error is None else error.index
    return type(error), index, cause, plainly(result.outcomes), dict(result.writes)


def test_wide_values_are_equal_to_the_plain_loop(executor: Any) -> None:
    @settings(deadline=None, max_examples=100)
    @given(scripts(["get", "put", "delete", "at_least", "try_add", "revert", "invalid"]))
    def check(block: Any) -> None:
        outcomes, final = run_plain(wide_script, block, {})
        state = MemoryState(keys="bytes32", values="uint256")
        result = executor.execute_block(block, state, wide_script, on_invalid="skip")
        assert plainly(result.outcomes) == outcomes
        state.apply(result.writes)
        assert dict(state) == final

    check()


@kernel
def pay(view: Any, tx: Any) -> Any:
    if not view.try_add(tx.source, -tx.amount, 0):
        raise Revert("insufficient funds")
    view.add(tx.target, tx.amount)
    return tx.amount


@kernel
def pay_exact(view: Any, tx: Any) -> Any:
    balance = view.get(tx.source, 0)
    if balance < tx.amount:
        raise Revert("insufficient funds", balance)
    view.put(tx.source, balance - tx.amount)
    view.put(tx.target, view.get(tx.target, 0) + tx.amount)
    return tx.amount


def payments(count: int, accounts: int, seed: int = 1) -> Any:
    draw = numpy.random.default_rng(seed)
    block = numpy.zeros(count, [("source", "i8"), ("target", "i8"), ("amount", "i8")])
    block["source"] = draw.integers(0, accounts, count)
    block["target"] = draw.integers(0, accounts, count)
    block["amount"] = draw.integers(1, 50, count)
    return block


@pytest.mark.parametrize("accounts", [2, 10, 1000])
@pytest.mark.parametrize("vm", [pay, pay_exact], ids=["deltas", "exact"])
def test_thousands_of_payments_are_equal_to_sequential(
    executor: Any, vm: Any, accounts: int
) -> None:
    block, state = payments(3000, accounts), MemoryState(dict.fromkeys(range(accounts), 60))
    wanted = reference(block, state, vm.python)
    for _ in range(3):
        result = executor.execute_block(block, state, vm)
        assert plainly(result.outcomes) == plainly(wanted.outcomes)
        assert result.writes == wanted.writes
    assert {each.status for each in result.outcomes} == {"success", "reverted"}


def test_a_state_follows_its_blocks(executor: Any) -> None:
    state, model = MemoryState(dict.fromkeys(range(10), 100)), dict.fromkeys(range(10), 100)
    for seed in range(5):
        block = payments(200, 10, seed)
        writes = executor.execute_block(block, state, pay).writes
        state.apply(writes)
        assert not writes.is_decoded  # bytes to bytes
        model |= reference(block, model, pay.python).writes
    assert state == model


def test_a_state_of_other_kinds_takes_the_numbers(executor: Any) -> None:
    state = MemoryState(dict.fromkeys(range(10), 100))
    writes = executor.execute_block(payments(200, 10), state, pay).writes
    wider = MemoryState(keys="uint256", values="uint256")
    wider.apply(writes)
    assert wider == writes
    with pytest.raises(InputError):
        MemoryState(keys="bytes").apply(writes)


def test_a_state_cannot_change_under_a_block(executor: Any) -> None:
    state = MemoryState(dict.fromkeys(range(10), 10**6))
    refused = 0
    with executor.stream(payments(2000, 10), state, pay) as stream:
        for outcome in stream:
            if outcome.index == 0 and stream.result is None:
                try:
                    state.apply({0: 0})
                except blockstm.UsageError:
                    refused += 1
    assert refused in (0, 1)  # the block may be over by then
    state.apply({0: 0})
    assert state[0] == 0


def test_a_sum_out_of_range_ends_the_block_where_it_is_final(executor: Any) -> None:
    @kernel
    def add(view: Any, tx: Any) -> None:
        view.add(tx.target, tx.amount)

    block = payments(4, 1)
    block["amount"] = (1, -1, 2, 1)
    with pytest.raises(TransactionError) as raised:
        executor.execute_block(block, {0: 2**63 - 2}, add)
    assert raised.value.index == 2
    assert isinstance(raised.value.__cause__, (OverflowError, TypeError, ValueError))
    assert raised.value.prefix is not None
    assert raised.value.prefix.writes == {}


def test_a_mapping_with_values_of_another_kind_is_a_state_error(executor: Any) -> None:
    with pytest.raises(StateError) as raised:
        executor.execute_block(payments(4, 1), {0: "text"}, pay)
    assert raised.value.index == 0


def test_a_native_state_of_another_kind_is_an_error(executor: Any) -> None:
    state = MemoryState({0: b"text"}, values="bytes")
    with pytest.raises((TransactionError, InputError)):
        executor.execute_block(payments(4, 1), state, pay_exact)


def test_transactions_of_the_wrong_kind_are_refused(executor: Any) -> None:
    for block in ([(1, 2, 3)], numpy.zeros(3), numpy.zeros((2, 2), [("source", "i8")])):
        with pytest.raises(InputError):
            executor.execute_block(block, {}, pay)


def test_an_empty_block_does_nothing(executor: Any) -> None:
    result = executor.execute_block(payments(0, 1), {0: 1}, pay)
    assert (result.outcomes, result.writes) == ((), {})


@pytest.mark.parametrize("vm", [pay, pay_exact], ids=["deltas", "exact"])
def test_kernels_keep_the_promises_of_a_vm(vm: Any) -> None:
    """In particular on every explored schedule: exact reads, bounds and reverts that meet."""
    block, state = payments(12, 3), dict.fromkeys(range(3), 30)
    check_vm(vm, block, state, seed=1, schedules=60)
    check_vm(vm, block, MemoryState(state), seed=2, schedules=60)


def test_a_native_state_keeps_the_promises_of_a_state() -> None:
    items = {number: -number for number in range(50)}
    check_state(MemoryState(items), items, missing=[-1, 50, 2**62])


def test_what_a_stale_run_raises_is_forgotten() -> None:
    """Each transaction fails unless the one before it is done: only stale runs can see that."""

    @kernel
    def strict(view: Any, tx: Any) -> Any:
        if view.get(0, 0) != view.index:
            raise ValueError("out of order", view.index)
        view.put(0, view.index + 1)

    block = payments(2000, 10)
    with blockstm.Executor(blockstm.Config(gate=False), workers=4) as executor:
        for _ in range(3):
            result = executor.execute_block(block, {}, strict)
            assert result.writes == {0: 2000}


def test_a_stop_is_not_swallowed_by_a_try() -> None:
    """A kernel that catches everything still ends when its run is stale."""

    @kernel
    def stubborn(view: Any, tx: Any) -> Any:
        seen = -1
        while seen != view.index:
            try:
                seen = view.get(0, 0)
            except Exception:
                seen = -2
            if seen != view.index:
                raise Revert("early")
        view.put(0, view.index + 1)
        return seen

    block = payments(1000, 10)
    with blockstm.Executor(blockstm.Config(gate=False), workers=4) as executor:
        result = executor.execute_block(block, {}, stubborn)
    assert [each.value for each in result.outcomes] == list(range(1000))


def test_workers_run_kernels_at_the_same_time() -> None:
    """Two workers take part in a block of heavy transactions."""

    @kernel
    def heavy(view: Any, tx: Any) -> Any:
        state = 88172645463325252 + view.index
        for _ in range(20000):
            state ^= state << 13
            state ^= (state >> 7) & 0x01FFFFFFFFFFFFFF
            state ^= state << 17
        view.add(tx.source, 1)
        return state

    with blockstm.Executor(blockstm.Config(gate=False), workers=2) as executor:
        stats = at_best(
            lambda: executor.execute_block(payments(400, 10), {}, heavy).stats,
            lambda stats: min(stats.busy) > 0,
        )
    assert len(stats.busy) == stats.workers == 2


@pytest.mark.parametrize("name", ["payments", "payments_kernel", "counter_kernel"])
def test_the_examples_run(name: str) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]()


def test_scripts_are_what_they_are_called() -> None:
    block = records([[(CODES["put"], 1, 5, 0, 0)], [(CODES["get"], 1, 0, 0, 0)]])
    result = blockstm.execute_block(block, {}, script)
    assert [each.value for each in result.outcomes] == [0, 15]
