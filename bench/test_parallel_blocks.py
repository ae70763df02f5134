"""Blocks on the native EVM with two workers against one; see `blockstm bench workloads`."""

from __future__ import annotations

import warnings

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.fixtures import fixtures, mainnet_block, mainnet_index

from bench.parallel_table import LONG_BLOCK
from blockstm.bench.blocks.measurement import measure_workload
from blockstm.bench.blocks.once import measure_once
from blockstm.bench.blocks.own_pools import SWAP_GAS, own_pools
from blockstm.bench.blocks.revm import why_no_revm
from blockstm.bench.blocks.unmet_codes import CALLS, CODES, STEP_GAS, unmet_codes
from blockstm.bench.blocks.workloads import BLOCK_WORKLOADS, block_workload, workload_of_file
from blockstm.bench.machine import machine
from blockstm.ethereum.files.block_files import read_block_file

WORKERS = 2
SWAPS = 6_413
COMPARED = ("transfers", "erc20")
"""Workloads that pyrevm can run as they are."""


@pytest.mark.parametrize("name", BLOCK_WORKLOADS)
def test_workloads(benchmark: BenchmarkFixture, name: str) -> None:
    """The iterations are measured by themselves, in turn; pytest-benchmark times all of it once."""
    workload = block_workload(name)
    against = (*_revm(name), "py-evm")
    row = benchmark.pedantic(
        lambda: measure_workload(workload, workers=WORKERS, seconds=8, against=against)
    )
    benchmark.extra_info["parallel"] = row.as_dict() | {"machine": machine()}


def _revm(name: str) -> tuple[str, ...]:
    """The newest revm that can run a workload here, if there is one."""
    reason = why_no_revm()
    if reason is None:
        return ("revm",)
    warnings.warn(f"NO REVM OF TODAY to compare with: {reason}", stacklevel=2)
    return ("pyrevm",) if name in COMPARED else ()


def test_own_pools(benchmark: BenchmarkFixture) -> None:
    """Swaps in contracts of their own, a gigagas of them: 19,240 codes."""
    workload = own_pools(fixtures() / "contracts.tar.xz", gas=SWAPS * SWAP_GAS)
    row = benchmark.pedantic(lambda: measure_workload(workload, workers=WORKERS, seconds=8))
    benchmark.extra_info["own_pools"] = row.as_dict() | {"machine": machine()}


def test_mainnet_once(benchmark: BenchmarkFixture) -> None:
    """Each block once in a fresh process, the long ones among them."""
    files = [read_block_file(mainnet_block(number)) for number in sorted(mainnet_index())]
    long = [file for file in files if file.block.header.gas_used >= LONG_BLOCK]
    rows = benchmark.pedantic(
        lambda: list(measure_once(long, workers=(1, WORKERS), iterations=5, known=5))
    )
    benchmark.extra_info["once"] = [row.as_dict() | {"machine": machine()} for row in rows]


def test_unmet_codes(benchmark: BenchmarkFixture) -> None:
    """Each code is called once a block, and is gone before it comes again."""
    workload = unmet_codes(gas=CODES // CALLS * STEP_GAS)
    row = benchmark.pedantic(lambda: measure_workload(workload, workers=WORKERS, seconds=4))
    benchmark.extra_info["own_pools"] = row.as_dict() | {"machine": machine()}


@pytest.mark.parametrize("number", sorted(mainnet_index()))
def test_mainnet(benchmark: BenchmarkFixture, number: int) -> None:
    """Every block there is, however short."""
    workload = workload_of_file(read_block_file(mainnet_block(number)))
    row = benchmark.pedantic(lambda: measure_workload(workload, workers=WORKERS, seconds=1.5))
    benchmark.extra_info["mainnet"] = row.as_dict() | {"machine": machine()}
