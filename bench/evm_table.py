"""The tables of the EVM in bench/README.md: workloads against revm, real blocks against py-evm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

WORKLOAD_COLUMNS = {
    "workload": ("workload", "{}"),
    "gas": ("gas", "{:,}"),
    "seconds": ("time, ms", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "pyrevm_seconds": ("pyrevm, ms", "{:.2f}"),
    "pyrevm_spread": ("spread", "{:.1%}"),
    "ratio": ("speed-up", "{:.2f}x"),
    "revm_seconds": ("revm 43, ms", "{:.2f}"),
    "revm_ratio": ("speed-up", "{:.2f}x"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
    "ns_per_instruction": ("ns/instruction", "{:.2f}"),
}
JUMP_COLUMNS = {
    "workload": ("workload", "{}"),
    "revm_calls": ("calls in a block", "{}"),
    "gas": ("gas of a call", "{:,}"),
    "seconds": ("a call, ms", "{:.4f}"),
    "revm_seconds": ("revm 43, ms", "{:.4f}"),
    "ratio": ("speed-up", "{:,.2f}x"),
}
BLOCK_COLUMNS = {
    "number": ("block", "{}"),
    "fork": ("fork", "{}"),
    "transactions": ("transactions", "{:,}"),
    "gas": ("gas", "{:,}"),
    "seconds": ("time, ms", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "first_seconds": ("first, ms", "{:.2f}"),
    "mgas_per_second": ("Mgas/s", "{:,.0f}"),
    "py_evm_seconds": ("py-evm, ms", "{:,.0f}"),
    "py_evm_ratio": ("speed-up", "{:,.0f}x"),
    "py_evm_stock_seconds": ("py-evm upstream, ms", "{:,.0f}"),
    "py_evm_stock_ratio": ("speed-up", "{:,.0f}x"),
}
MILLISECONDS = {
    "seconds",
    "sequential_seconds",
    "first_seconds",
    "pyrevm_seconds",
    "revm_seconds",
    "py_evm_seconds",
    "py_evm_stock_seconds",
}


def evm_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of workloads of the EVM."""
    return [row["evm"] for row in rows if "evm" in row]


def block_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of real blocks."""
    return [row["block"] for row in rows if "block" in row]


def jump_section(rows: Sequence[Row]) -> str:
    """A heading and the table of loads of nothing but jumps; nothing where revm was not there."""
    found = [row["jumps"] for row in rows if "revm_ratio" in row.get("jumps", {})]
    if not found:
        return ""
    shown = [row | {"ratio": row["revm_ratio"], "stable": True} for row in found]
    return "\n".join(["### Jumps, beside revm 43\n", *table(JUMP_COLUMNS, shown), ""])


def block_section(rows: Sequence[Row]) -> str:
    """A heading and the table of blocks; nothing where no row is of a block."""
    if not rows:
        return ""
    ours, stock = total_ratio(rows, "py_evm"), total_ratio(rows, "py_evm_stock")
    totals = (
        f"All {len(rows)} blocks together: {ours:,.0f}x as fast as py-evm on our accounts, "
        f"{stock:,.0f}x as fast as py-evm upstream."
    )
    return "\n".join(["### Real blocks, one worker\n", *table(BLOCK_COLUMNS, rows), "", totals, ""])


def total_ratio(rows: Sequence[Row], baseline: str) -> float:
    """A baseline's time for all blocks over ours."""
    theirs = sum(row[f"{baseline}_seconds"] for row in rows)
    return float(theirs / sum(row["seconds"] for row in rows))


def evm_section(rows: Sequence[Row]) -> str:
    """A heading, the table and what it comes to; nothing where no row is of the EVM."""
    if not rows:
        return ""
    lines = ["### The EVM against revm\n", *table(WORKLOAD_COLUMNS, rows)]
    return "\n".join(lines) + f"\n\n{_summary(rows)}\n"


def against_baseline(row: Row) -> list[str]:
    """What is remarked on a row that has a baseline."""
    return ["slower"] * (row["ratio"] < 1) + ["**unstable**"] * (not row["stable"])


def table(
    columns: Mapping[str, tuple[str, str]],
    rows: Sequence[Row],
    remarks: Callable[[Row], list[str]] = against_baseline,
) -> list[str]:
    """The lines of a Markdown table, remarks in its last column."""
    return [
        "| " + " | ".join(title for title, _ in columns.values()) + " | |",
        "|---|" + "---:|" * (len(columns) - 1) + "---|",
        *(_line(columns, row, remarks(row)) for row in rows),
    ]


def _line(columns: Mapping[str, tuple[str, str]], row: Row, remarks: list[str]) -> str:
    cells = [
        form.format(row[name] * 1000 if name in MILLISECONDS else row[name])
        if row.get(name) is not None
        else ""
        for name, (_, form) in columns.items()
    ]
    return "| " + " | ".join([*cells, ", ".join(remarks)]) + " |"


def _summary(rows: Sequence[Row]) -> str:
    lost = [row["workload"] for row in rows if row["ratio"] < 1]
    names = f": {', '.join(lost)}" if lost else ""
    return (
        f"Over all {len(rows)} workloads the EVM is {geometric_mean(rows):.2f}x as fast as revm "
        f"(geometric mean), and slower in {len(lost)}{names}.{_beside_the_newest(rows)}"
    )


def _beside_the_newest(rows: Sequence[Row]) -> str:
    """The same of the newest revm, where it could be built."""
    compared = [row for row in rows if "revm_ratio" in row]
    if not compared:
        return ""
    least = min(compared, key=lambda row: float(row["revm_ratio"]))
    mean = geometric_mean(compared, "revm_ratio")
    return (
        f" Beside revm 43 with its Keccak in assembler it is {mean:.2f}x, at the least "
        f"{least['revm_ratio']:.2f}x ({least['workload']})."
    )


def geometric_mean(rows: Sequence[Row], ratio: str = "ratio") -> float:
    """Of the speed-ups."""
    return math.exp(sum(math.log(row[ratio]) for row in rows) / len(rows))
