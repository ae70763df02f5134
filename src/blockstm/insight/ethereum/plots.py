"""Speed-ups of the loads as a picture; needs the extra `insight`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["draw_scaling", "draw_speedups"]

_SIZE, _DPI = (7.2, 4.2), 110


def draw_speedups(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A bar for each load and number of workers, its bound as a line above it."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    names = list(dict.fromkeys(row["load"] for row in rows))
    counts = sorted({row["workers"] for row in rows})
    width = 0.8 / len(counts)
    for offset, count in enumerate(counts):
        of_count = {row["load"]: row for row in rows if row["workers"] == count}
        places = [names.index(name) + offset * width for name in of_count]
        speedups = [row["speedup"] for row in of_count.values()]
        bounds = [row["bound"] for row in of_count.values()]
        axes.bar(places, speedups, width, label=f"{count} workers")
        axes.hlines(
            bounds,
            [place - width / 2 for place in places],
            [place + width / 2 for place in places],
            colors="black",
            label="uncoordinated" if offset == 0 else None,
        )
    axes.axhline(1.0, color="grey", linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_ylabel("times one worker")
    axes.legend()
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def draw_scaling(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A line for each load: speed-up by workers."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    for name in dict.fromkeys(row["load"] for row in rows):
        line = sorted((row["workers"], row["speedup"]) for row in rows if row["load"] == name)
        axes.plot(*zip(*line, strict=True), "o-", label=name)
    axes.set_xlabel("workers")
    axes.set_ylabel("times one worker")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot
