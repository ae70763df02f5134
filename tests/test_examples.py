"""The examples do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from examples.c_vm.payments import Payments, compiled

import blockstm

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_vm_in_c_pays_and_refuses(tmp_path: Path) -> None:
    vm = Payments(compiled(tmp_path))
    result = blockstm.execute_block([(1, 2, 5), (2, 3, 4), (2, 3, 4)], {1: 10}, vm)
    assert [outcome.status for outcome in result.outcomes] == ["success", "success", "reverted"]
    assert str(result.outcomes[2].error) == "insufficient funds"
    assert result.writes == {1: 5, 2: 1, 3: 4}


def test_the_vm_in_c_is_equal_on_two_workers(tmp_path: Path) -> None:
    vm = Payments(compiled(tmp_path))
    block = [(index % 7, (index * 3 + 1) % 7, index % 5 + 1) for index in range(2_000)]
    state = dict.fromkeys(range(7), 20)
    alone = blockstm.execute_block(block, state, vm, workers=1)
    together = blockstm.execute_block(block, state, vm, workers=2)
    assert together.writes == alone.writes
    assert [each.status for each in together.outcomes] == [each.status for each in alone.outcomes]


def test_the_demo_runs_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "demo.py"))["main"](transactions=2_000)
    printed = capsys.readouterr().out
    assert "equal to sequential" in printed
    assert "speed-up" in printed
