"""The table of the EVM in bench/README.md: each load, ours and revm's, losses shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

COLUMNS = {
    "workload": ("workload", "{}"),
    "gas": ("gas", "{:,}"),
    "seconds": ("time, ms", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "pyrevm_seconds": ("revm, ms", "{:.2f}"),
    "pyrevm_spread": ("spread", "{:.1%}"),
    "ratio": ("speed-up", "{:.2f}x"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
    "ns_per_instruction": ("ns/instruction", "{:.2f}"),
}
SCALE = {"seconds": 1000.0, "pyrevm_seconds": 1000.0}


def evm_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of the EVM."""
    return [row["evm"] for row in rows if "evm" in row]


def evm_section(rows: Sequence[Row]) -> str:
    """A heading, the table and what it comes to; nothing where no row is of the EVM."""
    if not rows:
        return ""
    lines = [
        "### The EVM against revm\n",
        "| " + " | ".join(title for title, _ in COLUMNS.values()) + " | |",
        "|---|" + "---:|" * (len(COLUMNS) - 1) + "---|",
        *map(_line, rows),
    ]
    return "\n".join(lines) + f"\n\n{_summary(rows)}\n"


def _line(row: Row) -> str:
    cells = [
        form.format(row[name] * SCALE.get(name, 1)) if row.get(name) is not None else ""
        for name, (_, form) in COLUMNS.items()
    ]
    remarks = ["slower"] * (row["ratio"] < 1) + ["**unstable**"] * (not row["stable"])
    return "| " + " | ".join([*cells, ", ".join(remarks)]) + " |"


def _summary(rows: Sequence[Row]) -> str:
    lost = [row["workload"] for row in rows if row["ratio"] < 1]
    names = f": {', '.join(lost)}" if lost else ""
    return (
        f"Over all {len(rows)} loads the EVM is {geometric_mean(rows):.2f}x as fast as revm "
        f"(geometric mean), and slower in {len(lost)}{names}."
    )


def geometric_mean(rows: Sequence[Row]) -> float:
    """Of the speed-ups."""
    return math.exp(sum(math.log(row["ratio"]) for row in rows) / len(rows))
