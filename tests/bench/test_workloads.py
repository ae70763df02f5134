"""Workloads are what they say, and a benchmark times what it should and nothing that fails."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from tests.patience import at_best

from blockstm.bench.benchmark import Benchmark, Candidate, Iteration, in_turn
from blockstm.bench.engine.candidates import changes, check_result, complete, expected, same
from blockstm.bench.engine.programs import PLAIN_LOOPS, PROGRAMS
from blockstm.bench.engine.workloads import WORKLOADS, workload_named
from blockstm.errors import ConfigError
from blockstm.reference import execute_block as reference


@pytest.mark.parametrize("accounts", [2, 10, 1000])
@pytest.mark.parametrize("name", WORKLOADS)
def test_the_plain_loop_agrees_with_the_reference(name: str, accounts: int) -> None:
    workload = workload_named(name, accounts=accounts, transactions=300)
    block = [(*transaction, 0) for transaction in workload.transactions]
    result = reference(block, workload.state, PROGRAMS[workload.program])
    assert result.writes == expected(workload)
    check_result(result, expected(workload))


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_is_the_same_every_time(name: str) -> None:
    first, second = (workload_named(name, accounts=50, transactions=100) for _ in range(2))
    assert first == second
    assert len(first.transactions) == 100


def test_another_seed_is_another_block() -> None:
    first, second = (
        workload_named("payments", accounts=50, transactions=100, seed=seed) for seed in (1, 2)
    )
    assert first.transactions != second.transactions


def test_a_chain_depends_on_every_transaction_before() -> None:
    workload = workload_named("chain", accounts=2, transactions=50)
    without_the_tenth = [(*tx, 0) for index, tx in enumerate(workload.transactions) if index != 10]
    result = reference(without_the_tenth, workload.state, PROGRAMS[workload.program])
    statuses = Counter(outcome.status.value for outcome in result.outcomes)
    assert statuses == {"success": 10, "reverted": 39}


def test_zipf_has_a_hot_account() -> None:
    workload = workload_named("zipf", accounts=1000, transactions=2000)
    uses = Counter(key for source, target, _ in workload.transactions for key in (source, target))
    assert uses[0] > 20 * uses[500]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "payment"},
        {"accounts": 1},
        {"transactions": 0},
    ],
)
def test_a_workload_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    arguments = {"name": "payments", "accounts": 10, "transactions": 10} | wrong
    with pytest.raises(ConfigError):
        workload_named(**arguments)  # type: ignore[arg-type]  # what is passed on is what is tested


def test_iterations_are_taken_in_turn_and_warm_up_does_not_count() -> None:
    order: list[str] = []
    benchmark = Benchmark(
        {name: Candidate(lambda _, name=name: order.append(name)) for name in "ab"}
    )
    benchmark.warm_up()
    order.clear()
    benchmark.run(seconds=0, rounds_min=3)
    assert order == ["a", "b", "b", "a", "b", "a"]
    assert benchmark.timing("a").iterations == 3


def test_nobody_runs_more_often_behind_one_than_behind_another() -> None:
    order = [name for number in range(6) for name in in_turn("abc", number)]
    behind = Counter(zip(order, order[1:] + order[:1], strict=True))
    assert behind == Counter({(a, b): 3 for a in "abc" for b in "abc" if a != b})


def test_only_the_run_is_timed() -> None:
    slow = Candidate(
        run=lambda prepared: prepared,
        prepare=lambda: time.sleep(0.05),
        check=lambda result: time.sleep(0.05),
    )

    def timed() -> float:
        benchmark = Benchmark({"slow": slow})
        benchmark.iterate("slow")
        return benchmark.timing("slow").seconds

    at_best(timed, lambda seconds: seconds < 0.05)


def test_an_iteration_that_came_to_something_wrong_ends_the_benchmark() -> None:
    benchmark = Benchmark(
        {"wrong": Candidate(lambda _: {1: 2}, check=lambda result: same(result, {1: 3}))}
    )
    with pytest.raises(AssertionError, match="1 keys differ"):
        benchmark.run(seconds=0)


def test_a_block_with_a_failure_does_not_pass() -> None:
    workload = workload_named("chain", accounts=2, transactions=5)
    block = [(*tx, 0) for tx in workload.transactions[1:]]  # nobody has the coin
    result = reference(block, workload.state, PROGRAMS[workload.program])
    with pytest.raises(AssertionError, match="4 transactions failed, 0 first"):
        check_result(result, {})
    with pytest.raises(AssertionError, match="4 of 5"):
        complete(result, 5)


def test_the_spread_is_the_interquartile_range_over_the_median() -> None:
    seconds = [0.05, 0.02, 0.03, 0.01, 0.04]
    iterations = [Iteration(taken, cpu_seconds=taken / 4) for taken in seconds]
    benchmark = Benchmark({}, iterations={"uneven": iterations})
    timing = benchmark.timing("uneven")
    assert timing.seconds == 0.03
    assert timing.spread == pytest.approx(2 / 3)
    assert not timing.stable
    assert timing.cpu_cores == pytest.approx(0.25)


def test_changes_are_what_differs_from_the_start() -> None:
    workload = workload_named("counter", accounts=2, transactions=3)
    state = dict(workload.state)
    PLAIN_LOOPS["count"](state, [(0, 0, 1, 0)] * 3)
    assert changes(workload, state) == {0: 3}
