"""The table of a network in opcodes and by integer instructions in bench/README.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evm_table import Row, table

COLUMNS = {
    "network": ("network", "{}"),
    "work": ("multiply-accumulates", "{:,}"),
    "plain_gas": ("gas, opcodes", "{:,}"),
    "gas": ("gas, instructions", "{:,}"),
    "plain_ms": ("opcodes, ms", "{:.2f}"),
    "ms": ("instructions, ms", "{:.3f}"),
    "faster": ("speed-up", "{:.0f}x"),
}
KERNEL_COLUMNS = {
    "product": ("product", "{}"),
    "kernel": ("kernel", "{}"),
    "gigamacs": ("GMAC/s", "{:.1f}"),
    "megagas": ("Mgas/s", "{:,.0f}"),
}


def inference_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of networks."""
    return [row["inference"] for row in rows if "inference" in row]


def kernel_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a run that are of products by one kernel."""
    return [row["inference_kernel"] for row in rows if "inference_kernel" in row]


def _slower(row: Row) -> list[str]:
    return ["slower"] * (row["faster"] < 1)


def inference_section(rows: Sequence[Row]) -> str:
    """A heading and both tables; nothing where no row is of them."""
    networks, products = inference_rows(rows), kernel_rows(rows)
    if not networks and not products:
        return ""
    lines = ["### Integer inference\n"]
    if networks:
        lines += [*table(COLUMNS, networks, remarks=_slower), ""]
    if products:
        lines += [*table(KERNEL_COLUMNS, products, remarks=lambda row: []), ""]
    return "\n".join(lines)
