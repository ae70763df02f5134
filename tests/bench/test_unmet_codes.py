"""Calls to large codes that are not kept: each is read to its end, and returns."""

from __future__ import annotations

import pytest

from blockstm import execute_block
from blockstm.bench.blocks.unmet_codes import CALLS, CODE_SIZE, STEP_GAS, unmet_codes
from blockstm.cli import main
from blockstm.errors import ConfigError


def test_each_call_runs_a_code_of_its_own() -> None:
    workload = unmet_codes(gas=3 * STEP_GAS, codes=2 * CALLS)
    result = execute_block(workload.steps, workload.state, workload.evm, workers=1)
    assert all(outcome.value.succeeded for outcome in result.outcomes)
    assert abs(result.gas_used / 3 - STEP_GAS) < STEP_GAS / 50
    codes = {account.code for _, account in workload.state.accounts()}
    large = [code for code in codes if len(code) == CODE_SIZE]
    assert len(large) == 2 * CALLS  # the third transaction calls the first ones again


def test_too_little_gas_is_an_error() -> None:
    with pytest.raises(ConfigError, match="unmet-codes"):
        unmet_codes(gas=STEP_GAS)


def test_the_command_measures_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["unmet-codes", "--gas", f"{2 * STEP_GAS}", "--workers", "1", "--seconds", "0.1"]
    assert main(["bench", "workloads", *arguments]) == 0
    assert "unmet-codes" in capsys.readouterr().out
