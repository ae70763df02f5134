"""Our EVM against revm, on contracts that loop long inside; see `blockstm bench evm`."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures

from bench.conftest import rounds
from blockstm.bench.evm.candidates import OURS
from blockstm.bench.evm.measurement import row, start_benchmark
from blockstm.bench.evm.state_tests import statetest_workloads
from blockstm.bench.evm.workloads import WORKLOADS, Workload, workload_named
from blockstm.bench.machine import machine

BASELINE = "pyrevm"
ARCHIVE = "contracts.tar.xz"
IPSILON = ("blake2b_shifts", "sha1_divs-1", "sha1_shifts-1", "snailtracer", "weierstrudel-1")
"""Of ipsilon's evm-benchmarks, those that take milliseconds."""


@pytest.mark.parametrize("name", WORKLOADS)
def test_evm(benchmark: BenchmarkFixture, name: str) -> None:
    measured(benchmark, workload_named(name))


@pytest.mark.parametrize("name", IPSILON)
def test_evm_on_ipsilon(benchmark: BenchmarkFixture, name: str) -> None:
    found = {each.name: each for each in statetest_workloads(fixtures() / ARCHIVE)}
    measured(benchmark, found[name])


def measured(benchmark: BenchmarkFixture, workload: Workload) -> None:
    """One row: pytest-benchmark times ours; before each round the baseline runs an iteration."""
    runner, same = start_benchmark(workload, OURS, [BASELINE])

    def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
        runner.iterate(BASELINE)
        return (OURS, runner.candidates[OURS].prepare()), {}

    benchmark.pedantic(
        runner.timed,
        setup=before,
        teardown=lambda name, prepared: runner.check(name),
        rounds=rounds(runner.warm_up()),
    )
    measured = row(runner, workload, same.gas, OURS, [BASELINE])
    benchmark.extra_info["evm"] = measured.as_dict() | {"machine": machine()}
