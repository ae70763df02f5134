"""Keccak-f[1600] of one state after another, and of several side by side."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.conftest import rounds
from blockstm._native.crypto.hashes import keccak256_many
from blockstm.bench.benchmark import Benchmark, Candidate
from blockstm.bench.machine import machine

MESSAGES = [bytes([number]) * (136 * 128 - 1) for number in range(64)]  # 128 permutations each
PERMUTATIONS = 128 * len(MESSAGES)
OURS = "blockstm"


@pytest.mark.parametrize("width", [1, 4, 8])
def test_keccak(benchmark: BenchmarkFixture, width: int) -> None:
    """What this processor has no vectors for is done one after another."""
    expected = keccak256_many(MESSAGES, 1)

    def run(_: Any) -> list[bytes]:
        return keccak256_many(MESSAGES, width)

    def check(found: list[bytes]) -> None:
        assert found == expected

    timings = Benchmark({OURS: Candidate(run, check=check)})
    benchmark.pedantic(
        timings.timed,
        setup=lambda: ((OURS, None), {}),
        teardown=lambda name, prepared: timings.check(name),
        rounds=rounds(timings.warm_up()),
    )
    timing = timings.timing(OURS)
    benchmark.extra_info["keccak"] = {
        "width": width,
        "nanoseconds": timing.seconds / PERMUTATIONS * 1e9,
        "spread": timing.spread,
        "stable": timing.stable,
        "machine": machine(),
    }
