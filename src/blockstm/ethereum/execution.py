"""From a block file to receipts: a block's transactions on py-evm, by any `execute_block`.

The engine itself is an argument: this layer knows what a block means, not how it is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

from blockstm.errors import Invalid, InvalidBlock
from blockstm.ethereum.blockfile import BlockFile
from blockstm.ethereum.forks import mainnet_fork
from blockstm.ethereum.receipt import Receipt
from blockstm.ethereum.senders import recover_senders
from blockstm.reference import execute_block as execute_in_order
from blockstm.types import DELETED, BlockResult, Outcome
from blockstm.vm.pyevm import Account, AccountState, BlockContext, Execution, Ommer, PyEvm
from blockstm.vm.pyevm import Withdrawal as Payment

__all__ = ["BlockRun", "ExecuteBlock", "PreparedBlock", "StateAfter", "prepare"]


class ExecuteBlock(Protocol):
    """``execute_block`` of an `Executor` or of the reference."""

    def __call__(
        self, transactions: Sequence[Any], state: Any, vm: Any, /, *, limit: Any
    ) -> BlockResult:
        """Run a block; see `blockstm.execute_block`."""


class StateAfter:
    """A state with writes on top of it. Immutable; safe from any thread if ``below`` is."""

    def __init__(self, below: Any, writes: Any) -> None:
        self._below = below
        self.writes = dict(writes)

    def get(self, key: Any) -> Any:
        """The value at ``key``, None where there is none."""
        if key not in self.writes:
            return self._below.get(key)
        value = self.writes[key]
        return None if value is DELETED else value


@dataclass(frozen=True, slots=True)
class BlockRun:
    """What executing a block gave.

    Attributes:
        result: the engine's result: outcomes, writes and statistics of the transactions.
        receipts: one per transaction.
        requests: withdrawal and consolidation requests; None before Prague or without the
            contracts that collect them.
        state: the state after the block, system calls, withdrawals and rewards included.
    """

    result: BlockResult
    receipts: tuple[Receipt, ...]
    requests: tuple[bytes, bytes] | None
    state: StateAfter


@dataclass(frozen=True, slots=True)
class PreparedBlock:
    """A block that is ready to run, any number of times: decoded, its senders recovered.

    Attributes:
        file: what was prepared.
        fork: the name of its fork.
        vm: py-evm in this block.
        transactions: py-evm's, each with its sender.
        state: what the transactions start from: after the block's first system calls.
    """

    file: BlockFile
    fork: str
    vm: PyEvm
    transactions: tuple[Any, ...]
    state: StateAfter

    def run(self, execute_block: ExecuteBlock) -> BlockRun:
        """Execute the block.

        Raises:
            BlockError: see `blockstm.execute_block`; also if a transaction needs more gas than
                the ones before it left in the block.
        """
        gas = _GasLeft(self.file.block.header.gas_limit, self.transactions)
        result = execute_block(self.transactions, self.state, self.vm, limit=gas.is_short_for)
        if result.cut is not None:
            raise _no_gas_left(result.cut, gas.left, result)
        block = self.file.block
        ommers = tuple(Ommer(ommer.number, ommer.coinbase) for ommer in block.ommers or ())
        payments = tuple(Payment(w.address, w.amount_gwei) for w in block.withdrawals or ())
        state = StateAfter(self.state, result.writes)
        requests, state = _step(state, lambda view: self.vm.end_block(view, ommers, payments))
        return BlockRun(result, self._receipts(result), requests, state)

    def _receipts(self, result: BlockResult) -> tuple[Receipt, ...]:
        executions: list[Execution] = [outcome.value for outcome in result.outcomes]
        totals = accumulate(execution.gas_used for execution in executions)
        return tuple(
            Receipt(transaction.type, done.succeeded, total, done.logs)
            for transaction, done, total in zip(
                self.file.block.transactions, executions, totals, strict=True
            )
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
    error = InvalidBlock(f"transaction {index} is invalid: {cause}", index, prefix)
    error.__cause__ = cause
    return error


def prepare(file: BlockFile, workers: int | None = None) -> PreparedBlock:
    """Decode a block for py-evm and recover its senders, with ``workers`` threads.

    Raises:
        ConfigError: py-evm does not have the block's fork.
        DecodeError: a signature belongs to no key.
        InputError: a transaction is not one of the block's fork.
    """
    header = file.block.header
    fork = mainnet_fork(header.number, header.timestamp)
    vm = PyEvm(fork, _context(file))
    senders = recover_senders(file.block.transactions, "block.transactions", workers)
    transactions = tuple(
        vm.decode(transaction.encode(), sender)
        for transaction, sender in zip(file.block.transactions, senders, strict=True)
    )
    _, state = _step(_state_before(file), vm.begin_block)
    return PreparedBlock(file, fork, vm, transactions, state)


def _step(state: Any, step: Callable[[Any], Any]) -> tuple[Any, StateAfter]:
    """Run one system step on a state: what it returned, and the state after it."""
    result = execute_in_order([None], state, lambda view, _: step(view))
    return result.outcomes[0].value, StateAfter(state, result.writes)


def _state_before(file: BlockFile) -> AccountState:
    return AccountState(
        {
            address: Account(a.balance, a.nonce, a.code, a.code_hash, a.storage)
            for address, a in file.accounts.items()
        }
    )


def _context(file: BlockFile) -> BlockContext:
    header = file.block.header
    return BlockContext(
        number=header.number,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        difficulty=header.difficulty,
        mix_hash=header.mix_hash,
        base_fee_per_gas=header.base_fee_per_gas,
        excess_blob_gas=header.excess_blob_gas,
        parent_hash=header.parent_hash,
        parent_beacon_block_root=header.parent_beacon_block_root,
        block_hashes={header.number - 1: header.parent_hash, **file.block_hashes},
    )
