"""Whichever allocation fails: the right result or an error that says so, and then all is well.

They are failed by an allocator that is preloaded into the process of the test.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.memory.built import built
from tests.memory.paths import PATHS

ROOT = Path(__file__).parents[2]
SAMPLED = 20
SEED = random.SystemRandom().randrange(1 << 31)
# Of one thread that needs no workers.
ALONE = ("memory-states", "account-states", "tries", "receipts")
CASES = [
    (name, workers) for name in PATHS for workers in (1, 2) if workers == 1 or name not in ALONE
]


def child(kind: str, path: str, workers: int, count: int) -> None:
    """Fail ``count`` allocations of a path, 0: all, in a process of its own."""
    environment = {
        **os.environ,
        "BLOCKSTM_LONG_VALUES": str(built("long_values")),
        "LD_PRELOAD": str(built("failing_allocator")),
    }
    command = [sys.executable, "-m", "tests.memory.failing", kind, path, str(workers)]
    command += [str(SEED), str(count)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    replay = " ".join(command[1:])
    assert ended.returncode == 0, f"{replay}: {ended.returncode}\n{ended.stderr[-3000:]}"
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["faults"] == [], f"{replay} of {told['allocations']}"
    assert told["tried"] > 0


@pytest.mark.parametrize(("path", "workers"), CASES)
def test_python_allocations_that_fail(path: str, workers: int) -> None:
    child("python", path, workers, SAMPLED)


@pytest.mark.parametrize(("path", "workers"), CASES)
def test_native_allocations_that_fail(path: str, workers: int) -> None:
    child("native", path, workers, SAMPLED)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "workers"), CASES)
def test_every_python_allocation(path: str, workers: int) -> None:
    child("python", path, workers, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "workers"), CASES)
def test_every_native_allocation(path: str, workers: int) -> None:
    child("native", path, workers, 0)


def failed_by(module: str, folder: Path) -> int:
    """How many allocations a module failed in a process of its own, which ended well."""
    environment = {**os.environ, "LD_PRELOAD": str(built("failing_allocator"))}
    command = [sys.executable, "-m", f"tests.memory.{module}", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return int(ended.stdout)


def test_collecting_what_a_store_lacks_loses_nothing(tmp_path: Path) -> None:
    """Each allocation of it fails once: what is written in the end is what is written at once."""
    pytest.importorskip("mdbx")
    assert failed_by("collecting", tmp_path) > 30


def test_what_changes_a_state_on_disk_changes_all_of_it_or_nothing(tmp_path: Path) -> None:
    """Each allocation of it, and of reading it, fails once; accounts and tries go together."""
    pytest.importorskip("mdbx")
    assert failed_by("changing", tmp_path) > 30
