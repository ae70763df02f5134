"""A chain that is imported, reorganised and read for long has the memory that it had."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import linear_regression

import pytest

pytest.importorskip("mdbx")

ROOT = Path(__file__).parents[2]
BLOCKS = 20_000
GROWTH_MAX = 4 << 20
"""Bytes that 20,000 blocks may add, by the slope: 0.6 MB were measured."""


@pytest.mark.slow
def test_memory_is_flat_over_many_blocks(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.chain.soak", str(tmp_path / "chain"), str(BLOCKS), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    said = [json.loads(line) for line in run.stdout.splitlines()]
    assert said[-1]["block"] >= BLOCKS
    assert said[-1]["reads"] > 0
    later = said[len(said) // 2 :]  # until then codes, accounts and pages fill
    slope = linear_regression(
        [each["block"] for each in later], [each["memory"] for each in later]
    ).slope
    assert slope * BLOCKS < GROWTH_MAX, said
