"""What is told of how a block ran: what made runs abort, and what each worker did when."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import islice, pairwise
from typing import Any

import pytest
from engine_cases import executor
from tests.patience import PATIENCE, at_best

from blockstm import Config, Executor, Stats, TransactionError, reference
from blockstm.executor import explore
from blockstm.testing import NativeScripts, assert_same_result, scripted_vm
from blockstm.testing.schedules import random_schedules
from blockstm.types import Span

SPANS = 100_000
# The work makes runs overlap; 0 is hot, the others are nobody else's.
CONTENDED = [[("work", 300), ("bump", n, 1), ("bump", 0, 1), ("work", 300)] for n in range(1, 400)]
CONTENDED_CONFIG = Config(timeline=SPANS, throttle=False)


def contended(workers: int, config: Config = CONTENDED_CONFIG) -> Any:
    vm = NativeScripts()
    result = executor(workers, config).execute_block(CONTENDED, {}, vm)
    assert_same_result(result, reference.execute_block(CONTENDED, {}, vm.python))
    return result


def told(stats: Stats) -> int:
    """Aborts that are some location's."""
    return sum(stats.aborts.values()) - stats.aborts["stopped"]


def of(stats: Stats, activity: str) -> list[Span]:
    return [span for span in stats.timeline if span.activity == activity]


def check_timeline(stats: Stats, transactions: int) -> None:
    """What must be true of every whole timeline."""
    assert stats.spans_dropped == 0
    assert {span.worker for span in stats.timeline} <= set(range(stats.workers))
    assert all(0 <= span.begin_ns <= span.end_ns for span in stats.timeline)
    for before, after in pairwise(stats.timeline):
        assert before.worker < after.worker or (
            before.worker == after.worker and before.end_ns <= after.begin_ns
        )
    commits = sorted(of(stats, "commit"), key=lambda span: span.begin_ns)
    assert [span.index for span in commits] == list(range(transactions))
    assert all(before.end_ns <= after.begin_ns for before, after in pairwise(commits))
    runs = Counter((span.index, span.incarnation) for span in of(stats, "execute"))
    assert max(runs.values(), default=1) == 1
    assert len(runs) == stats.incarnations
    assert {(span.index, span.incarnation) for span in commits} <= set(runs)
    assert {(span.index, span.incarnation) for span in of(stats, "publish")} <= set(runs)
    assert all(span.index is span.incarnation is None for span in of(stats, "park"))


# ------------------------------------------------------------------------------- conflicts


def test_the_location_of_a_failed_condition_is_told() -> None:
    looked = threading.Event()

    def vm(view: Any, transaction: int) -> Any:
        view.get(("quiet", transaction))
        if transaction == 0:
            assert looked.wait(PATIENCE)
            return view.put("hot", 2)
        try:
            return view.get("hot")
        finally:
            looked.set()

    stats = executor(2).execute_block([0, 1], {"hot": 1}, vm).stats
    assert stats.conflicts == (("hot", 1),)
    assert told(stats) == 1


def test_the_location_at_which_a_run_was_stopped_is_told() -> None:
    """It loops on what it saw, and the frontier comes to it."""
    looked = threading.Event()

    def vm(view: Any, transaction: int) -> None:
        if transaction == 0:
            assert looked.wait(PATIENCE)
            view.put("hot", 2)
            return
        view.get("quiet")
        while view.get("hot") == 1:
            looked.set()

    stats = executor(2).execute_block([0, 1], {"hot": 1}, vm).stats
    assert stats.conflicts == (("hot", 1),)
    assert stats.aborts["frontier"] == 1


def test_every_abort_is_told_and_the_hot_location_comes_first() -> None:
    for workers in (2, 4):
        for config in (CONTENDED_CONFIG, Config(throttle=False, estimates=False)):
            stats = contended(workers, config).stats
            assert sum(aborts for _, aborts in stats.conflicts) == told(stats)
            assert {key for key, _ in stats.conflicts} <= {0}


def test_a_write_that_is_waited_for_is_told() -> None:
    """In some schedules a transaction meets an estimate."""
    block = [[("get", "quiet"), ("bump", "hot", 1)]] * 5
    met = 0
    for schedule in islice(random_schedules(1), 300):
        result = explore(block, {}, scripted_vm, choices=schedule, workers=3).result
        assert result is not None
        stats = result.stats
        assert sum(aborts for _, aborts in stats.conflicts) == told(stats)
        assert {key for key, _ in stats.conflicts} <= {"hot"}
        met += stats.aborts["estimate"]
    assert met


