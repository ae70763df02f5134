"""The tables of hints in bench/README.md: what each kind of them made of a block's time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from bench.evm_table import Row, table
from blockstm.bench.blocks.hinted import NONE, ONE_WORKER, bound_seconds

MAINNET, CONTENDED = "mainnet", "contended"
"""Which blocks a row is of."""
TITLES = {
    MAINNET: "The {} blocks of mainnet of 4 Mgas and more:",
    CONTENDED: "The {} generated blocks whose transactions contend:",
}
EACH = "Each of them, its time over that without hints, bold where it is slower:"
LOSS_MAX = 1.15
"""The time over that without hints that wrong ones may cost."""

COLUMNS = {
    "kind": ("hints", "{}"),
    "seconds": ("all blocks, ms", "{:.2f}"),
    "ratio": ("of none", "{:.3f}x"),
    "middle": ("middle block", "{:.2f}x"),
    "worst": ("worst block", "{:.2f}x"),
    "block": ("which", "{}"),
    "spread": ("its spread", "{:.1%}"),
    "incarnations_per_transaction": ("runs/tx", "{:.3f}"),
}
ROOTS = {
    "block": ("block", "{}"),
    "transactions": ("transactions", "{:,}"),
    "list_bytes": ("list, bytes", "{:,}"),
    "unlisted_milliseconds": ("without, ms", "{:.1f}"),
    "unlisted_spread": ("spread", "{:.1%}"),
    "listed_milliseconds": ("with the list, ms", "{:.1f}"),
    "listed_spread": ("spread", "{:.1%}"),
    "ratio": ("speed-up", "{:.2f}x"),
}


def hint_rows(rows: Sequence[Row], of: str) -> list[Row]:
    """The rows of a run that are of hints on these blocks, each with its ``kind``.

    A kind is the hints and, where it is not *declared*, the schedule. Without hints the schedule
    changes nothing; a schedule's own rows without them are what its others are compared with.
    """
    found = [each for row in rows for each in row.get("hints", ()) if each["of"] == of]
    return [each | {"kind": _kind(each)} for each in found]


def _kind(row: Row) -> str:
    name, schedule = str(row["hints"]), row["schedule"]
    return name if schedule == "declared" else f"{schedule}: {name}"


def hints_section(rows: Sequence[Row]) -> str:
    """A heading and the tables of what was measured; nothing where no row is of hints."""
    lines: list[str] = []
    for of, title in TITLES.items():
        if chosen := hint_rows(rows, of):
            blocks = len({row["block"] for row in chosen})
            lines += [title.format(blocks), "", *table(COLUMNS, _sums(chosen), _remarks), ""]
    if contended := hint_rows(rows, CONTENDED):
        lines += [EACH, "", *_by_block(contended), ""]
    if roots := [row["listed_roots"] for row in rows if "listed_roots" in row]:
        lines += ["From a block's bytes to its verified roots:", "", *table(ROOTS, roots), ""]
    return "\n".join(["### Hints\n", *lines]) if lines else ""


def _sums(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A row a kind, over all blocks, and what no hints can beat."""
    declared = [row for row in rows if row["schedule"] == "declared"]
    none = _seconds(row for row in declared if row["hints"] == NONE)
    lines = [_sum(rows, kind) for kind in dict.fromkeys(row["kind"] for row in rows)]
    bound = bound_seconds(declared)
    if bound is not None:
        lines.append({"kind": "bound", "seconds": bound, "ratio": bound / none})
    return [line for line in lines if not line["kind"].endswith(f": {NONE}")]


def _sum(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    chosen = [row for row in rows if row["kind"] == kind]
    schedule = chosen[0]["schedule"]
    none = {
        row["block"]: row["seconds"]
        for row in rows
        if row["hints"] == NONE and row["schedule"] == schedule
    }
    worst = max(chosen, key=lambda row: float(row["ratio"]))
    line = {
        "kind": kind,
        "seconds": _seconds(chosen),
        "ratio": _seconds(chosen) / sum(none[row["block"]] for row in chosen),
        "incarnations_per_transaction": _incarnations(chosen),
    }
    if chosen[0]["hints"] == NONE:
        return line
    return line | {
        "middle": median(float(row["ratio"]) for row in chosen),
        "worst": worst["ratio"],
        "block": worst["block"],
        "spread": worst["spread"],
    }


def _seconds(rows: Iterable[Row]) -> float:
    return sum(float(row["seconds"]) for row in rows)


def _incarnations(rows: Sequence[Row]) -> float:
    runs = sum(row["incarnations_per_transaction"] * row["transactions"] for row in rows)
    return float(runs / sum(row["transactions"] for row in rows))


def _remarks(line: Row) -> list[str]:
    if line["kind"] in (NONE, ONE_WORKER, "bound"):
        return []
    slower = ["slower"] * (line["ratio"] > 1)
    return slower + [f"**worst over {LOSS_MAX}x**"] * (line["worst"] > LOSS_MAX)


def _by_block(rows: Sequence[Row]) -> list[str]:
    """A line a block, a column a kind."""
    kinds = [kind for kind in dict.fromkeys(row["kind"] for row in rows) if _is_hinted(kind)]
    columns = {"block": ("block", "{}")} | {kind: (kind, "{}") for kind in kinds}
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(row["block"], {"block": row["block"]})
        shown = f"{row['ratio']:.2f}"
        line[row["kind"]] = f"**{shown}**" if float(shown) > 1 else shown
    return table(columns, list(lines.values()), lambda line: [])


def _is_hinted(kind: str) -> bool:
    return kind.rpartition(": ")[2] not in (NONE, ONE_WORKER)


def speedup_of(kind: str, of: str, rows: Sequence[Row]) -> float | None:
    """By how much all blocks together were faster with hints of a kind; None if not measured."""
    chosen = hint_rows(rows, of)
    if not any(row["kind"] == kind for row in chosen):
        return None
    return 1 / float(_sum(chosen, kind)["ratio"])


def worst_speedup(word: str, of: str, rows: Sequence[Row]) -> float | None:
    """The least speed-up of any block by hints that have a word in their kind's name."""
    found = [row for row in hint_rows(rows, of) if word in row["kind"] and _is_hinted(row["kind"])]
    return 1 / max(float(row["ratio"]) for row in found) if found else None


def most_incarnations(kind: str, of: str, rows: Sequence[Row]) -> float | None:
    """Runs of a transaction, of the block that has the most with hints of a kind."""
    found = [row for row in hint_rows(rows, of) if row["kind"] == kind]
    return max((float(row["incarnations_per_transaction"]) for row in found), default=None)
