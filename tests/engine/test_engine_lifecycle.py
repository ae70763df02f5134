"""An executor from its making to its end: reuse, threads, re-entry, closing, forks, Ctrl-C."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from engine_cases import executor, seconds_queued
from tests.patience import PATIENCE, at_best, comes_true

import blockstm
from blockstm import Config, Executor, reference
from blockstm.errors import ClosedError, ReentrantError, TransactionError
from blockstm.testing import NativeScripts, assert_same_result, scripted_vm

workers = pytest.mark.parametrize("workers", [1, 2, 4])

BLOCK = [[("bump", "a", 1), ("add", "b", n)] for n in range(30)]
EXPECTED = reference.execute_block(BLOCK, {}, scripted_vm)


@workers
def test_an_executor_is_closed_once_and_for_all(workers: int) -> None:
    engine = Executor(Config(gate=False), workers=workers)
    with engine as entered:
        assert entered is engine
        assert_same_result(engine.execute_block(BLOCK, {}, scripted_vm), EXPECTED)
    engine.close()  # closing twice is no mistake
    with pytest.raises(ClosedError):
        engine.execute_block(BLOCK, {}, scripted_vm)
    with pytest.raises(ClosedError):
        list(engine.stream(BLOCK, {}, scripted_vm))
    with pytest.raises(ClosedError):
        engine.__enter__()


def threads_since(before: Collection[threading.Thread]) -> set[threading.Thread]:
    """Those of executors that began after some moment and have not ended."""
    alive = set(threading.enumerate()) - set(before)
    return {thread for thread in alive if thread.name.startswith("blockstm-")}


@workers
def test_closing_ends_its_threads(workers: int) -> None:
    before = threading.enumerate()
    for _ in range(5):
        with Executor(Config(gate=False), workers=workers) as engine:
            engine.execute_block(BLOCK, {}, scripted_vm)
    assert comes_true(lambda: not threads_since(before))  # one may have begun at the end


@pytest.mark.parametrize("how", ["execute_block", "stream"])
def test_a_block_that_is_not_worth_sharing_starts_no_helpers(how: str) -> None:
    """To start one takes longer than the block."""
    before = threading.enumerate()
    with Executor(workers=4) as engine:
        if how == "stream":
            stream = engine.stream(BLOCK[:3], {}, scripted_vm)
            assert len(list(stream)) == 3
            result = stream.result
        else:
            result = engine.execute_block(BLOCK[:3], {}, scripted_vm)
        assert result is not None
        assert result.writes == {"a": 3, "b": 3}
        assert {thread.name for thread in threads_since(before)} <= {"blockstm-stream"}


def hold_threads(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Have the threads of executors begin only when the event is set."""
    begin, start = threading.Event(), threading.Thread.start

    def start_late(thread: threading.Thread) -> None:
        if thread.name.startswith("blockstm-"):
            begin.wait(PATIENCE)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    return begin


def test_a_block_that_is_shared_does_not_wait_for_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate opens, and who opened it runs all transactions where nobody else has come."""
    before = threading.enumerate()
    begin = hold_threads(monkeypatch)

    def slow(view: Any, script: Any) -> Any:
        time.sleep(0.002)
        return scripted_vm(view, script)

    with Executor(workers=2) as engine:
        for _ in range(3):  # the second block does not start them once more
            assert_same_result(engine.execute_block(BLOCK, {}, slow), EXPECTED)
        assert not begin.is_set()
        begin.set()
        assert_same_result(engine.execute_block(BLOCK, {}, slow), EXPECTED)
        assert comes_true(lambda: [each.name for each in threads_since(before)] == ["blockstm-1"])


def test_closing_does_not_wait_for_a_thread_that_has_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine a thread may begin when its executor is closed; then it ends at once."""
    before = threading.enumerate()
    begin = hold_threads(monkeypatch)
    with Executor(Config(gate=False), workers=2) as engine:
        assert_same_result(engine.execute_block(BLOCK, {}, scripted_vm), EXPECTED)
    engine.close()
    begin.set()
    assert comes_true(lambda: not threads_since(before))


def test_a_forgotten_executor_ends_its_threads() -> None:
    before = threading.enumerate()
    engine = Executor(Config(gate=False), workers=4)
    engine.execute_block(BLOCK, {}, scripted_vm)
    assert threads_since(before)
    del engine
    gc.collect()
    assert comes_true(lambda: not threads_since(before))


@workers
def test_a_vm_may_not_call_the_executor_that_runs_it(workers: int) -> None:
    engine = executor(workers)

    def vm(view: Any, transaction: int) -> None:
        if transaction == 1:
            engine.execute_block([0], {}, scripted_vm)

    with pytest.raises(TransactionError) as caught:
        engine.execute_block(range(3), {}, vm)
    assert caught.value.index == 1
    assert isinstance(caught.value.__cause__, ReentrantError)
    assert_same_result(engine.execute_block(BLOCK, {}, scripted_vm), EXPECTED)


