"""Our EVM against revm, on contracts that loop long inside; see `blockstm bench evm`."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures

from bench.conftest import rounds
from blockstm.bench.blocks.evm_loads import revm_columns
from blockstm.bench.blocks.revm import why_no_revm
from blockstm.bench.evm.candidates import OURS
from blockstm.bench.evm.measurement import row, start_benchmark
from blockstm.bench.evm.state_tests import statetest_workloads
from blockstm.bench.evm.workloads import WORKLOADS, Workload, workload_named
from blockstm.bench.machine import machine

BASELINE = "pyrevm"
ARCHIVE = "contracts.tar.xz"
IPSILON = ("blake2b_shifts", "sha1_divs-1", "sha1_shifts-1", "snailtracer", "weierstrudel-1")
"""Of ipsilon's evm-benchmarks, those that take milliseconds."""
JUMPS = ("JUMPDEST_n0", "loop_with_many_jumpdests", "jump_around")
"""Those of nothing but jumps, which take microseconds."""
JUMPS_SECONDS = 250e-6
"""About what a call takes, beginning included; revm takes up to 50 times as long."""


@pytest.mark.parametrize("name", WORKLOADS)
def test_evm(benchmark: BenchmarkFixture, name: str) -> None:
    measured(benchmark, workload_named(name))


@pytest.mark.parametrize("name", IPSILON)
def test_evm_on_ipsilon(benchmark: BenchmarkFixture, name: str) -> None:
    found = {each.name: each for each in statetest_workloads(fixtures() / ARCHIVE)}
    measured(benchmark, found[name])


@pytest.mark.parametrize("name", JUMPS)
def test_jumps(benchmark: BenchmarkFixture, name: str) -> None:
    """Blocks of many calls, beside the newest revm alone; all of it is timed once."""
    found = {each.name: each for each in statetest_workloads(fixtures() / ARCHIVE)}
    columns = benchmark.pedantic(lambda: _newest_revm(found[name], JUMPS_SECONDS))
    benchmark.extra_info["jumps"] = columns | {"workload": name, "machine": machine()}


def measured(benchmark: BenchmarkFixture, workload: Workload) -> None:
    """One row: pytest-benchmark times ours; before each round the baseline runs an iteration.

    The newest revm, a program of its own, runs the same call behind it.
    """
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
    columns = _newest_revm(workload, measured.timing.seconds) | measured.as_dict()
    benchmark.extra_info["evm"] = columns | {"machine": machine()}


def _newest_revm(workload: Workload, seconds: float) -> dict[str, float]:
    reason = why_no_revm()
    if reason is None:
        return revm_columns(workload, seconds)
    warnings.warn(f"NO REVM OF TODAY to compare with: {reason}", stacklevel=2)
    return {}
