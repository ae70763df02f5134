"""A generated chain imported on disk and in memory; see `blockstm bench imports`."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.imports_table import FEW, IN_MEMORY, MANY, PIPELINED
from blockstm.bench.chains.measurement import WAYS, measure_chain
from blockstm.bench.machine import machine

TRANSACTIONS = 500
CHAINS = {FEW: (300, 3, WAYS), MANY: (200, 2, (PIPELINED, IN_MEMORY))}
"""Accounts → blocks of a part, parts, ways."""
DISK_BYTES = {FEW: 3 << 30, MANY: 10 << 30}
"""What has to be free: the chain's folder stands twice while it is made."""


@pytest.mark.parametrize("accounts", CHAINS)
def test_imports(benchmark: BenchmarkFixture, accounts: int, tmp_path: Path) -> None:
    """The parts are timed by themselves, in processes; pytest-benchmark times all of it once."""
    free = shutil.disk_usage(tmp_path).free
    if free < DISK_BYTES[accounts]:
        reason = f"NO CHAIN with {accounts:,} accounts: {free >> 30} GiB of disk are free"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    blocks, parts, ways = CHAINS[accounts]
    rows = benchmark.pedantic(
        lambda: list(
            measure_chain(
                accounts=accounts,
                blocks=blocks,
                transactions=TRANSACTIONS,
                parts=parts,
                ways=ways,
                folder=tmp_path,
            )
        )
    )
    benchmark.extra_info["imports"] = [row.as_dict() | {"machine": machine()} for row in rows]
