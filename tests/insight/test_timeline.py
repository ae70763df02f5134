"""Traces: valid trace events, workers whose spans do not overlap, blocks one after another."""

from __future__ import annotations

import doctest
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from blockstm import Config, Executor, Stats
from blockstm.insight import locations
from blockstm.insight import timeline as module
from blockstm.insight.timeline import Trace
from blockstm.testing import NativeScripts
from blockstm.types import Span

BLOCK = [[("work", 300), ("bump", 0, 1), ("work", 300)] for _ in range(200)]


def complete(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in document["traceEvents"] if event["ph"] == "X"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_trace_is_valid_and_its_spans_do_not_overlap(workers: int, tmp_path: Path) -> None:
    trace = Trace()
    with Executor(Config(gate=False, timeline=100_000, throttle=False), workers=workers) as engine:
        for number in range(2):
            result = engine.execute_block(BLOCK, {}, NativeScripts())
            trace.add(f"block {number}", result.stats)
    trace.write(tmp_path / "trace.json")
    document = json.loads((tmp_path / "trace.json").read_text())

    threads: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for event in complete(document):
        assert event["name"] in {"execute", "validate", "publish", "commit", "park"}
        assert event["ts"] >= 0
        assert event["dur"] >= 0
        threads[event["pid"], event["tid"]].append(event)
    for events in threads.values():
        for before, after in pairwise(events):
            # Sums of µs are not exact; the ns they come from are.
            assert before["ts"] + before["dur"] <= after["ts"] + 0.0005
    for pid in (1, 2):
        commits = [e for e in complete(document) if (e["name"], e["pid"]) == ("commit", pid)]
        commits.sort(key=lambda event: event["ts"])
        assert [event["args"]["transaction"] for event in commits] == list(range(len(BLOCK)))
    named = [(e["name"], e["pid"], e["tid"]) for e in document["traceEvents"] if e["ph"] == "M"]
    assert named == [
        (name, pid, tid)
        for pid in (1, 2)
        for name, tid in [
            ("process_name", 0),
            *(("thread_name", tid) for tid in range(result.stats.workers)),
        ]
    ]
    assert document["otherData"] == {"spans_dropped": 0}


def test_blocks_follow_each_other_and_steps_are_no_transactions() -> None:
    spans = (
        Span(0, "execute", 1000, 2500, 0, 0),
        Span(0, "commit", 2500, 3000, 1, 2),
        Span(1, "park", 500, 4000, None, None),
    )
    trace = Trace()
    for name in ("first", "second"):
        trace.add(name, Stats(workers=2, timeline=spans, spans_dropped=3), range(1, 5))
    document = trace.document()
    first, second = complete(document)[:3], complete(document)[3:]
    assert [event["ts"] for event in first] == [1.0, 2.5, 0.5]
    assert [event["dur"] for event in first] == [1.5, 0.5, 3.5]
    assert [event["ts"] for event in second] == [5.0, 6.5, 4.5]
    assert [event["args"] for event in first] == [
        {"step": 0, "incarnation": 0},
        {"transaction": 0, "incarnation": 2},
        {},
    ]
    assert document["otherData"] == {"spans_dropped": 6}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ((b"\x11" * 20, "balance"), f"balance of 0x{'11' * 20}"),
        ((b"\x11" * 20, "nonce"), f"nonce of 0x{'11' * 20}"),
        ((b"\x11" * 20, "code_hash"), f"code hash of 0x{'11' * 20}"),
        ((b"\x11" * 20, "storage", 0, 255), f"slot 0xff of 0x{'11' * 20}"),
        ((b"\x11" * 20, "storage", 2, 1), f"slot 0x1 of 0x{'11' * 20}, cleared 2 times"),
        (("code", b"\x22" * 32), f"code with hash 0x{'22' * 32}"),
        (7, "7"),
    ],
)
def test_a_location_in_words(key: Any, words: str) -> None:
    assert locations.location_in_words(locations.location_object(key)) == words


@pytest.mark.parametrize("each", [module, locations])
def test_the_examples(each: Any) -> None:
    ran = doctest.testmod(each)
    assert (ran.failed, ran.attempted > 0) == (0, True)
