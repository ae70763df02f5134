"""The tables of blocks in parallel in bench/README.md: generated workloads, mainnet's blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.evm_table import table

Row = Mapping[str, Any]

LONG_BLOCK = 4_000_000
"""Gas from which on a block of mainnet is worth sharing."""

COLUMNS = {
    "workload": ("workload", "{}"),
    "transactions": ("transactions", "{:,}"),
    "sequential_transactions_per_second": ("1 worker, tx/s", "{:,.0f}"),
    "transactions_per_second": ("2 workers, tx/s", "{:,.0f}"),
    "gigagas_per_second": ("Ggas/s", "{:.1f}"),
    "speedup": ("speed-up", "{:.2f}x"),
    "speedup_spread": ("spread", "{:.1%}"),
    "bound": ("bound", "{:.2f}x"),
    "cpu_cores": ("cores", "{:.2f}"),
    "incarnations_per_transaction": ("runs/tx", "{:.3f}"),
    "revm_ratio": ("revm 43", "{:.2f}x"),
    "pyrevm_ratio": ("pyrevm", "{:.1f}x"),
    "py_evm_ratio": ("py-evm", "{:.0f}x"),
}
MAINNET_COLUMNS = {
    "workload": ("block", "{}"),
    "transactions": ("transactions", "{:,}"),
    "gas": ("gas", "{:,}"),
    "sequential_seconds": ("1 worker, ms", "{:.2f}"),
    "seconds": ("2 workers, ms", "{:.2f}"),
    "speedup": ("speed-up", "{:.2f}x"),
    "speedup_spread": ("spread", "{:.1%}"),
    "bound": ("bound", "{:.2f}x"),
    "cpu_cores": ("cores", "{:.2f}"),
    "incarnations_per_transaction": ("runs/tx", "{:.2f}"),
}
ONCE_COLUMNS = {
    "workload": ("blocks", "{}"),
    "transactions": ("transactions", "{:,}"),
    "gas": ("gas", "{:,}"),
    "workers": ("workers", "{}"),
    "milliseconds": ("time, ms", "{:.1f}"),
    "spread": ("spread", "{:.1%}"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
    "cpu_cores": ("cores", "{:.2f}"),
    "speedup": ("speed-up", "{:.2f}x"),
    "known_milliseconds": ("known, ms", "{:.1f}"),
    "first_sight": ("first sight", "{:.2f}x"),
}


def parallel_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of generated workloads."""
    return [row["parallel"] for row in rows if isinstance(row.get("parallel"), Mapping)]


def own_pool_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of swaps in contracts of their own."""
    return [row["own_pools"] for row in rows if "own_pools" in row]


def mainnet_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of mainnet's blocks."""
    return [row["mainnet"] for row in rows if "mainnet" in row]


def once_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of iterations over mainnet's blocks."""
    return [each for row in rows for each in row.get("once", ())]


def speedup_of_once(rows: Sequence[Row]) -> float | None:
    """That of the iterations with the most workers; None where this run has none."""
    return max(((row["workers"], row["speedup"]) for row in once_rows(rows)), default=(0, None))[1]


def first_sight_of_once(rows: Sequence[Row]) -> float | None:
    """The first time over a known one, on one worker; None where this run has none."""
    return next((row["first_sight"] for row in once_rows(rows) if row["workers"] == 1), None)


def of_length(rows: Sequence[Row], *, long: bool) -> list[Row]:
    """Those that use much gas, or those that do not."""
    return [row for row in rows if (row["gas"] >= LONG_BLOCK) == long]


def aggregate(rows: Sequence[Row]) -> float:
    """All blocks' time with one worker over that with several."""
    return float(
        sum(row["sequential_seconds"] for row in rows) / sum(row["seconds"] for row in rows)
    )


def parallel_section(rows: Sequence[Row]) -> str:
    """Both tables and what they come to; nothing where no row is of a block in parallel."""
    workloads, blocks = parallel_rows(rows), mainnet_rows(rows)
    lines = []
    if workloads:
        lines += [
            "### Blocks in parallel: generated workloads\n",
            *table(COLUMNS, workloads, _remarks),
            "",
        ]
    if own_pools := own_pool_rows(rows):
        title = "### Blocks in parallel: contracts of their own\n"
        lines += [title, *table(COLUMNS, own_pools, _remarks), ""]
    if iterations := once_rows(rows):
        title = "### Blocks in parallel: mainnet, each block once\n"
        shown = [_in_milliseconds(row) for row in iterations]
        lines += [title, *table(ONCE_COLUMNS, shown, _once_remarks), ""]
    if blocks:
        lines += [
            "### Blocks in parallel: mainnet\n",
            *table(MAINNET_COLUMNS, blocks, _remarks),
            "",
        ]
        for words, chosen in (
            ("4 Mgas and more", of_length(blocks, long=True)),
            ("less than 4 Mgas", of_length(blocks, long=False)),
        ):
            worst = min(chosen, key=lambda row: row["speedup"])
            lines += [
                f"{len(chosen)} blocks of {words}: together {aggregate(chosen):.2f}x, "
                f"the worst {worst['speedup']:.2f}x ({worst['workload']}).",
                "",
            ]
    return "\n".join(lines)


def _in_milliseconds(row: Row) -> Row:
    known = row["known_seconds"]
    shown = {**row, "milliseconds": row["seconds"] * 1e3}
    return shown if known is None else shown | {"known_milliseconds": known * 1e3}


def _once_remarks(row: Row) -> list[str]:
    return ["**unstable**"] * (not row["stable"])


def _remarks(row: Row) -> list[str]:
    return (
        ["left to one"] * (row["shared"] == 1)
        + ["slower"] * (row["speedup"] < 1)
        + ["**unstable**"] * (not row["stable"])
    )
