"""The table of imported chains in bench/README.md, from the rows of ``blockstm bench imports``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.evm_table import Row, table

COLUMNS = {
    "accounts": ("accounts", "{:,}"),
    "way": ("way", "{}"),
    "blocks": ("blocks", "{:,}"),
    "milliseconds": ("a block, ms", "{:.2f}"),
    "least": ("least", "{:.2f}"),
    "most": ("most", "{:.2f}"),
    "processors": ("processors, ms", "{:.1f}"),
    "times": ("over pipelined", "{:.2f}x"),
    "opening": ("opening, ms", "{:.1f}"),
    "resident": ("memory of its own, MB", "{:,.0f}"),
    "disk": ("on disk, MB", "{:,.0f}"),
}
PIPELINED, ONE_BY_ONE, IN_MEMORY = "pipelined", "one by one", "in memory"
FEW, MANY = 200_000, 2_000_000
"""Accounts of the chain that each run measures, and of the one that takes gigabytes of disk."""
RESIDENT_MB_MAX = 657
"""What a process may have of its own on a chain of two million: a cache of 120 MB and 512 MiB."""


def import_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of imported chains."""
    return [each for row in rows for each in row.get("imports", ())]


def imports_section(rows: Sequence[Row]) -> str:
    """A heading and the table; nothing where no row is of an imported chain."""
    measured = import_rows(rows)
    if not measured:
        return ""
    shown = [_in_units(row, measured) for row in measured]
    return "\n".join(["### Chains imported\n", *table(COLUMNS, shown, _remarks), ""])


def over_pipelined(way: str) -> Callable[[Sequence[Row]], float | None]:
    """A way's time over that in the pipeline, on the chain with fewer accounts."""

    def measured(rows: Sequence[Row]) -> float | None:
        return _ratio(import_rows(rows), FEW, way)

    return measured


def of_many(field: str, scale: float) -> Callable[[Sequence[Row]], float | None]:
    """A field of the pipelined row of the chain with most accounts."""

    def measured(rows: Sequence[Row]) -> float | None:
        row = _find(import_rows(rows), MANY, PIPELINED)
        return None if row is None else float(row[field]) * scale

    return measured


def growth(rows: Sequence[Row]) -> float | None:
    """The time of a block with ten times as many accounts over that with fewer."""
    few, many = (_find(import_rows(rows), accounts, PIPELINED) for accounts in (FEW, MANY))
    return None if few is None or many is None else float(many["seconds"] / few["seconds"])


def _find(rows: Sequence[Row], accounts: int, way: str) -> Row | None:
    wanted = {"accounts": accounts, "way": way}
    return next((row for row in rows if wanted.items() <= row.items()), None)


def _ratio(rows: Sequence[Row], accounts: int, way: str) -> float | None:
    theirs, ours = (_find(rows, accounts, each) for each in (way, PIPELINED))
    return None if theirs is None or ours is None else float(theirs["seconds"] / ours["seconds"])


def _in_units(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    on_disk = row["disk_bytes"] > 0
    return {
        **row,
        "milliseconds": row["seconds"] * 1e3,
        "least": row["seconds_min"] * 1e3,
        "most": row["seconds_max"] * 1e3,
        "processors": row["processor_seconds"] * 1e3,
        "times": _ratio(rows, row["accounts"], row["way"]),
        "opening": row["opening_seconds"] * 1e3 if on_disk else None,
        "resident": row["resident_bytes"] / 1e6,
        "disk": row["disk_bytes"] / 1e6 if on_disk else None,
    }


def _remarks(row: Row) -> list[str]:
    is_stable = row["seconds_max"] <= 1.1 * row["seconds_min"]
    return ["**unstable**"] * (not is_stable)
