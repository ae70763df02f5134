"""How many cores a process takes itself to have."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from blockstm import cores
from blockstm.cores import usable_cores

UNLIMITED = cores._UNLIMITED


def _second(limit: str) -> dict[str, str]:
    return {"cpu.max": limit}


def _first(quota: str, period: str) -> dict[str, str]:
    return {"cpu/cpu.cfs_quota_us": quota, "cpu/cpu.cfs_period_us": period}


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        (_second("max 100000\n"), UNLIMITED),
        (_second("100000 100000\n"), 1),
        (_second("150000 100000\n"), 2),
        (_second("1000 100000\n"), 1),
        (_second("1600000 100000\n"), 16),
        (_second("many few\n"), UNLIMITED),
        (_second("100000\n"), UNLIMITED),
        (_second("100000 0\n"), UNLIMITED),
        (_second(""), UNLIMITED),
        (_first("-1\n", "100000\n"), UNLIMITED),
        (_first("250000\n", "100000\n"), 3),
        ({"cpu/cpu.cfs_quota_us": "250000\n"}, UNLIMITED),
        ({}, UNLIMITED),
    ],
)
def test_the_quota_is_what_the_cgroup_says(
    files: dict[str, str], quota: int, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores._quota(tmp_path) == quota


def test_a_quota_that_changes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    monkeypatch.setattr(cores, "_known", (float("-inf"), UNLIMITED))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text("300000 100000\n")
    assert usable_cores() == 3
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert usable_cores() == 3  # read a moment ago
    now += 1.5
    assert usable_cores() == 2
    (tmp_path / "cpu.max").write_text("max 100000\n")
    now += 1.5
    assert usable_cores() == 8


def test_there_is_always_one() -> None:
    assert usable_cores() >= 1