@workers
def test_a_state_or_a_limit_may_not_call_it_either(workers: int) -> None:
    engine = executor(workers)
    raised: list[BaseException] = []

    def again() -> None:
        try:
            engine.execute_block([0], {}, scripted_vm)
        except BaseException as error:
            raised.append(error)

    class State:
        def get(self, key: Any) -> None:
            again()

    def limit(outcome: Any) -> bool:
        again()
        return False

    engine.execute_block([[("get", "a")]], State(), scripted_vm, limit=limit)
    assert {type(error) for error in raised} == {ReentrantError}


@workers
def test_a_vm_may_use_another_executor(workers: int) -> None:
    def vm(view: Any, n: int) -> Any:
        with Executor(Config(gate=False), workers=2) as inner:
            nested = inner.execute_block(BLOCK[:n], {}, scripted_vm)
        view.put("n", nested.writes.get("a", 0))
        return nested.gas_used

    result = executor(workers).execute_block(range(5), {}, vm)
    assert result.writes == {"n": 4}


@workers
def test_a_vm_may_use_the_easy_function(workers: int) -> None:
    def vm(view: Any, n: int) -> Any:
        return blockstm.execute_block(BLOCK[:n], {}, scripted_vm).writes.get("a", 0)

    result = executor(workers).execute_block(range(5), {}, vm)
    assert [outcome.value for outcome in result.outcomes] == [0, 1, 2, 3, 4]


@workers
def test_a_vm_may_wait_for_a_pool_of_its_own(workers: int) -> None:
    """Nothing of the engine runs on a pool that a VM waits for: no deadlock."""
    with ThreadPoolExecutor(1) as pool:

        def vm(view: Any, n: int) -> None:
            view.put("sum", pool.submit(lambda: view_free(n)).result(PATIENCE) + view.get("sum", 0))

        result = executor(workers).execute_block(range(10), {}, vm)
    assert result.writes == {"sum": sum(n * n for n in range(10))}


def view_free(n: int) -> int:
    return n * n


@workers
def test_many_threads_may_use_one_executor(workers: int) -> None:
    engine = executor(workers)
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(engine.execute_block, BLOCK, {}, scripted_vm) for _ in range(30)]
        for future in runs:
            assert_same_result(future.result(PATIENCE), EXPECTED)


def test_closing_while_another_thread_runs_a_block_waits_or_refuses() -> None:
    for _ in range(10):
        engine = Executor(Config(gate=False), workers=2)
        started = threading.Event()

        def vm(view: Any, transaction: Any, started: Any = started) -> Any:
            started.set()
            return scripted_vm(view, transaction)

        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(engine.execute_block, BLOCK, {}, vm)
            started.wait(PATIENCE)
            engine.close()
            with contextlib.suppress(ClosedError):
                assert_same_result(future.result(PATIENCE), EXPECTED)
        with pytest.raises(ClosedError):
            engine.execute_block(BLOCK, {}, vm)


@workers
def test_a_stream_left_half_way_frees_the_executor(workers: int) -> None:
    engine = executor(workers)
    stream = engine.stream(BLOCK, {}, scripted_vm)
    assert next(stream).index == 0
    del stream
    gc.collect()
    assert_same_result(engine.execute_block(BLOCK, {}, scripted_vm), EXPECTED)


@workers
def test_a_stream_gives_all_outcomes_in_order_then_the_result(workers: int) -> None:
    stream = executor(workers).stream(BLOCK, {}, scripted_vm)
    outcomes = list(stream)
    assert_same_result(stream.result, EXPECTED)
    assert outcomes == list(stream.result.outcomes)


@workers
def test_a_stream_gives_the_prefix_of_a_block_that_fails(workers: int) -> None:
    block = [*BLOCK[:5], [("raise", "x")], *BLOCK]
    outcomes: list[Any] = []
    with pytest.raises(TransactionError) as caught:
        outcomes.extend(executor(workers).stream(block, {}, scripted_vm))
    assert caught.value.index == 5
    assert caught.value.prefix is not None
    assert outcomes == list(caught.value.prefix.outcomes)


@workers
def test_memory_of_a_block_is_released(workers: int) -> None:
    """Objects of a block that ended are not kept alive by the executor."""

    class Witness:
        alive = 0

        def __init__(self) -> None:
            Witness.alive += 1

        def __del__(self) -> None:
            Witness.alive -= 1

    def vm(view: Any, n: int) -> Witness:
        view.get(n % 3)
        view.put(n % 3, Witness())
        return Witness()

    engine = executor(workers)
    for _ in range(3):
        result = engine.execute_block(range(50), {}, vm)
        assert Witness.alive >= 53
        del result
    gc.collect()
    assert Witness.alive == 0


