"""Uniswap V3 swaps in contracts of their own: real codes, and all swaps succeed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures import fixtures

from blockstm import execute_block
from blockstm.bench.blocks.own_pools import SWAP_GAS, own_pools
from blockstm.cli import main
from blockstm.errors import ConfigError, DecodeError


@pytest.mark.parametrize("workers", [1, 2])
def test_each_swap_has_codes_of_its_own(workers: int) -> None:
    workload = own_pools(fixtures() / "contracts.tar.xz", gas=12 * SWAP_GAS)
    result = execute_block(workload.steps, workload.state, workload.evm, workers=workers)
    assert len(workload.steps) == 12
    assert all(outcome.value.succeeded for outcome in result.outcomes)
    assert abs(result.gas_used / 12 - SWAP_GAS) < SWAP_GAS / 20
    codes = {account.code for _, account in workload.state.accounts()}
    assert len(codes - {b""}) == 3 * 12 + 1


def test_too_little_gas_is_an_error() -> None:
    with pytest.raises(ConfigError, match="own-pools"):
        own_pools(Path("unused"), gas=SWAP_GAS)


def test_missing_and_broken_codes_are_named(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=r"ERC20Token\.hex"):
        own_pools(tmp_path, gas=10**6)
    for name in ("ERC20Token", "SingleSwap", "SwapRouter", "UniswapV3Pool"):
        (tmp_path / f"{name}.hex").write_text("xyz")
    with pytest.raises(DecodeError, match="no code"):
        own_pools(tmp_path, gas=10**6)


def test_the_command_asks_for_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "workloads", "own-pools"]) == 2
    assert "--contracts" in capsys.readouterr().err
    assert main(["bench", "workloads", "--list"]) == 0
    assert "own-pools" in capsys.readouterr().out
