"""The table of the EVM in bench/README.md shows losses, and what was not measured is absent."""

from __future__ import annotations

from bench.evm_table import evm_rows, evm_section
from bench.targets import TARGETS


def row(workload: str, ratio: float, *, stable: bool = True) -> dict[str, object]:
    return {
        "evm": {
            "workload": workload,
            "gas": 12_345_678,
            "seconds": 0.02,
            "spread": 0.01,
            "pyrevm_seconds": 0.02 * ratio,
            "pyrevm_spread": 0.012,
            "ratio": ratio,
            "mgas_per_second": 617.2,
            "instructions": None,
            "stable": stable,
        }
    }


ROWS = [row("calls", 2.0), row("memory", 0.5, stable=False), {"memory": {}}]


def test_losses_and_unstable_rows_are_marked() -> None:
    section = evm_section(evm_rows(ROWS))
    lines = section.splitlines()
    assert "| calls | 12,345,678 | 20.00 | 1.0% | 40.00 | 1.2% | 2.00x | 617 |  |  |" in lines
    assert lines[5].endswith("| 0.50x | 617 |  | slower, **unstable** |")
    assert "1.00x as fast as revm (geometric mean), and slower in 1: memory." in section


def test_the_targets_are_the_least_and_the_mean() -> None:
    least, mean = (target for target in TARGETS if "the EVM on" in target.words)
    assert least.measured(ROWS) == 0.5
    assert not least.met(0.5)
    assert mean.measured(ROWS) == 1.0
    assert not mean.met(1.0)
    assert least.measured([]) is mean.measured([]) is None
    assert evm_section([]) == ""
