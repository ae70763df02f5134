"""The page of results keeps what a run of some benchmarks has no rows of."""

from __future__ import annotations

from bench.pipeline_table import pipeline_section, speed_of, sum_of_witnesses
from bench.report import merged, report

BEFORE = """
Measured on: another machine.

### Figures to reach

| figure | to reach | measured | |
|---|---|---|---|
| one | ≤ 1x | 0.90x | met |
| two | ≤ 1x | 1.10x | **missed** |

### first

old first

### second

old second

### third

old third
"""
NOW = """
Measured on: this machine.

### Figures to reach

| figure | to reach | measured | |
|---|---|---|---|
| one | ≤ 1x | not measured | |
| two | ≤ 1x | 0.95x | met |
| three | ≤ 1x | not measured | |

### second

new second
"""


def test_what_was_not_measured_stays() -> None:
    page = merged(BEFORE, NOW)
    assert page.index("Measured on: this") < page.index("| one | ≤ 1x | 0.90x | met |")
    assert "| two | ≤ 1x | 0.95x | met |" in page
    assert "| three | ≤ 1x | not measured | |" in page
    places = [page.index(words) for words in ("old first", "new second", "old third")]
    assert places == sorted(places)
    assert "old second" not in page
    assert merged(page, NOW) == page


def row(name: str, sight: str, stages: dict[str, float], **other: object) -> dict[str, object]:
    return {
        "workload": name,
        "sight": sight,
        "transactions": 20_000,
        "seconds": 0.1,
        "spread": 0.01,
        "transactions_per_second": 200_000.0,
        "mgas_per_second": 4_200.0,
        "stages": stages,
        "data_bytes": 4_000_000,
        "peak_bytes": None,
        "stable": True,
        "machine": {"processor": "a", "cores": 2, "system": "b", "python": "3.11", "gil": "on"},
        **other,
    }


GENERATED = row("transfers-20000", "new", {"decode": 0.003, "senders": 0.06})
COLD = row("transfers-20000", "cold", {"decode": 0.003}, peak_bytes=6_000_000.0, stable=False)
WITNESS = row("block 1", "cold", {"decode": 0.001, "witness": 0.002})
ROWS: list[dict[str, object]] = [{"pipeline": [COLD, GENERATED]}, {"pipeline": [WITNESS]}]


def test_blocks_from_bytes_to_verified_have_a_section() -> None:
    section = pipeline_section(ROWS)
    assert "| transfers-20000 | new | 20,000 | 100.0 | 1.0% | 200,000 | 4,200 | 3.0 |" in section
    assert "| 6.0 | 1.5x | **unstable** |" in section
    assert "The 1 blocks of mainnet together, bytes and witness: 100 ms cold" in section
    assert pipeline_section([{"evm": {}}]) == ""
    assert speed_of("transfers-20000", "peak_ratio", "cold")(ROWS) == 1.5
    assert speed_of("transfers-20000", "transactions_per_second")(ROWS) == 200_000
    assert sum_of_witnesses("cold")(ROWS) == 100


def test_a_run_of_nothing_else_has_a_report() -> None:
    text = report(ROWS)
    assert text.startswith("Measured on: a, 2 cores, b, Python 3.11, GIL on.")
    assert "cold: peak of memory over data and writes | ≤ 1.5x | 1.50x | met |" in text
    assert "### From bytes to verified" in text
