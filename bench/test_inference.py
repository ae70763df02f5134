"""A network in plain opcodes and by integer instructions, and products by each kernel."""

from __future__ import annotations

import random
from time import perf_counter
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from blockstm.ai import call, call_data, kernels
from blockstm.bench.inference import Network, compare
from blockstm.bench.machine import machine

NETWORKS = {
    "8x8, 4 to 8 channels": (8, 4, 8),
    "16x16, 8 to 32 channels": (16, 8, 32),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network(benchmark: BenchmarkFixture, name: str) -> None:
    """Two convolutions: the same answers, by the same EVM, on one worker."""
    network = Network.drawn(*NETWORKS[name])
    found: Any = benchmark.pedantic(compare, (network,), {"readings": 8}, rounds=1)
    benchmark.extra_info["inference"] = {
        "network": name,
        **{each: getattr(found, each) for each in ("work", "plain_gas", "gas", "plain_ms", "ms")},
        "faster": found.faster,
        "machine": machine(),
    }


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("side", [256, 1024])
def test_product(benchmark: BenchmarkFixture, side: int, kernel: str) -> None:
    """Square matrices, one core."""
    numbers = random.Random(1).randbytes(side * side)
    data = call_data("product", [side, side, side], [numbers, numbers])

    def best() -> float:
        times = []
        for _ in range(20):
            begin = perf_counter()
            call("product", data, kernel=kernel)
            times.append(perf_counter() - begin)
        return min(times)

    seconds: float = benchmark.pedantic(best, rounds=3)
    benchmark.extra_info["inference_kernel"] = {
        "product": f"{side}x{side}x{side}",
        "kernel": kernel,
        "gigamacs": side**3 / seconds / 1e9,
        "megagas": call("product", data).gas_used / seconds / 1e6,
        "machine": machine(),
    }
