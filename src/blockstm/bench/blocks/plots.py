"""Speed-ups of the workloads as a picture; needs the extra `insight`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blockstm.extras import need

__all__ = ["draw_scaling", "draw_speedups", "draw_stages", "pyplot"]

_SIZE, _DPI = (7.2, 4.2), 110


def draw_speedups(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A bar for each workload and number of workers, its bound as a line above it.

    Whiskers reach half the interquartile range to either side; a row that is not stable is hatched.
    """
    plt = pyplot()
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    names = list(dict.fromkeys(row["workload"] for row in rows))
    counts = sorted({row["workers"] for row in rows})
    width = 0.8 / len(counts)
    for offset, count in enumerate(counts):
        of_count = {row["workload"]: row for row in rows if row["workers"] == count}
        places = [names.index(name) + offset * width for name in of_count]
        bars = axes.bar(
            places,
            [row["speedup"] for row in of_count.values()],
            width,
            yerr=[row["speedup"] * row["speedup_spread"] / 2 for row in of_count.values()],
            capsize=3,
            label=f"{count} workers",
        )
        for bar, row in zip(bars, of_count.values(), strict=True):
            bar.set_hatch("" if row["stable"] else "///")
        axes.hlines(
            [row["bound"] for row in of_count.values()],
            [place - width / 2 for place in places],
            [place + width / 2 for place in places],
            colors="black",
            label="uncoordinated" if offset == 0 else None,
        )
    if not all(row["stable"] for row in rows):
        axes.bar([0], [0], color="white", edgecolor="grey", hatch="///", label="unstable")
    axes.axhline(1.0, color="grey", linewidth=0.8)
    axes.set_xticks(
        [place + 0.4 - width / 2 for place in range(len(names))], names, rotation=30, ha="right"
    )
    axes.set_ylabel("times one worker")
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)


def draw_scaling(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A line for each workload: speed-up by workers."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    for name in dict.fromkeys(row["workload"] for row in rows):
        line = sorted((row["workers"], row["speedup"]) for row in rows if row["workload"] == name)
        axes.plot(*zip(*line, strict=True), "o-", label=name)
    axes.set_xlabel("workers")
    axes.set_ylabel("times one worker")
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def draw_stages(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A bar for each row, in ms, of its stages one behind the other; hatched where a row is not
    stable. What was done beside them, on another core, is a narrow bar below, no part of it."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(_SIZE[0], 0.8 + 0.35 * len(rows)), layout="constrained")
    names = list(dict.fromkeys(name for row in rows for name in row["stages"]))
    begins = [0.0] * len(rows)
    for name in names:
        sizes = [row["stages"].get(name, 0.0) * 1e3 for row in rows]
        bars = axes.barh(range(len(rows)), sizes, 0.7, left=begins, label=name)
        for bar, row in zip(bars, rows, strict=True):
            bar.set_hatch("" if row["stable"] else "///")
        begins = [begin + size for begin, size in zip(begins, sizes, strict=True)]
    _draw_overlapped(axes, rows, begins)
    titles = [f"{row['workload']}, {row['sight']}, {row['workers']}" for row in rows]
    axes.set_yticks(range(len(rows)), titles)
    axes.invert_yaxis()
    axes.set_xlabel("ms from bytes to verified (block, sight, workers)")
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)


def _draw_overlapped(axes: Any, rows: Sequence[Mapping[str, Any]], ends: Sequence[float]) -> None:
    """What was done beside a row's last stages: it ends with them at the latest."""
    for name in dict.fromkeys(name for row in rows for name in row["overlapped"]):
        sizes = [row["overlapped"].get(name, 0.0) * 1e3 for row in rows]
        lefts = [max(0.0, end - size) for end, size in zip(ends, sizes, strict=True)]
        places = [place + 0.42 for place in range(len(rows))]
        axes.barh(places, sizes, 0.1, left=lefts, color="black", label=f"{name}, beside them")


def pyplot() -> Any:
    """Matplotlib's, drawing into files."""
    need("insight", "a plot")
    import matplotlib as mpl  # an optional extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # after the choice of what it draws with

    return plt
