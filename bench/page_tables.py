"""The tables of bench/README.md, read back: what the pictures beside them are drawn from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("README.md")
WORKLOADS = "Blocks in parallel: generated workloads"

Row = dict[str, Any]


def workload_rows(text: str) -> list[Row]:
    """The rows of the tables of workloads, in the names that `blockstm.insight` has for them."""
    return [
        {
            "workload": name,
            "vm": vm,
            "transactions": int(cells["block"]),
            "work_us": float(cells["work, µs"]),
            "workers": int(cells["workers"]),
            "speedup_over_baseline": float(cells["speed-up"]),
            "spread": float(cells["spread"]) / 100,
            "stable": "unstable" not in cells[""],
        }
        | ({"accounts": int(cells["accounts"])} if "accounts" in cells else {})
        for title, table in _tables(text)
        if (name := title.partition(", ")[0]) != title
        and (vm := {"kernel": "kernel", "Python function": "python"}.get(title[len(name) + 2 :]))
        for cells in table
    ]


def parallel_rows(text: str) -> list[Row]:
    """The rows of the table of generated workloads."""
    table = dict(_tables(text)).get(WORKLOADS, [])
    return [
        {
            "workload": cells["workload"],
            "workers": _workers(cells),
            "speedup": float(cells["speed-up"]),
            "speedup_spread": float(cells["spread"]) / 100,
            "bound": float(cells["bound"]),
            "stable": "unstable" not in cells[""],
        }
        for cells in table
    ]


def _workers(cells: dict[str, str]) -> int:
    counts = [int(found[1]) for name in cells if (found := re.match(r"(\d+) workers", name))]
    return max(counts)


def _tables(text: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Title and rows of each table that stands first below a heading; numbers without units."""
    for title, body in re.findall(r"^### (.+)\n\n((?:\|.*\n)+)", text, re.MULTILINE):
        head, _, *rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in body.splitlines()
        ]
        yield title, [dict(zip(head, map(_plain, row), strict=False)) for row in rows]


def _plain(cell: str) -> str:
    """A number as Python reads it; words and names as they are."""
    number = cell.replace(",", "").rstrip("%x")
    return number if re.fullmatch(r"[\d.]+", number) else cell
