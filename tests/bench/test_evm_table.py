"""The table of the EVM in bench/README.md shows losses, and what was not measured is absent."""

from __future__ import annotations

from bench.evm_table import block_rows, block_section, evm_rows, evm_section, jump_section
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
    assert "| calls | 12,345,678 | 20.00 | 1.0% | 40.00 | 1.2% | 2.00x |  |  | 617 |  |  |" in lines
    assert lines[5].endswith("| 0.50x |  |  | 617 |  | slower, **unstable** |")
    assert "1.00x as fast as revm (geometric mean), and slower in 1: memory." in section


def test_the_newest_revm_is_named_where_it_was_measured() -> None:
    rows = [row("calls", 2.0), row("memory", 0.5)]
    for each, ratio in zip(rows, (1.0, 4.0), strict=True):
        each["evm"] |= {"revm_seconds": 0.02 * ratio, "revm_ratio": ratio}  # type: ignore[operator]  # a dict
    section = evm_section(evm_rows(rows))
    assert "| 40.00 | 1.2% | 2.00x | 20.00 | 1.00x | 617 |" in section
    assert "with its Keccak in assembler it is 2.00x, at the least 1.00x (calls)." in section
    assert "in assembler" not in evm_section(evm_rows(ROWS))


def test_jumps_are_shown_where_revm_was_there() -> None:
    jumps = {"workload": "around", "revm_calls": 200, "gas": 71_000, "seconds": 1e-5}
    assert jump_section([{"jumps": {"workload": "around"}}, *ROWS]) == ""
    section = jump_section([{"jumps": jumps | {"revm_seconds": 3e-5, "revm_ratio": 3.0}}])
    assert "| around | 200 | 71,000 | 0.0100 | 0.0300 | 3.00x |  |" in section


def test_the_targets_are_the_least_and_the_mean() -> None:
    least, mean = (target for target in TARGETS if "over revm" in target.words)
    assert least.measured(ROWS) == 0.5
    assert not least.met(0.5)
    assert mean.measured(ROWS) == 1.0
    assert not mean.met(1.0)
    assert least.measured([]) is mean.measured([]) is None


def block(number: int, seconds: float) -> dict[str, object]:
    return {
        "block": {
            "number": number,
            "fork": "berlin",
            "transactions": 1_100,
            "gas": 15_000_000,
            "seconds": seconds,
            "spread": 0.02,
            "first_seconds": 0.0075,
            "mgas_per_second": 7_500.0,
            "py_evm_seconds": 0.5,
            "py_evm_ratio": 0.5 / seconds,
            "ratio": 0.5 / seconds,
            "py_evm_stock_seconds": 2.0,
            "py_evm_stock_ratio": 2.0 / seconds,
            "stable": True,
        }
    }


def test_blocks_have_a_table_of_their_own() -> None:
    rows = [*ROWS, block(12, 0.002), block(13, 0.008)]
    section = block_section(block_rows(rows))
    assert (
        "| 12 | berlin | 1,100 | 15,000,000 | 2.00 | 2.0% | 7.50 | 7,500 | 500 | 250x | 2,000 "
        "| 1,000x |  |"
    ) in section.splitlines()
    assert "100x as fast as py-evm on our accounts, 400x as fast as py-evm upstream" in section
    assert evm_section(evm_rows(rows)) == evm_section(evm_rows(ROWS))
    stock, ours = (target for target in TARGETS if "on real blocks" in target.words)
    assert (stock.measured(rows), ours.measured(rows)) == (400, 100)
    assert stock.met(400)
    assert not ours.met(100)
    assert block_section([]) == ""


def test_a_run_without_loads_has_no_table_of_them() -> None:
    assert evm_section([]) == ""
