"""The tables of decoded blocks and of Keccak's forms in bench/README.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evm_table import Row, table

DECODING = {
    "transactions": ("transactions", "{:,}"),
    "milliseconds": ("time, ms", "{:.3f}"),
    "spread": ("spread", "{:.1%}"),
    "in_python_milliseconds": ("item by item in Python, ms", "{:.2f}"),
    "ratio": ("speed-up", "{:.1f}x"),
}
KECCAK = {
    "width": ("states side by side", "{}"),
    "nanoseconds": ("each, ns", "{:.1f}"),
    "spread": ("spread", "{:.1%}"),
}


def decoding_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of decoded blocks."""
    return [row["decoding"] for row in rows if "decoding" in row]


def keccak_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of Keccak's permutation."""
    return [row["keccak"] for row in rows if "keccak" in row]


def decoding_section(rows: Sequence[Row]) -> str:
    """The headings and tables of what was measured; nothing where it was neither."""
    lines = []
    if decoded := decoding_rows(rows):
        lines += ["### Blocks from their bytes\n", *table(DECODING, decoded), ""]
    if hashed := keccak_rows(rows):
        lines += ["### Keccak-f[1600]\n", *table(KECCAK, hashed, unstable), ""]
    return "\n".join(lines)


def unstable(row: Row) -> list[str]:
    """What is to be said of a row without a baseline."""
    return [] if row["stable"] else ["**unstable**"]


def milliseconds_to_decode(rows: Sequence[Row]) -> float | None:
    """How long the block takes."""
    return next((row["milliseconds"] for row in decoding_rows(rows)), None)
