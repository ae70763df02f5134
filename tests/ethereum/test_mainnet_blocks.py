"""Real blocks: the engine at two workers equals the sequential reference and the header."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fixtures import mainnet_block, mainnet_index, mainnet_witness

from blockstm import Config, reference
from blockstm.errors import ConfigError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import VMName, prepare_file
from blockstm.ethereum.execution.checks import block_checks, run_checks
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.witnesses import WitnessState, read_witness
from blockstm.executor import Executor
from blockstm.testing import assert_same_result
from blockstm.types import BlockResult
from blockstm.vm.pyevm import FORKS

# Chosen to be quick, to cover every fork and to hold what is hard; the rest is marked slow.
QUICK = (
    1,
    46147,
    1149999,
    1150000,
    1796867,  # a self-destruct before EIP-161
    1920000,  # the DAO transfer
    2179522,
    2462997,  # an attack: 1,932 accounts touched into existence
    2463000,
    2674998,
    2675001,
    3356896,
    4370000,
    5283152,
    6137495,
    8889776,  # a self-destruct of an old contract
    9069000,
    11114732,
    12047794,
    12243999,  # thirty contracts created and destroyed
    12300570,
    12520364,  # 31 self-destructs
    13287210,
    14396881,
    15050000,
    15537393,
    15752489,
    18884864,
    19426587,  # a CREATE2
    19923400,  # a blob transaction
    19934116,
)
SELF_DESTRUCTS = 12520364
UNSUPPORTED = sorted(n for n, block in mainnet_index().items() if block["fork"] not in FORKS)
SLOW = sorted(n for n in mainnet_index() if n not in QUICK and n not in UNSUPPORTED)


@pytest.fixture(scope="module")
def executor():
    with Executor(Config(gate=False), workers=2) as executor:
        yield executor


def test_the_quick_blocks_cover_byzantium_to_cancun() -> None:
    forks = {mainnet_index()[number]["fork"] for number in QUICK}
    names = list(FORKS)
    wanted = set(names[names.index("byzantium") : names.index("cancun") + 1])
    # Mainnet had Petersburg, which is there by the name of Constantinople.
    assert forks >= wanted - {"petersburg"}


@pytest.mark.parametrize("number", sorted(mainnet_index()))
def test_a_block_equals_sequential_and_its_header(number: int, executor: Executor) -> None:
    _check(number, executor, "evm")


@pytest.mark.parametrize("number", QUICK)
def test_a_block_equals_sequential_and_its_header_on_pyevm(number: int, executor: Executor) -> None:
    _check(number, executor, "py-evm")


@pytest.mark.slow
@pytest.mark.parametrize("number", SLOW)
def test_a_slow_block_equals_sequential_and_its_header_on_pyevm(
    number: int, executor: Executor
) -> None:
    _check(number, executor, "py-evm")


@pytest.mark.parametrize("number", UNSUPPORTED)
def test_a_block_of_a_later_fork_is_refused_by_pyevm(number: int) -> None:
    with pytest.raises(ConfigError, match=mainnet_index()[number]["fork"]):
        prepare_file(read_block_file(mainnet_block(number)), "py-evm")


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
def test_the_block_of_self_destructs_has_them(vm: VMName, executor: Executor) -> None:
    prepared = prepare_file(read_block_file(mainnet_block(SELF_DESTRUCTS)), vm)
    writes = prepared.run(executor.execute_block).writes
    destroyed = [change for change in writes.values() if change.exists is False]
    assert len(destroyed) == 31
    assert all(change.cleared and change.code_hash == keccak(b"") for change in destroyed)


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
@pytest.mark.parametrize("number", [8889776, 12300570, 14396881, 19923400])
def test_fees_are_paid_without_a_read_of_the_beneficiary(number: int, vm: VMName) -> None:
    """Even where the beneficiary sends: that it can pay is a condition, not a read."""
    prepared = prepare_file(read_block_file(mainnet_block(number)), vm)
    location = (prepared.vm.block.coinbase, "balance")
    used: list[str] = []

    class Watched:
        def __init__(self, view: Any) -> None:
            self.view = view
            self.index = view.index

        def __getattr__(self, name: str) -> Any:
            def call(key: Any, *rest: Any) -> Any:
                if key == location:
                    used.append(name)
                return getattr(self.view, name)(key, *rest)

            return call

    def watched(steps: Any, state: Any, vm: Any, limit: Any = None) -> BlockResult:
        return reference.execute_block(
            steps, state, lambda view, step: vm(Watched(view), step), limit=limit
        )

    prepared.run(watched)
    assert set(used) <= {"add", "at_least"}
    assert used.count("add") >= len(prepared.block.transactions) - 1


def _check(number: int, executor: Executor, vm: VMName) -> None:
    prepared = prepare_file(read_block_file(mainnet_block(number)), vm)
    run = prepared.run(executor.execute_block)
    expected = prepared.run(reference.execute_block)

    assert run.receipts == expected.receipts
    assert run.requests == expected.requests
    assert_same_result(run.result, expected.result)
    assert dict(run.writes) == dict(expected.writes)
    assert list(run.writes) == list(expected.writes)
    assert run.result.stats.workers == min(2, max(1, len(prepared.steps)))

    checks = block_checks(prepared) | run_checks(prepared, run)
    assert [name for name, holds in checks.items() if holds is False] == []
    assert checks["gas_used"]
    assert checks["logs_bloom"]
    if number >= 4_370_000:
        assert checks["receipts_root"]

    witness = mainnet_witness(number)
    if witness is not None:
        state = WitnessState(read_witness(witness))
        assert state.root_after(run.writes) == prepared.block.header.state_root
