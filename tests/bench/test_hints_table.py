"""The tables of hints in bench/README.md: sums, worst blocks, losses, and what none can beat."""

from __future__ import annotations

from typing import Any

import pytest
from bench.hints_table import (
    CONTENDED,
    MAINNET,
    hints_section,
    most_incarnations,
    speedup_of,
    worst_speedup,
)
from bench.report import merged, report

from blockstm.bench.blocks.hinted import bound_seconds


def row(hints: str, block: str, seconds: float, **other: Any) -> dict[str, Any]:
    return {
        "block": block,
        "hints": hints,
        "transactions": 100,
        "workers": 2,
        "seconds": seconds,
        "spread": 0.04,
        "ratio": 1.0,
        "incarnations_per_transaction": 1.0,
        "longest_seconds": 0.001,
        "of": MAINNET,
        "schedule": "declared",
        "machine": {"processor": "a", "cores": 2, "system": "b", "python": "3.11", "gil": "on"},
        **other,
    }


SHORT, LONG = "block 1", "block 2"
ROWS = [
    row("none", SHORT, 0.006),
    row("values", SHORT, 0.005, ratio=0.8, incarnations_per_transaction=1.01),
    row("hostile: a chain", SHORT, 0.0072, ratio=1.2),
    row("one worker", SHORT, 0.010, workers=1, ratio=1.7),
    row("none", LONG, 0.014, longest_seconds=0.009),
    row("values", LONG, 0.011, ratio=0.75),
    row("hostile: a chain", LONG, 0.0138, ratio=0.99),
    row("one worker", LONG, 0.012, workers=1, ratio=0.86),
]
GROUPED: list[dict[str, Any]] = [
    row("none", "pool-chain", 0.004, of=CONTENDED),
    row("values", "pool-chain", 0.004, of=CONTENDED, ratio=0.99),
    row("none", "pool-chain", 0.002, of=CONTENDED, schedule="grouped"),
    row("accesses", "pool-chain", 0.003, of=CONTENDED, schedule="grouped", ratio=1.5),
]
RUN = [{"hints": ROWS}, {"hints": GROUPED}, {"evm": {}}]


def test_each_kind_has_a_row_with_its_worst_block() -> None:
    lines = hints_section(RUN).splitlines()
    assert lines[0] == "### Hints"
    assert "The 2 blocks of mainnet of 4 Mgas and more:" in lines
    assert "| none | 20.00 | 1.000x |  |  |  |  | 1.000 |  |" in lines
    assert "| values | 16.00 | 0.800x | 0.78x | 0.80x | block 1 | 4.0% | 1.005 |  |" in lines
    chain = "| hostile: a chain | 21.00 | 1.050x | 1.09x | 1.20x | block 1 | 4.0% | 1.000 |"
    assert f"{chain} slower, **worst over 1.15x** |" in lines
    assert hints_section([{"evm": {}}]) == ""


def test_the_bound_is_half_of_one_worker_or_the_longest_transaction() -> None:
    assert bound_seconds(ROWS) == pytest.approx(0.005 + 0.009)
    assert "| bound | 14.00 | 0.700x |  |  |  |  |  |  |" in hints_section(RUN).splitlines()
    assert bound_seconds(ROWS[:3]) is None
    assert bound_seconds(ROWS[:7]) is None
    assert bound_seconds([]) is None


def test_a_schedule_is_compared_with_its_own_runs_without_hints() -> None:
    lines = hints_section(RUN).splitlines()
    assert (
        "| grouped: accesses | 3.00 | 1.500x | 1.50x | 1.50x | pool-chain | 4.0% | 1.000 |"
        in "".join(line.removesuffix(" slower, **worst over 1.15x** |") for line in lines)
    )
    assert not any("grouped: none" in line for line in lines)
    assert "| pool-chain | 0.99 | **1.50** |  |" in lines


def test_figures_to_reach() -> None:
    assert speedup_of("values", MAINNET, RUN) == pytest.approx(1.25)
    assert speedup_of("learned", MAINNET, RUN) is None
    assert most_incarnations("values", MAINNET, RUN) == 1.01
    assert worst_speedup("hostile", MAINNET, RUN) == pytest.approx(1 / 1.2)
    assert worst_speedup("grouped", CONTENDED, RUN) == pytest.approx(1 / 1.5)
    assert worst_speedup("learned", CONTENDED, RUN) is None


PAGE = """
Measured on: another machine.

### Figures to reach

| figure | to reach | measured | |
|---|---|---|---|

### Blocks in parallel: mainnet

old blocks

### Senders from signatures

old senders
"""


def test_a_page_without_the_section_gets_it_in_its_place() -> None:
    page = merged(PAGE, report(RUN[:2]))
    words = ["### Blocks in parallel: mainnet", "### Hints", "| values |", "old senders"]
    places = [page.index(each) for each in words]
    assert places == sorted(places)
    assert "speed-up over optimistic | ≥ 1.05x | 1.25x | met |" in page
    assert merged(page, report(RUN[:2])) == page
