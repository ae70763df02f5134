"""What the workers did and when, for `Perfetto`_: Chrome's trace events.

A block leaves its spans in ``result.stats.timeline`` if `Config.timeline` asks for it.

.. _Perfetto: https://ui.perfetto.dev
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from blockstm.kinds import path_of
from blockstm.types import Span, Stats

__all__ = ["Trace"]

_NS_PER_US = 1000


class Trace:
    """Blocks one after another, each a process whose threads are the workers.

    To be used by one thread at a time.

    >>> import blockstm
    >>> def count(view, tx):
    ...     view.put("n", view.get("n", 0) + tx)
    >>> config = blockstm.Config(workers=1, timeline=1000)
    >>> result = blockstm.execute_block([1, 2], {}, count, config=config)
    >>> trace = Trace()
    >>> trace.add("my block", result.stats)
    >>> [event["name"] for event in trace.document()["traceEvents"] if event["ph"] == "X"]
    ['execute', 'commit', 'execute', 'commit']
    """

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._blocks = 0
        self._end_ns = 0
        self._dropped = 0

    def add(self, name: str, stats: Stats, transactions: range | None = None) -> None:
        """Append a block.

        Args:
            name: of the block.
            stats: of its result.
            transactions: which places in the block are transactions (an Ethereum block's
                ``transaction_steps``); the others are steps before and after them. None: all.
        """
        self._blocks += 1
        pid, begin_ns = self._blocks, self._end_ns
        self._events.append(_named("process_name", pid, 0, name))
        for worker in range(stats.workers):
            self._events.append(_named("thread_name", pid, worker, f"worker {worker}"))
        for span in stats.timeline:
            self._events.append(_event(span, pid, begin_ns, _what(span, transactions)))
            self._end_ns = max(self._end_ns, begin_ns + span.end_ns)
        self._dropped += stats.spans_dropped

    def document(self) -> dict[str, Any]:
        """The trace as a JSON object; times in µs from the beginning of the first block."""
        return {
            "displayTimeUnit": "ns",
            "otherData": {"spans_dropped": self._dropped},
            "traceEvents": self._events,
        }

    def write(self, path: str | Path) -> None:
        """Write it to a file.

        Raises:
            OSError: the file cannot be written.
        """
        text = json.dumps(self.document(), separators=(",", ":"))
        path_of(path, "a timeline").write_text(text + "\n")


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _event(span: Span, pid: int, begin_ns: int, args: dict[str, int]) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": span.activity,
        "cat": "blockstm",
        "pid": pid,
        "tid": span.worker,
        "ts": (begin_ns + span.begin_ns) / _NS_PER_US,
        "dur": (span.end_ns - span.begin_ns) / _NS_PER_US,
        "args": args,
    }


def _what(span: Span, transactions: range | None) -> dict[str, int]:
    """The transaction and the incarnation of a span."""
    if span.index is None or span.incarnation is None:
        return {}
    run = {"incarnation": span.incarnation}
    if transactions is None:
        return {"transaction": span.index, **run}
    if span.index in transactions:
        return {"transaction": transactions.index(span.index), **run}
    return {"step": span.index, **run}
