"""The table of imported chains, and the figures that are read from its rows."""

from __future__ import annotations

from bench.imports_table import growth, imports_section, of_many, over_pipelined


def row(way: str, accounts: int, seconds: float, **other: object) -> dict[str, object]:
    return {
        "way": way,
        "accounts": accounts,
        "blocks": 900,
        "seconds": seconds,
        "seconds_min": seconds * 0.99,
        "seconds_max": seconds * 1.05,
        "processor_seconds": 0.02,
        "opening_seconds": 0.0066,
        "resident_bytes": 306_000_000,
        "disk_bytes": 1_040_000_000,
        **other,
    }


FEW = [
    row("pipelined", 200_000, 0.010),
    row("one by one", 200_000, 0.020, seconds_max=0.025),
    row("in memory", 200_000, 0.008, disk_bytes=0, opening_seconds=0.0),
]
MANY = [row("pipelined", 2_000_000, 0.015, resident_bytes=500_000_000, opening_seconds=0.03)]
ROWS: list[dict[str, object]] = [{"imports": FEW}, {"pipeline": []}, {"imports": MANY}]


def test_a_row_has_its_units_and_its_ratio_to_the_pipeline() -> None:
    lines = imports_section(ROWS).splitlines()
    assert lines[0] == "### Chains imported"
    assert (
        "| 200,000 | pipelined | 900 | 10.00 | 9.90 | 10.50 | 20.0 | 1.00x | 6.6 | 306 | 1,040 |  |"
    ) in lines
    assert any("| one by one |" in line and line.endswith("| **unstable** |") for line in lines)
    assert (
        "| 200,000 | in memory | 900 | 8.00 | 7.92 | 8.40 | 20.0 | 0.80x |  | 306 |  |  |"
    ) in lines
    assert imports_section([{"evm": {}}]) == ""


def test_a_chain_without_a_pipelined_row_has_no_ratio() -> None:
    section = imports_section([{"imports": [row("in memory", 100, 0.001)]}])
    assert "| 100 | in memory | 900 | 1.00 | 0.99 | 1.05 | 20.0 |  |" in section


def test_figures_are_of_their_chain() -> None:
    assert over_pipelined("one by one")(ROWS) == 2
    assert over_pipelined("in memory")(ROWS) == 0.8
    assert growth(ROWS) == 1.5
    assert of_many("opening_seconds", 1e3)(ROWS) == 30
    assert of_many("resident_bytes", 1e-6)(ROWS) == 500


def test_figures_of_a_chain_that_was_not_measured_are_none() -> None:
    few: list[dict[str, object]] = [{"imports": FEW}]
    assert growth(few) is None
    assert of_many("opening_seconds", 1e3)(few) is None
    assert over_pipelined("one by one")([{"imports": MANY}]) is None
