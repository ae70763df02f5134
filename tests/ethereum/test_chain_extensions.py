"""A chain's own precompiles and an inspector, in whole Ethereum blocks."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ethereum.made import block_of, chain_under, sealed, signed, world

import blockstm
from blockstm.errors import ConfigError, InputError, TransactionError
from blockstm.ethereum import Block, prepare
from blockstm.types import Address, Hash32
from blockstm.vm.evm import Call, Inspector

AT = Address(b"\x0a" * 20)
FORKS = ["homestead", "london", "prague"]


def twice(data: bytes, gas: int) -> tuple[bytes, int]:
    """Its input two times, for a gas a byte."""
    return data * 2, len(data)


def made(fork: str, **members: Any) -> tuple[Block, Any, Any]:
    """A sealed block whose transactions call the precompile, the state before it, and its chain."""
    chain = chain_under(fork, **members)
    state = world()
    transactions = (
        signed(0, nonce=0, to=AT, data=b"\x01\x02"),
        signed(1, nonce=0),
        signed(0, nonce=1, to=AT, data=b"\x03", value=7),
    )
    block = block_of(transactions, fork)
    return sealed(block, state, chain=chain), state, chain


# ---- precompiles


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_block_of_a_chain_with_a_precompile_verifies(fork: str, workers: int) -> None:
    block, state, chain = made(fork, precompiles={AT: twice})
    executed = blockstm.execute_block(block, state, "evm", chain=chain, workers=workers)
    assert [each.value.output for each in executed.outcomes] == [b"\x01\x02" * 2, b"", b"\x03" * 2]
    assert executed.state_root == block.header.state_root


def test_the_same_block_breaks_a_rule_on_the_chain_without() -> None:
    block, state, _ = made("london", precompiles={AT: twice})
    with pytest.raises(blockstm.InvalidBlock) as raised:
        blockstm.execute_block(block, state, "evm", chain=chain_under("london"))
    assert raised.value.reason == "gas_used"


def test_a_chain_under_another_fork_keeps_its_precompiles() -> None:
    chain = chain_under("london", precompiles={AT: twice}).under("shanghai")
    assert chain.precompiles == {AT: twice}
    assert hash(chain) == hash(chain_under("london").under("shanghai"))


def test_an_exception_in_a_precompile_names_the_transaction() -> None:
    def broken(data: bytes, gas: int) -> tuple[bytes, int]:
        raise KeyError("mine")

    block, state, _ = made("london", precompiles={AT: twice})
    chain = chain_under("london", precompiles={AT: broken})
    with pytest.raises(TransactionError, match="the EVM failed in transaction 0") as raised:
        blockstm.execute_block(block, state, "evm", chain=chain)
    assert isinstance(raised.value.__cause__, KeyError)


def test_py_evm_has_no_precompiles_of_a_chain() -> None:
    block, state, chain = made("london", precompiles={AT: twice})
    with pytest.raises(ConfigError, match="for the native EVM"):
        blockstm.execute_block(block, state, "py-evm", chain=chain)


def test_what_is_no_mapping_or_no_callable_is_refused() -> None:
    wrong: Any = [(AT, twice)]
    with pytest.raises(ConfigError, match="a mapping by address"):
        chain_under("london", precompiles=wrong)
    block, state, _ = made("london")
    with pytest.raises(InputError, match="is a callable or a capsule"):
        blockstm.execute_block(
            block, state, "evm", chain=chain_under("london", precompiles={AT: 7})
        )


# ---- inspectors


class Calls(Inspector):
    """Keeps the calls of each step."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, Address | None]] = []
        self.index = -1

    def transaction(self, index: int) -> None:
        """A step of the block."""
        self.index = index

    def call(self, call: Call) -> None:
        """A call begins."""
        self.calls.append((self.index, call.target))


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("workers", [1, 2])
def test_each_transaction_of_a_block_is_told_once(fork: str, workers: int) -> None:
    """In Homestead, too, where transactions run once more for the state roots of receipts."""
    block, state, chain = made(fork)
    plain = blockstm.execute_block(block, state, "evm", chain=chain)
    inspector = Calls()
    executed = blockstm.execute_block(
        block, state, "evm", chain=chain, workers=workers, inspector=inspector
    )
    of_transactions = [call for call in inspector.calls if call[0] in (1, 2, 3)]
    assert [index for index, _ in of_transactions] == [1, 2, 3]
    assert [target for _, target in of_transactions] == [AT, block.transactions[1].to, AT]
    assert executed.receipts == plain.receipts
    assert executed.writes == plain.writes
    assert executed.state_root == plain.state_root == Hash32(block.header.state_root)


def test_a_prepared_block_is_told_each_time_it_runs() -> None:
    block, state, chain = made("london")
    inspector = Calls()
    prepared = prepare(block, state, chain=chain, inspector=inspector)
    with blockstm.Executor(workers=2) as executor:
        first = prepared.run(executor.execute_block)
        second = prepared.run(executor.execute_block)
    assert first.receipts == second.receipts
    half = len(inspector.calls) // 2
    assert inspector.calls[:half] == inspector.calls[half:] != []


def test_an_inspector_is_for_the_native_evm() -> None:
    block, state, chain = made("london")
    with pytest.raises(ConfigError, match="watches the native EVM"):
        blockstm.execute_block(block, state, "py-evm", chain=chain, inspector=Calls())


class Fails(Inspector):
    """Raises at once."""

    def call(self, call: Call) -> None:
        """A call begins."""
        raise LookupError("seen enough")


def test_an_exception_in_an_inspector_is_the_transactions() -> None:
    block, state, chain = made("london")
    with pytest.raises(TransactionError) as raised:
        blockstm.execute_block(block, state, "evm", chain=chain, inspector=Fails())
    assert raised.value.index == 0
    assert isinstance(raised.value.__cause__, LookupError)
