"""Our EVM against revm, on contracts that loop long inside; see `blockstm bench evm`."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures

from bench.conftest import rounds
from blockstm.bench.evm.candidates import OURS
from blockstm.bench.evm.measurement import row, start_race
from blockstm.bench.evm.state_tests import statetest_loads
from blockstm.bench.evm.workloads import LOADS, Load, load
from blockstm.bench.machine import machine

RIVAL = "pyrevm"
ARCHIVE = "contracts.tar.xz"
IPSILON = ("blake2b_shifts", "sha1_divs-1", "sha1_shifts-1", "snailtracer", "weierstrudel-1")
"""Of ipsilon's evm-benchmarks, those that take milliseconds."""


@pytest.mark.parametrize("name", LOADS)
def test_evm(benchmark: BenchmarkFixture, name: str) -> None:
    measured(benchmark, load(name))


@pytest.mark.parametrize("name", IPSILON)
def test_evm_on_ipsilon(benchmark: BenchmarkFixture, name: str) -> None:
    found = {each.name: each for each in statetest_loads(fixtures() / ARCHIVE)}
    measured(benchmark, found[name])


def measured(benchmark: BenchmarkFixture, load: Load) -> None:
    """One row: pytest-benchmark times ours; before each round the rival runs a lap of its own."""
    race, same = start_race(load, OURS, [RIVAL])

    def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
        race.lap(RIVAL)
        return (OURS, race.contenders[OURS].prepare()), {}

    benchmark.pedantic(
        race.timed,
        setup=before,
        teardown=lambda name, prepared: race.check(name),
        rounds=rounds(race.warm_up()),
    )
    measured = row(race, load, same.gas, OURS, [RIVAL])
    benchmark.extra_info["evm"] = measured.as_dict() | {"machine": machine()}
