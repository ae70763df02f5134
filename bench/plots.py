"""Speed-up by contention, as pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl

from bench.targets import Row

mpl.use("Agg")
from matplotlib import pyplot as plt

SIZE, DPI = (6.4, 3.8), 110


def draw(rows: list[Row], folder: Path) -> None:
    """Write payments.png (by accounts) and workloads.png (by name) into ``folder``."""
    _by_accounts(rows, folder / "payments.png")
    _by_workload(rows, folder / "workloads.png")


def _by_accounts(rows: list[Row], path: Path) -> None:
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    kernel = [row for row in rows if row["vm"] == "kernel" and row["work_us"] == 5]
    kernel = [row for row in kernel if row["transactions"] == 10_000]
    for name, style in (("payments", "o-"), ("payments-deltas", "s--")):
        chosen = [row for row in kernel if row["workload"] == name]
        for workers in _values(chosen, "workers"):
            line = sorted(
                (row["accounts"], row["speedup_over_baseline"])
                for row in chosen
                if row["workers"] == workers
            )
            axes.plot(*zip(*line, strict=True), style, label=f"{name}, {_workers(workers)}")
    axes.set_xscale("log")
    axes.set_xlabel("accounts (fewer: more conflicts)")
    axes.set_title("10,000 payments, 5 µs of work each")
    _finish(figure, axes, path)


def _by_workload(rows: list[Row], path: Path) -> None:
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    kernel = [
        row
        for row in rows
        if row["vm"] == "kernel"
        and row["work_us"] == 5
        and row["transactions"] == 10_000
        and row.get("accounts", 10_000) == 10_000
    ]
    names = list(dict.fromkeys(row["workload"] for row in kernel))
    workers = _values(kernel, "workers")
    width = 0.8 / max(1, len(workers))
    for offset, count in enumerate(workers):
        rows_of_count = [row for row in kernel if row["workers"] == count]
        speed = {row["workload"]: row["speedup_over_baseline"] for row in rows_of_count}
        places = [place + offset * width for place in range(len(names))]
        axes.bar(places, [speed.get(name, 0.0) for name in names], width, label=_workers(count))
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(names))], names, rotation=20)
    axes.set_title("blocks of 10,000, 5 µs of work each")
    _finish(figure, axes, path)


def _values(rows: Iterable[Row], field: str) -> list[int]:
    return sorted({row[field] for row in rows})


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count > 1)}"


def _finish(figure: plt.Figure, axes: plt.Axes, path: Path) -> None:
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.set_ylabel("speed-up over the sequential loop")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(figure)
