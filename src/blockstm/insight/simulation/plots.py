"""Simulated speed-ups as a picture; needs the extra `insight`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blockstm.extras import need
from blockstm.insight.simulation.estimates import CoreEstimates

__all__ = ["draw_estimates"]

_WIDTH, _HEIGHT, _DPI = 3.6, 2.8, 110
_COLUMNS_MAX = 3


def draw_estimates(estimates: Sequence[CoreEstimates], path: Path) -> None:
    """For each block a line for each policy, what was measured as crosses, the ceiling dashed.

    Raises:
        ImportError: the extra is not installed.
        OSError: the file cannot be written.
    """
    need("insight", "a plot")
    import matplotlib as mpl  # an optional extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # after the choice of what it draws with

    columns = min(len(estimates), _COLUMNS_MAX)
    rows = -(-len(estimates) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(_WIDTH * columns, _HEIGHT * rows + 0.5),
        layout="constrained",
        squeeze=False,
    )
    for axes, each in zip(grid.flat, estimates, strict=False):
        _draw(axes, each)
    for axes in list(grid.flat)[len(estimates) :]:
        axes.set_axis_off()
    figure.suptitle("Simulated speed-up over one core, by cores (crosses: measured)", fontsize=10)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)


def _draw(axes: Any, each: CoreEstimates) -> None:
    cores = sorted({count for _, count in each.simulated})
    for policy in dict.fromkeys(name for name, _ in each.simulated):
        axes.plot(cores, [each.speedup(policy, count) for count in cores], label=policy)
    if 1 in each.measured:
        times = [(count, each.measured[1] / taken) for count, taken in each.measured.items()]
        axes.plot(*zip(*times, strict=True), "kx", label="measured")
    axes.axhline(each.ceiling, linestyle="--", color="grey", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(cores, [str(count) for count in cores])
    axes.set_title(each.name, fontsize=9)
