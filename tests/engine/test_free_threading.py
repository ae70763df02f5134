"""Threads that would take turns by the GIL, on any Python; and that nothing of ours turns it on."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from engine_cases import executor
from tests.patience import PATIENCE

from blockstm import View
from blockstm.errors import UsageError
from blockstm.testing import NativeScripts

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.pyx"))
IS_FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

IMPORT_ALL = """
import importlib, pkgutil, sys
import blockstm, blockstm._native as native
for module in pkgutil.walk_packages(native.__path__, native.__name__ + "."):
    importlib.import_module(module.name)
assert not sys._is_gil_enabled()
"""


def at_once(threads: int, job: Callable[[], Any]) -> list[Any]:
    """What each of several threads comes to that begin together."""
    start = Barrier(threads)

    def begin() -> Any:
        start.wait(PATIENCE)
        return job()

    with ThreadPoolExecutor(threads) as pool:
        return [each.result(PATIENCE) for each in [pool.submit(begin) for _ in range(threads)]]


def test_no_native_module_asks_for_the_gil() -> None:
    assert SOURCES
    for path in SOURCES:
        assert "freethreading_compatible=False" not in path.read_text(), path


@pytest.mark.skipif(not IS_FREE, reason="this Python has a GIL")
def test_importing_every_native_module_leaves_the_gil_off() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", IMPORT_ALL], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_threads_that_decode_the_same_writes_see_one_mapping(workers: int) -> None:
    block = [[("bump", n % 50, 1)] for n in range(500)]
    for _ in range(10):
        writes = executor(workers).execute_block(block, {}, NativeScripts()).writes
        found = at_once(4, partial(dict, writes))
        assert found == [dict.fromkeys(range(50), 10)] * 4


def test_runs_at_the_same_time_keep_what_each_has_put() -> None:
    """Objects that only the block holds: a list that lost one would free it under a reader."""

    def vm(view: View, key: int) -> str:
        found = view.get(key, "")
        view.put(key, f"{found}{key}.")
        return f"{key}: {len(found)}"

    block = [n % 5 for n in range(600)]
    for workers in (2, 4):
        result = executor(workers).execute_block(block, {}, vm)
        assert result.writes == {key: f"{key}." * 120 for key in range(5)}
        assert [each.value for each in result.outcomes] == [
            f"{n % 5}: {n // 5 * 2}" for n in range(600)
        ]


def test_a_session_that_two_threads_use_refuses_one_or_serves_both() -> None:
    from blockstm._native.base.codec import codec_named
    from blockstm._native.vm.session import Session

    session = Session(codec_named("int64"), codec_named("int64"), {n: n for n in range(100)})

    def use() -> int:
        served = 0
        for turn in range(500):
            try:
                session.put(turn % 100, turn)
                session.forget()
                served += session.get(turn % 100) is not None and session.mark() >= 0
            except UsageError:
                pass
        return served

    assert sum(at_once(4, use)) > 0
    assert set(session.writes()) <= set(range(100))