def test_the_most_aborts_come_first_and_there_is_an_end() -> None:
    """Each transaction reads a location of its own, and only then does the first write them all."""
    count = 100
    looked = threading.Semaphore(0)

    def vm(view: Any, transaction: int) -> Any:
        if transaction == 0:
            for _ in range(count):
                assert looked.acquire(timeout=PATIENCE)
            for key in range(1, count + 1):
                view.put(key % 80, key)
            return None
        value = view.get(transaction % 80)
        looked.release()
        return value

    config = Config(throttle=False)
    stats = executor(2, config).execute_block(range(count + 1), {}, vm).stats
    counts = [aborts for _, aborts in stats.conflicts]
    assert len(counts) == 64
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 2
    assert {aborts for key, aborts in stats.conflicts if key in range(1, 21)} == {2}
    assert told(stats) == count


def test_a_block_without_conflicts_tells_none() -> None:
    block = [[("bump", n, 1), ("add", -1, 1)] for n in range(100)]
    assert executor(2).execute_block(block, {}, NativeScripts()).stats.conflicts == ()


def test_what_is_told_is_of_one_block_only() -> None:
    contended(2)
    stats = executor(2, CONTENDED_CONFIG).execute_block([[("get", 1)]] * 3, {}, scripted_vm).stats
    assert stats.conflicts == ()
    check_timeline(stats, 3)


# ------------------------------------------------------------------------------- timeline


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_timeline_is_whole_and_in_order(workers: int) -> None:
    stats = contended(workers).stats
    check_timeline(stats, len(CONTENDED))
    assert len(stats.busy) == len(stats.parked) == stats.workers
    if stats.workers == 1:
        assert {span.activity for span in stats.timeline} == {"execute", "commit"}


def test_a_timeline_of_a_python_vm_is_whole_and_in_order() -> None:
    block = [[("bump", n % 3, 1), ("copy", n % 3, 7)] for n in range(60)]
    for workers in (1, 2, 4):
        engine = executor(workers, Config(timeline=SPANS))
        check_timeline(engine.execute_block(block, {}, scripted_vm).stats, len(block))


def test_a_run_that_is_forgotten_keeps_its_number() -> None:
    """A chain sends the other workers out for a rest; what they ran ahead runs again after them."""
    block = [[("work", 2000), ("bump", 0, 1), ("work", 2000)]] * 400
    config = Config(gate=False, timeline=SPANS)

    def runs_again() -> int:
        stats = executor(2, config).execute_block(block, {}, NativeScripts()).stats
        check_timeline(stats, len(block))
        return sum(span.incarnation > 0 for span in of(stats, "execute"))

    at_best(runs_again, lambda count: count > 0)


def test_with_a_timeline_every_task_is_timed() -> None:
    stats = contended(2).stats
    for phase, seconds in stats.phases.items():
        spans = of(stats, phase)
        assert seconds == pytest.approx(sum(span.end_ns - span.begin_ns for span in spans) / 1e9)
    parked = sum(span.end_ns - span.begin_ns for span in of(stats, "park")) / 1e9
    assert sum(stats.parked) == pytest.approx(parked)


def test_a_block_that_ends_early_has_a_timeline() -> None:
    def vm(view: Any, transaction: int) -> None:
        view.put(transaction, 1 // (transaction - 5))

    for workers in (1, 2):
        with pytest.raises(TransactionError) as raised:
            executor(workers, Config(timeline=SPANS)).execute_block(range(9), {}, vm)
        assert raised.value.prefix is not None
        check_timeline(raised.value.prefix.stats, 5)


def test_what_finds_no_room_is_counted() -> None:
    with Executor(Config(gate=False, timeline=10), workers=1) as engine:
        stats = engine.execute_block([[("put", 1, 1)]] * 20, {}, scripted_vm).stats
    assert len(stats.timeline) == 10
    assert stats.spans_dropped == 30
    assert [span.index for span in stats.timeline] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_nothing_is_recorded_unless_asked_for() -> None:
    stats = contended(2, Config(throttle=False)).stats
    assert (stats.timeline, stats.spans_dropped) == ((), 0)


def test_a_stream_has_a_timeline() -> None:
    with Executor(Config(gate=False, timeline=SPANS), workers=2) as engine:
        stream = engine.stream([[("bump", 1, 1)]] * 20, {}, scripted_vm)
        assert len(list(stream)) == 20
    assert stream.result is not None
    check_timeline(stream.result.stats, 20)
