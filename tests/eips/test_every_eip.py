"""Every EIP that the sources name has a file of tests here, or a reason why it has none."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from tests.eips import rules

from blockstm.executor import explore
from blockstm.testing import random_schedules

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "blockstm"
ENDINGS = {".py", ".pyi", ".pyx", ".pxd", ".h", ".hpp", ".cpp"}

WITHOUT_RULES = {
    1013: "the list of Constantinople's EIPs, each of which has its own file",
    1186: "what a node answers when it is asked for a proof: no block depends on it",
    1716: "the list of Petersburg's EIPs: it takes EIP-1283 back, whose file says so",
    3155: "how a trace of the EVM is written down: what is traced depends on none",
}


def named() -> set[int]:
    """The numbers that the sources name."""
    files = (path for path in SOURCES.rglob("*") if path.suffix in ENDINGS)
    return {
        int(number) for path in files for number in re.findall(r"\bEIP-?(\d+)", path.read_text())
    }


def filed() -> dict[int, Path]:
    """The numbers that have a file."""
    files = HERE.glob("test_eip_*.py")
    return {int(re.findall(r"\d+", path.name)[0]): path for path in files}


def test_every_eip_has_a_file_or_a_reason() -> None:
    assert sorted(named() - filed().keys()) == sorted(WITHOUT_RULES)
    assert len(filed()) > 70


@pytest.mark.parametrize("number", sorted(filed()))
def test_a_file_says_which_eip_it_is_about(number: int) -> None:
    text = ast.get_docstring(ast.parse(filed()[number].read_text())) or ""
    assert text.startswith(f"EIP-{number}")


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "cancun", "osaka"])
@pytest.mark.parametrize("source", ["1 7 SLOAD ADD 7 SSTORE", "CALLER BALANCE", "STOP"])
def test_a_case_that_runs_too_early_runs_again(
    monkeypatch: pytest.MonkeyPatch, fork: str, source: str
) -> None:
    """What the bank pays and stores is what a case depends on: there are conflicts to get wrong."""
    seen: list[tuple[Any, ...]] = []
    compare = rules.assert_serial_equivalent

    def remember(steps: Any, state: Any, vm: Any, **options: Any) -> Any:
        seen.append((steps, state.copy(), vm))
        return compare(steps, state, vm, **options)

    monkeypatch.setattr(rules, "assert_serial_equivalent", remember)
    rules.call(fork, source, storage={7: 1}, balance=3)
    (block,) = seen
    result = explore(*block, choices=next(random_schedules(rules.SEED))).result
    assert result is not None
    assert result.stats.incarnations > result.stats.transactions
