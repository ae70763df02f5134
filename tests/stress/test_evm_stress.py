"""Real blocks on the native EVM with more threads than cores, again and again.

Under the thread, address and undefined behaviour sanitizers this is what runs the EVM, its caches,
the tries and the libraries that precompiles call. ``BLOCKSTM_STRESS_SECONDS`` as in
`test_stress`.
"""

from __future__ import annotations

import os
import time
from functools import cache

import pytest
from tests.fixtures import mainnet_block

from blockstm import Config, Executor
from blockstm.ethereum.execution import ExecutedBlock, PreparedBlock, prepare_file
from blockstm.ethereum.execution.checks import run_checks
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.testing import assert_same_result

pytestmark = pytest.mark.stress

SECONDS = float(os.environ.get("BLOCKSTM_STRESS_SECONDS", "2"))

BLOCKS = (
    2462997,  # an attack: 1,932 accounts touched into existence
    12243999,  # thirty contracts created and destroyed
    12520364,  # 31 self-destructs
    13287210,  # long chains of nonces
    14396881,
    19923400,  # a blob transaction
)


@cache
def _prepared(number: int) -> PreparedBlock:
    return prepare_file(read_block_file(mainnet_block(number)))


@cache
def _alone(number: int) -> ExecutedBlock:
    with Executor(workers=1) as executor:
        return _prepared(number).run(executor.execute_block)


@pytest.mark.parametrize("number", BLOCKS)
@pytest.mark.parametrize("revalidation", [False, True])
def test_a_real_block_is_the_same_however_it_runs(number: int, revalidation: bool) -> None:
    prepared, expected = _prepared(number), _alone(number)
    end = time.monotonic() + SECONDS
    rounds = 0
    while rounds < 2 or time.monotonic() < end:
        workers = (2, 4, 8)[rounds % 3]
        with Executor(Config(workers=workers, gate=False, revalidation=revalidation)) as executor:
            run = prepared.run(executor.execute_block)
        assert_same_result(run.result, expected.result)
        assert run.receipts == expected.receipts
        assert False not in run_checks(prepared, run).values()
        rounds += 1
