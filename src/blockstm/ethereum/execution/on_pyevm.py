"""Ethereum blocks on py-evm; what comes before and after the transactions runs in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from blockstm.errors import ConfigError, Invalid, InvalidBlock
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt, contract_address
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock, StateAfter
from blockstm.ethereum.results.outcomes import TransactionOutcomes, of_transactions
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.requests import requests_of
from blockstm.reference import execute_block as execute_in_order
from blockstm.state.changes import AccountChanges
from blockstm.types import Address, BlockResult, Outcome
from blockstm.vm.context import BlockContext
from blockstm.vm.forks import Fork
from blockstm.vm.pyevm import Execution, Ommer, PyEvm, Withdrawal

__all__ = ["BlockOnPyEvm", "prepare_on_pyevm"]


def prepare_on_pyevm(
    block: Block,
    state: Any,
    fork: Fork,
    chain: Chain,
    context: BlockContext,
    senders: tuple[Address, ...],
) -> BlockOnPyEvm:
    """See `blockstm.ethereum.execution.preparation.prepare`."""
    if chain.precompiles:
        raise ConfigError('precompiles of a chain\'s own are for the native EVM, vm="evm"')
    if chain.opcodes:
        raise ConfigError('opcodes of a chain\'s own are for the native EVM, vm="evm"')
    if chain.rules.runs_transactions:
        raise ConfigError('rules of a chain\'s own are for the native EVM, vm="evm"')
    vm = PyEvm(fork.name, context)
    transactions = tuple(
        vm.decode(transaction.encode(), sender)
        for transaction, sender in zip(block.transactions, senders, strict=True)
    )
    return BlockOnPyEvm(block, fork, chain, state, senders, vm, transactions)


@dataclass(frozen=True, slots=True)
class BlockOnPyEvm(PreparedBlock):
    """A block for py-evm; its steps are py-evm's transactions."""

    def begin(self) -> StateAfter:
        """The state that the transactions start from: after the block's first system calls."""
        return _step(self.state, self.vm.begin_block)[1]

    def run(self, execute_block: ExecuteBlock) -> ExecutedBlock:
        begun = self.begin()
        result = self._run_on(begun, execute_block)
        block = self.block
        ommers = tuple(Ommer(ommer.number, ommer.coinbase) for ommer in block.ommers or ())
        payments = tuple(Withdrawal(w.address, w.amount_gwei) for w in block.withdrawals or ())
        state = StateAfter(begun, result.writes)
        collected, ended = _step(state, lambda view: self.vm.end_block(view, ommers, payments))
        receipts = self._receipts([outcome.value for outcome in result.outcomes])
        requests = None
        if collected is not None:
            withdrawals, consolidations = (request[1:] for request in collected)
            contract = self.chain.deposit_contract
            requests = requests_of(receipts, withdrawals, consolidations, contract)
        return ExecutedBlock(
            receipts=receipts,
            outcomes=TransactionOutcomes(result.outcomes, self.transaction_steps),
            requests=requests,
            writes=AccountChanges({**begun.writes, **result.writes, **ended.writes}, self.state),
            result=result,
            gas_used=result.gas_used,
            stats=result.stats,
        )

    def run_transactions(self, execute_block: ExecuteBlock) -> BlockResult:
        return of_transactions(self._run_on(self.begin(), execute_block), self.transaction_steps)

    def _run_on(self, begun: StateAfter, execute_block: ExecuteBlock) -> BlockResult:
        gas = _GasLeft(self.block.header.gas_limit, self.steps)
        result = execute_block(self.steps, begun, self.vm, limit=gas.is_short_for)
        if result.cut is not None:
            raise _no_gas_left(result.cut, gas.left, result)
        return result

    def first_writes(self, execute_block: ExecuteBlock) -> Mapping[Any, Any]:
        return self.begin().writes

    def _receipts(self, executions: list[Execution]) -> tuple[Receipt, ...]:
        totals = accumulate(execution.gas_used for execution in executions)
        rows = zip(self.block.transactions, self.senders, executions, totals, strict=True)
        return tuple(
            Receipt(
                transaction.type,
                done.succeeded,
                total,
                done.logs,
                gas_used=done.gas_used,
                contract_address=contract_address(transaction, sender),
            )
            for transaction, sender, done, total in rows
        )


class _GasLeft:
    """The gas that a block has left, counted down at the frontier, in block order."""

    def __init__(self, left: int, transactions: Sequence[Any]) -> None:
        self.left = left
        self._transactions = transactions

    def is_short_for(self, outcome: Outcome) -> bool:
        """Whether the transaction asks for more gas than is left; else takes what it used."""
        if self._transactions[outcome.index].gas > self.left:
            return True
        self.left -= outcome.gas_used
        return False


def _no_gas_left(index: int, left: int, prefix: BlockResult) -> InvalidBlock:
    cause = Invalid(f"it asks for more gas than the {left} left in the block")
    message = f"transaction {index} is invalid: {cause}"
    error = InvalidBlock(message, index, replace(prefix, cut=None), Reason.GAS_ABOVE_BLOCK)
    error.__cause__ = cause
    return error


def _step(state: Any, step: Callable[[Any], Any]) -> tuple[Any, StateAfter]:
    """Run one system step on a state: what it returned, and the state after it."""
    result = execute_in_order([None], state, lambda view, _: step(view))
    return result.outcomes[0].value, StateAfter(state, result.writes)