def script(text: str, *, expect: int = 0, timeout: float = 2 * PATIENCE) -> str:
    """Run a program of its own; its output."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.returncode == expect, ran.stderr
    return ran.stdout


@workers
def test_an_executor_does_not_cross_a_fork(workers: int) -> None:
    output = script(f"""
        import os, sys
        import blockstm
        from blockstm.testing import scripted_vm
        block = [[("bump", "a", 1)]] * 20
        engine = blockstm.Executor(blockstm.Config(gate=False), workers={workers})
        engine.execute_block(block, {{}}, scripted_vm)
        child = os.fork()
        if child == 0:
            for call in (lambda: engine.execute_block(block, {{}}, scripted_vm),
                         lambda: list(engine.stream(block, {{}}, scripted_vm))):
                try:
                    call()
                except blockstm.errors.ForkedError:
                    print("ForkedError", flush=True)
            fresh = blockstm.Executor(blockstm.Config(gate=False), workers={workers})
            print(fresh.execute_block(block, {{}}, scripted_vm).writes, flush=True)
            print(blockstm.execute_block(block, {{}}, scripted_vm).writes, flush=True)
            engine.close()
            sys.exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("child", status, engine.execute_block(block, {{}}, scripted_vm).writes)
    """)
    assert output.split("\n")[:-1] == [
        "ForkedError",
        "ForkedError",
        "{'a': 20}",
        "{'a': 20}",
        "child 0 {'a': 20}",
    ]


@workers
def test_a_fork_inside_a_vm_leaves_the_parent_whole(workers: int) -> None:
    output = script(f"""
        import os
        import blockstm
        def vm(view, n):
            if n == 1:
                child = os.fork()
                if child == 0:
                    os._exit(0)
                os.waitpid(child, 0)
            view.put("n", n)
        config = blockstm.Config(workers={workers}, gate=False)
        print(blockstm.Executor(config).execute_block(range(5), {{}}, vm).writes)
    """)
    assert output == "{'n': 4}\n"


@workers
def test_an_interpreter_ends_with_an_open_executor(workers: int) -> None:
    output = script(f"""
        import blockstm
        from blockstm.testing import scripted_vm
        engine = blockstm.Executor(blockstm.Config(gate=False), workers={workers})
        print(engine.execute_block([[("bump", "a", 1)]] * 9, {{}}, scripted_vm).writes)
    """)
    assert output == "{'a': 9}\n"


INTERRUPTED = {
    "python": ("spin", "range(1_000_000)", "engine.execute_block(block, {}, vm)"),
    "python waiting": ("nap", "range(1_000_000)", "engine.execute_block(block, {}, vm)"),
    "native": (
        "NativeScripts()",
        '[[("work", 200_000), ("bump", n % 3, 1)] for n in range(100_000)]',
        "engine.execute_block(block, {}, vm)",
    ),
    "never ending": ("until", "[1, 0]", "engine.execute_block(block, {}, vm)"),
    "stream": ("spin", "range(1_000_000)", "all(True for _ in engine.stream(block, {}, vm))"),
}


@pytest.mark.alone
@pytest.mark.parametrize("case", INTERRUPTED, ids=lambda case: case.replace(" ", "-"))
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_within_a_fifth_of_a_second(case: str, workers: int) -> None:
    vm, block, call = INTERRUPTED[case]
    program = f"""
        import os, signal, sys, time
        import blockstm
        from blockstm.testing import NativeScripts, scripted_vm
        from tests.engine.engine_cases import seconds_queued

        # A shell that runs the tests in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def spin(view, n):
            for _ in range(2000):
                n += 1
            view.add("a", n)

        def nap(view, n):
            time.sleep(0.01)
            view.add("a", n)

        def until(view, n):
            if n == 0:
                time.sleep(0.01 if view.get("ready") is None else 0)
            while n and view.get("never") is None:
                pass

        vm, block = {vm}, {block}
        engine = blockstm.Executor(blockstm.Config(gate=False), workers={workers})
        engine.execute_block(block[:10], {{"never": 1}}, vm)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print(time.monotonic() - seconds_queued(os.getpid()), flush=True)
        good = engine.execute_block([[("add", "a", 1)]] * 9, {{}}, scripted_vm)
        print(good.writes, flush=True)
    """
    at_best(lambda: _interrupted_after(textwrap.dedent(program)), lambda seconds: seconds < 0.2)


def _interrupted_after(program: str) -> float:
    """From the signal to the exception, in s, without what others had the cores; and the executor
    works after it."""
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", child.communicate()
        time.sleep(0.3)
        sent = time.monotonic() - seconds_queued(child.pid)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=2 * PATIENCE)
        assert child.returncode == 0, errors
        stopped, after = output.splitlines()
        assert after == "{'a': 9}"
        return float(stopped) - sent
    finally:
        child.kill()
        child.communicate()


def test_the_easy_function_is_equal_to_the_reference() -> None:
    assert_same_result(blockstm.execute_block(BLOCK, {}, scripted_vm), EXPECTED)
    block = [[("bump", 1, 1)]] * 30
    vm = NativeScripts()
    expected = reference.execute_block(block, {}, vm.python)
    for options in ({}, {"workers": 2}, {"config": blockstm.Config(workers=3, window=2)}):
        assert_same_result(blockstm.execute_block(block, {}, vm, **options), expected)
