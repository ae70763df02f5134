"""The table of recovered senders in bench/README.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evm_table import Row, table

COLUMNS = {
    "threads": ("threads", "{}"),
    "signatures": ("signatures", "{:,}"),
    "microseconds": ("each, µs", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "libsecp256k1_microseconds": ("libsecp256k1, one thread, µs", "{:.2f}"),
    "ratio": ("speed-up", "{:.2f}x"),
    "cpu_cores": ("cores", "{:.2f}"),
}


def signature_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of signatures."""
    return [row["signatures"] for row in rows if "signatures" in row]


def signature_section(rows: Sequence[Row]) -> str:
    """A heading and the table; nothing where no row is of signatures."""
    if not rows:
        return ""
    return "\n".join(["### Senders from signatures\n", *table(COLUMNS, rows), ""])


def over_library(rows: Sequence[Row]) -> float | None:
    """The speed-up of one thread over libsecp256k1."""
    return next((row["ratio"] for row in signature_rows(rows) if row["threads"] == 1), None)


def second_thread(rows: Sequence[Row]) -> float | None:
    """One thread's time over that of two."""
    each = {row["threads"]: row["microseconds"] for row in signature_rows(rows)}
    return each[1] / each[2] if {1, 2} <= each.keys() else None
