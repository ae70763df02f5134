"""The pictures of bench/README.md, drawn from its tables: ``python bench/plots.py``.

A bar or line is a median, its whisker half the interquartile range to either side. What the tables
call unstable is hatched, or hollow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from matplotlib.patches import Patch  # noqa: E402  # found through the line above

from bench.page_tables import PAGE, Row, parallel_rows, workload_rows  # noqa: E402  # likewise
from blockstm.bench.blocks.plots import draw_speedups, pyplot  # noqa: E402  # likewise

SIZE, DPI = (7.6, 3.8), 110
UNSTABLE = Patch(facecolor="white", edgecolor="grey", hatch="///", label="unstable")


def draw(page: Path = PAGE) -> None:
    """Write payments.png (by accounts), workloads.png and parallel.png beside the page."""
    text = page.read_text()
    rows = [row for row in workload_rows(text) if row["vm"] == "kernel" and row["work_us"] == 5]
    rows = [row for row in rows if row["transactions"] == 10_000]
    _by_accounts(rows, page.with_name("payments.png"))
    _by_workload(rows, page.with_name("workloads.png"))
    draw_speedups(parallel_rows(text), page.with_name("parallel.png"))


def _by_accounts(rows: list[Row], path: Path) -> None:
    figure, axes = pyplot().subplots(figsize=SIZE, layout="constrained")
    for name, marker in (("payments", "o"), ("payments-deltas", "s")):
        chosen = [row for row in rows if row["workload"] == name]
        for workers in _values(chosen, "workers"):
            line = sorted(
                (row for row in chosen if row["workers"] == workers),
                key=lambda row: row["accounts"],
            )
            _line(axes, line, marker, f"{name}, {_workers(workers)}")
    axes.set_xscale("log")
    axes.set_xlabel("accounts (fewer: more conflicts)")
    axes.set_title("10,000 payments, 5 µs of work each")
    _finish(figure, axes, path, hollow=any(not row["stable"] for row in rows))


def _line(axes: Any, line: list[Row], marker: str, label: str) -> None:
    accounts = [row["accounts"] for row in line]
    speedups = [row["speedup_over_baseline"] for row in line]
    bars = axes.errorbar(
        accounts, speedups, yerr=_whiskers(line), fmt=f"{marker}-", capsize=3, label=label
    )
    shaky = [row for row in line if not row["stable"]]
    axes.plot(
        [row["accounts"] for row in shaky],
        [row["speedup_over_baseline"] for row in shaky],
        marker,
        color=bars[0].get_color(),
        markerfacecolor="white",
    )


def _by_workload(rows: list[Row], path: Path) -> None:
    figure, axes = pyplot().subplots(figsize=SIZE, layout="constrained")
    rows = [row for row in rows if row.get("accounts", 10_000) == 10_000]
    names = list(dict.fromkeys(row["workload"] for row in rows))
    workers = _values(rows, "workers")
    width = 0.8 / max(1, len(workers))
    for offset, count in enumerate(workers):
        chosen = [row for row in rows if row["workers"] == count]
        bars = axes.bar(
            [names.index(row["workload"]) + offset * width for row in chosen],
            [row["speedup_over_baseline"] for row in chosen],
            width,
            yerr=_whiskers(chosen),
            capsize=3,
            label=_workers(count),
        )
        for bar, row in zip(bars, chosen, strict=True):
            bar.set_hatch("" if row["stable"] else "///")
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(names))], names, rotation=20)
    axes.set_title("blocks of 10,000, 5 µs of work each")
    _finish(figure, axes, path, hollow=any(not row["stable"] for row in rows))


def _whiskers(rows: list[Row]) -> list[float]:
    return [row["speedup_over_baseline"] * row["spread"] / 2 for row in rows]


def _values(rows: Iterable[Row], field: str) -> list[int]:
    return sorted({row[field] for row in rows})


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count > 1)}"


def _finish(figure: Any, axes: Any, path: Path, *, hollow: bool) -> None:
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.set_ylabel("speed-up over the sequential loop")
    axes.set_ylim(bottom=0)
    handles = [*axes.get_legend_handles_labels()[0], *([UNSTABLE] if hollow else [])]
    figure.legend(handles=handles, loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
    pyplot().close(figure)


if __name__ == "__main__":
    draw()
