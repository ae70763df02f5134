"""Streams that are closed, dropped, cut off, copied and left open, by any thread."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
from engine_cases import executor
from tests.patience import PATIENCE, comes_true

from blockstm import Config, Executor, View
from blockstm.errors import ClosedError, InputError, ReentrantError
from blockstm.testing import NativeScripts, scripted_vm

workers = pytest.mark.parametrize("workers", [1, 2, 4])

BLOCK = [[("bump", n % 7, 1)] for n in range(700)]
WRITES = dict.fromkeys(range(7), 100)
FEW = [[("add", "b", n)] for n in range(4)]


def check(engine: Executor) -> None:
    assert engine.execute_block(FEW, {}, scripted_vm).writes == {"b": 6}


@workers
@pytest.mark.parametrize("native", [False, True])
def test_another_thread_closes_what_one_reads(workers: int, native: bool) -> None:
    engine = executor(workers)
    vm: Any = NativeScripts() if native else scripted_vm

    def read(stream: Any) -> list[int]:
        return [outcome.index for outcome in stream]

    with ThreadPoolExecutor(1) as pool:
        for delay in range(60):
            stream = engine.stream(BLOCK, {}, vm)
            reader = pool.submit(read, stream)
            threading.Event().wait(delay / 20_000)
            stream.close()
            indices = reader.result(PATIENCE)
            assert indices == list(range(len(indices)))
            check(engine)


@workers
def test_threads_that_read_one_stream_share_its_outcomes(workers: int) -> None:
    stream = executor(workers).stream(BLOCK, {}, scripted_vm)
    with ThreadPoolExecutor(3) as pool:
        parts = [pool.submit(lambda: [outcome.index for outcome in stream]) for _ in range(3)]
        shares = [part.result(PATIENCE) for part in parts]
    assert all(share == sorted(share) for share in shares)
    assert sorted(chain.from_iterable(shares)) == list(range(len(BLOCK)))
    assert stream.result is not None
    assert stream.result.writes == WRITES


@workers
def test_many_threads_close_one_stream(workers: int) -> None:
    engine = executor(workers)
    for _ in range(20):
        stream = engine.stream(BLOCK, {}, scripted_vm)
        with ThreadPoolExecutor(4) as pool:
            for closing in [pool.submit(stream.close) for _ in range(8)]:
                closing.result(PATIENCE)
        assert list(stream) == []
        check(engine)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_streams_and_executors_are_not_copied(copied: Any) -> None:
    with Executor(workers=1) as engine, engine.stream(FEW, {}, scripted_vm) as stream:
        with pytest.raises(InputError, match="cannot be copied or pickled"):
            copied(stream)
        with pytest.raises(InputError, match="cannot be copied or pickled"):
            copied(engine)
        assert len(list(stream)) == len(FEW)


@workers
def test_an_error_inside_an_executor_is_not_masked_by_an_open_stream(workers: int) -> None:
    streams: list[Any] = []

    def fail() -> None:
        with Executor(Config(gate=False), workers=workers) as engine:
            streams.append(engine.stream(BLOCK, {}, scripted_vm))
            next(streams[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(ClosedError):
        list(streams[0])


@workers
def test_closing_an_executor_ends_its_stream_and_says_so(workers: int) -> None:
    engine = Executor(Config(gate=False), workers=workers)
    stream = engine.stream(BLOCK, {}, scripted_vm)
    next(stream)
    engine.close()
    with pytest.raises(ClosedError, match="the executor was closed"):
        list(stream)
    assert stream.result is None
    stream.close()


def test_closing_an_executor_while_another_thread_reads_its_stream() -> None:
    for _ in range(20):
        engine = Executor(Config(gate=False), workers=2)
        stream = engine.stream(BLOCK, {}, scripted_vm)
        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(lambda stream: [outcome.index for outcome in stream], stream)
            engine.close()
            try:
                assert reader.result(PATIENCE) == list(range(len(BLOCK)))
            except ClosedError:
                assert stream.result is None


def test_executors_are_closed_twice_from_threads_that_come_and_go() -> None:
    """The system gives the number of a thread that ended to another one."""
    engine = Executor(Config(gate=False), workers=3)
    engine.execute_block(FEW, {}, scripted_vm)
    list(engine.stream(FEW, {}, scripted_vm))
    engine.close()
    for _ in range(5):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(engine.close).result(PATIENCE)


def test_a_thread_that_comes_later_is_not_taken_for_who_opened_the_stream() -> None:
    engine = executor(1)
    streams: list[Any] = []
    opener = threading.Thread(target=lambda: streams.append(engine.stream(BLOCK, {}, scripted_vm)))
    opener.start()
    opener.join()
    results: list[Any] = []

    def run() -> None:
        results.append(engine.execute_block(FEW, {}, scripted_vm).writes)

    others = [threading.Thread(target=run) for _ in range(4)]
    for other in others:
        other.start()
    assert [outcome.index for outcome in streams[0]] == list(range(len(BLOCK)))
    for other in others:
        other.join(PATIENCE)
    assert results == [{"b": 6}] * 4


@workers
def test_what_a_stream_runs_may_not_read_it(workers: int) -> None:
    engine = executor(workers)
    ready = threading.Event()
    streams: list[Any] = []
    caught: list[BaseException] = []

    def vm(view: View, tx: int) -> None:
        ready.wait(PATIENCE)
        for call in (lambda: next(streams[0]), engine.close):
            try:
                call()
            except ReentrantError as error:
                caught.append(error)

    streams.append(engine.stream([0], {}, vm))
    ready.set()
    assert [outcome.status for outcome in streams[0]] == ["success"]
    assert len(caught) == 2
    streams.clear()
    check(engine)


@workers
def test_a_thread_with_an_open_stream_is_told_so(workers: int) -> None:
    engine = executor(workers)
    with engine.stream(BLOCK, {}, scripted_vm) as stream:
        with pytest.raises(ReentrantError, match="a stream left open"):
            engine.execute_block(FEW, {}, scripted_vm)
        with pytest.raises(ReentrantError, match="a stream left open"):
            engine.stream(FEW, {}, scripted_vm)
        next(stream)
    check(engine)


@workers
def test_streams_dropped_in_cycles_by_collectors_of_any_thread(workers: int) -> None:
    engine = executor(workers)

    def vm(view: View, tx: Any) -> None:
        gc.collect()
        scripted_vm(view, tx)

    for _ in range(5):
        cycle: list[Any] = [engine.stream(FEW, {}, vm)]
        cycle.append(cycle)
        next(cycle[0])
        del cycle
        with ThreadPoolExecutor(1) as pool:
            collect_elsewhere(pool, engine)
        check(engine)


def collect_elsewhere(pool: ThreadPoolExecutor, engine: Executor) -> None:
    """Until the stream is gone: while one thread collects, for another there is nothing to do."""

    def is_free() -> bool:
        pool.submit(gc.collect).result(PATIENCE)
        try:
            engine.execute_block([], {}, scripted_vm)
        except ReentrantError:
            return False
        return True

    assert comes_true(is_free)


def test_an_executor_whose_stream_is_all_that_is_left() -> None:
    stream = Executor(Config(gate=False), workers=4).stream(BLOCK, {}, NativeScripts())
    gc.collect()
    assert len(list(stream)) == len(BLOCK)


def test_in_an_event_loop_that_cancels() -> None:
    async def main(engine: Executor) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(20):
            stream = engine.stream(BLOCK, {}, scripted_vm)
            reading = loop.run_in_executor(None, list, stream)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading), 0.0005)
            await asyncio.to_thread(stream.close)
            await reading
            ran = [asyncio.to_thread(engine.execute_block, FEW, {}, scripted_vm) for _ in range(3)]
            assert [result.writes for result in await asyncio.gather(*ran)] == [{"b": 6}] * 3

    with Executor(Config(gate=False), workers=2) as engine:
        asyncio.run(main(engine))
