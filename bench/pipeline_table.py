"""The tables of blocks from bytes to verified in bench/README.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.evm_table import Row, table

COLUMNS = {
    "workload": ("block", "{}"),
    "sight": ("sight", "{}"),
    "transactions": ("transactions", "{:,}"),
    "seconds": ("time, ms", "{:.1f}"),
    "spread": ("spread", "{:.1%}"),
    "transactions_per_second": ("tx/s", "{:,.0f}"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
    "decode": ("decode, ms", "{:.1f}"),
    "witness": ("witness, ms", "{:.1f}"),
    "checks": ("rules, ms", "{:.1f}"),
    "senders": ("senders, ms", "{:.1f}"),
    "run": ("run, ms", "{:.1f}"),
    "roots": ("roots, ms", "{:.1f}"),
    "peak": ("peak, MB", "{:.1f}"),
    "peak_ratio": ("over its data", "{:.1f}x"),
}


def pipeline_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of blocks from bytes to verified."""
    return [each for row in rows for each in row.get("pipeline", ())]


def of_witnesses(rows: Sequence[Row]) -> list[Row]:
    """Those of blocks that came with a witness."""
    return [row for row in pipeline_rows(rows) if "witness" in row["stages"]]


def generated(rows: Sequence[Row]) -> list[Row]:
    """Those of generated blocks, on a state in memory."""
    return [row for row in pipeline_rows(rows) if "witness" not in row["stages"]]


def pipeline_section(rows: Sequence[Row]) -> str:
    """Both tables and what they come to; nothing where no row is of such blocks."""
    if not pipeline_rows(rows):
        return ""
    lines = ["### From bytes to verified\n"]
    for chosen in (generated(rows), of_witnesses(rows)):
        lines += [*table(COLUMNS, [_flat(row) for row in chosen], _remarks), ""] if chosen else []
    if of_witnesses(rows):
        cold, new, known = (sum_of_witnesses(sight)(rows) for sight in ("cold", "new", "known"))
        count = len({row["workload"] for row in of_witnesses(rows)})
        lines += [
            f"The {count} blocks of mainnet together, bytes and witness: {cold:.0f} ms cold, each "
            f"in a process of its own; {new:.0f} new; {known:.0f} known.",
            "",
        ]
    return "\n".join(lines)


def sum_of_witnesses(sight: str) -> Callable[[Sequence[Row]], float]:
    """The time of all blocks that came with a witness, in ms."""

    def measured(rows: Sequence[Row]) -> float:
        return sum(row["seconds"] for row in of_witnesses(rows) if row["sight"] == sight) * 1e3

    return measured


def speed_of(name: str, field: str, sight: str = "new") -> Callable[[Sequence[Row]], float | None]:
    """A field of a generated block's row."""

    def measured(rows: Sequence[Row]) -> float | None:
        wanted = {"workload": name, "sight": sight}
        found = (_flat(row) for row in generated(rows) if wanted.items() <= row.items())
        return next((row.get(field) for row in found), None)

    return measured


def _flat(row: Row) -> dict[str, Any]:
    """With the stages, and the peak of memory where it is known, beside the rest."""
    flat = {**row, **{name: seconds * 1e3 for name, seconds in row["stages"].items()}}
    if row["peak_bytes"] is not None:
        flat["peak"] = row["peak_bytes"] / 1e6
        flat["peak_ratio"] = row["peak_bytes"] / row["data_bytes"]
    return flat


def _remarks(row: Row) -> list[str]:
    return ["**unstable**"] * (not row["stable"])
