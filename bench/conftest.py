"""How a benchmark times the engine and its baseline in turn under pytest-benchmark.

pytest-benchmark times the engine; before each of its rounds, untimed by it, the baseline runs a
iteration of its own, so that the two are measured in turn; after each, the result is checked in
full. The row that goes to the report is the one `blockstm bench` prints.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from blockstm import Config, Executor
from blockstm.bench.engine.candidates import Vm
from blockstm.bench.engine.measurement import (
    BASELINE,
    ENGINE,
    calibrated_turns,
    row,
    start_benchmark,
)
from blockstm.bench.engine.workloads import Workload, workload_named
from blockstm.bench.machine import machine

ROUNDS_MIN, ROUNDS_MAX = 7, 41
SECONDS = 1.6  # for all rounds of one benchmark, both candidates

Bench = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What cannot be compared with here is told in the summary, and fails nothing."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("default:NO :UserWarning"))


@pytest.fixture(scope="session")
def block() -> Callable[..., Workload]:
    """Workloads by name and parameters, made once."""
    made: dict[tuple[str, int, int], Workload] = {}

    def make(name: str, accounts: int, transactions: int) -> Workload:
        key = name, accounts, transactions
        if key not in made:
            made[key] = workload_named(name, accounts=accounts, transactions=transactions)
        return made[key]

    return make


@pytest.fixture
def bench(benchmark: BenchmarkFixture, block: Callable[..., Workload]) -> Bench:
    """Measure one row: ``bench("payments", accounts=10, transactions=1000, workers=2, ...)``."""

    def measured(
        name: str,
        *,
        transactions: int,
        workers: int,
        work_us: float,
        accounts: int = 10_000,
        vm: Vm = "kernel",
    ) -> None:
        workload = block(name, accounts, transactions)
        turns = calibrated_turns(vm, work_us)
        with Executor(Config(workers=workers)) as executor:
            runner = start_benchmark(workload, vm, turns, executor)

            def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
                runner.iterate(BASELINE)
                return (ENGINE, runner.candidates[ENGINE].prepare()), {}

            benchmark.pedantic(
                runner.timed,
                setup=before,
                teardown=lambda name, prepared: runner.check(name),
                rounds=rounds(runner.warm_up()),
            )
            benchmark.extra_info.update(
                row(runner, workload, vm, work_us, turns, workers).as_dict()
                | {"machine": machine()}
            )

    return measured


def rounds(seconds: float) -> int:
    """How many rounds that take ``seconds`` each fit into the time for one benchmark."""
    return min(ROUNDS_MAX, max(ROUNDS_MIN, math.ceil(SECONDS / seconds)))
