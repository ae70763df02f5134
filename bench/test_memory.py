"""Memory of a block beyond its data: what the engine holds for each transaction."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

PROBE = Path(__file__).parent / "memory_probe.py"


@pytest.mark.parametrize("name", ["payments", "payments-deltas"])
def test_memory(benchmark: BenchmarkFixture, name: str) -> None:
    """A process of its own for each figure: memory once taken is not given back."""

    def probe() -> str:
        return subprocess.run(
            [sys.executable, str(PROBE), name], check=True, capture_output=True, text=True
        ).stdout

    benchmark.extra_info["memory"] = json.loads(benchmark.pedantic(probe))
