"""The other shapes of a block: one counter, a chain, many reads, few hot accounts."""

from __future__ import annotations

import pytest

from bench.conftest import Bench
from bench.parameters import HEAVY_US, LIGHT_US, WORKERS


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("name", ["counter", "counter-exact", "chain", "read-heavy", "zipf"])
def test_workload(bench: Bench, name: str, workers: int) -> None:
    bench(name, transactions=10_000, workers=workers, work_us=HEAVY_US)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("name", ["counter", "chain"])
def test_light_workload(bench: Bench, name: str, workers: int) -> None:
    bench(name, transactions=10_000, workers=workers, work_us=LIGHT_US)
