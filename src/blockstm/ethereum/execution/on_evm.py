"""Ethereum blocks on the native EVM: one list of steps, system calls and withdrawals included, so
that the engine runs all of a block in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blockstm._native.evm.transaction.result_decoding import StepResults
from blockstm.cores import usable_cores
from blockstm.errors import (
    InvalidBlock,
    StateError,
    TransactionError,
)
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.chains.dao import DAO_ACCOUNTS, DAO_REFUND_CONTRACT
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock
from blockstm.ethereum.execution.senders import recover_authorities
from blockstm.ethereum.execution.step_errors import error_of_the_block
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.results.block_accesses import accesses_of
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.ethereum.results.outcomes import TransactionOutcomes, of_transactions
from blockstm.ethereum.results.own_receipts import with_own_members
from blockstm.ethereum.rules.requests import request_contracts, requests_of
from blockstm.ethereum.rules.rewards import rewards
from blockstm.state.accounts import balance_of, code_hash_of
from blockstm.state.changes import AccountChanges
from blockstm.types import Address, BlockResult
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import BlockEnd, BlockStart, BlockSteps, Evm, Step, SystemOutputs
from blockstm.vm.evm.own_rules import SystemCall, SystemStep
from blockstm.vm.evmc import EvmcVm
from blockstm.vm.forks import AMSTERDAM, PRAGUE, Fork

__all__ = ["BlockOnEvm", "in_block", "prepare_on_evm"]


def prepare_on_evm(
    block: Block,
    state: Any,
    fork: Fork,
    chain: Chain,
    context: BlockContext,
    senders: Sequence[Address],
    workers: int | None,
    inspector: Any = None,
    *,
    keeps_accesses: bool = False,
    evmc: EvmcVm | None = None,
) -> BlockOnEvm:
    """See `blockstm.ethereum.execution.preparation.prepare`.

    Where a source has only the hashes of the ommers, nobody is rewarded for them.
    """
    drained = DAO_ACCOUNTS if chain.dao_fork_block == block.header.number else ()
    steps = BlockSteps(
        BlockStart(
            drained,
            DAO_REFUND_CONTRACT if drained else None,
            [in_block(each, block) for each in chain.rules.before],
        ),
        block.transaction_list,
        senders,
        recover_authorities(block.transaction_list, workers),
        BlockEnd(
            [(w.address, w.amount_wei) for w in block.withdrawals or ()],
            rewards(block if block.ommers is not None else replace(block, ommers=()), fork),
            collects_requests=fork >= PRAGUE and not _lacks_request_contracts(state, fork),
            own=[in_block(each, block) for each in chain.rules.after],
        ),
        workers=workers or usable_cores(),
    )
    if keeps_accesses:
        context = replace(context, has_access_list=True)
    vm = Evm(
        fork,
        context,
        precompiles=chain.precompiles,
        opcodes=chain.opcodes,
        evmc=evmc,
        own_rules=chain.rules.of_transactions,
    )
    watched = vm if inspector is None else vm.inspected_by(inspector)
    bound = vm.bind(steps)
    return BlockOnEvm(block, fork, chain, state, senders, vm, bound, watched, keeps_accesses)


def in_block(step: SystemStep, block: Block) -> SystemStep:
    """A step of a chain's own with the input that it has in a block."""
    if isinstance(step, SystemCall):
        return replace(step, input=step.input_in(block.header))
    return step


def _lacks_request_contracts(state: Any, fork: Fork) -> bool:
    """Whether a state that need not be complete is without the contracts that collect requests."""
    return getattr(state, "partial", False) and not all(
        state.get(code_hash_of(address)) for address in request_contracts(fork)
    )


def _block_gas(done: StepResults, fork: Fork) -> int:
    """The gas that the header names: from Amsterdam on without refunds (EIP-7778), and the greater
    of execution gas and state gas (EIP-8037)."""
    return max(done.execution_gas, done.state_gas) if fork >= AMSTERDAM else done.gas_used


@dataclass(frozen=True, slots=True)
class BlockOnEvm(PreparedBlock):
    """A block for the native EVM; its steps are a `BlockStart`, the transactions, a `BlockEnd`.

    Attributes:
        watched: ``vm`` under the eyes of an inspector, if there is one: what runs the block, but
            not what runs a transaction once more for the state root behind it.
        keeps_accesses: whether its result tells what each transaction looked at and changed.
    """

    watched: Evm
    keeps_accesses: bool = False

    @property
    def transaction_steps(self) -> range:
        return range(1, 1 + len(self.block.transaction_list))

    def run(self, execute_block: ExecuteBlock) -> ExecutedBlock:
        return self.executed_of(self._run(self.steps, execute_block))

    def executed_of(self, result: BlockResult) -> ExecutedBlock:
        """The result of the block, from the engine's of its steps."""
        done = StepResults(result.outcomes, self.block.transaction_list.types)
        flat = FlatReceipts(done.receipts, self.block.transaction_list, self.senders)
        outcomes = TransactionOutcomes(result.outcomes, self.transaction_steps)
        receipts = with_own_members(flat, outcomes, self.block, self.senders, self.chain.rules)
        has_list = self.block.header.block_access_list_hash is not None
        access_list = accesses = None
        if has_list or self.keeps_accesses:
            access_list = self._access_list(result.outcomes, done)
        if access_list is not None and self.keeps_accesses:
            accesses = accesses_of(done.accesses(), self.senders, access_list)
        return ExecutedBlock(
            receipts=receipts,
            outcomes=outcomes,
            requests=self.requests_of(result.outcomes[-1].value, flat),
            writes=AccountChanges(result.writes, self.state, trusted=True),
            result=result,
            gas_used=_block_gas(done, self.fork),
            execution_gas=done.execution_gas,
            state_gas=done.state_gas,
            access_list=access_list if has_list else None,
            accesses=accesses,
            stats=result.stats,
        )

    def run_transactions(self, execute_block: ExecuteBlock) -> BlockResult:
        result = self._run(self.steps[:-1], execute_block)
        return of_transactions(result, self.transaction_steps)

    def run_part(self, places: slice, execute_block: ExecuteBlock) -> BlockResult:
        """Run some of the steps alone, on the state as it is."""
        return self._run(self.steps[places], execute_block)

    def first_writes(self, execute_block: ExecuteBlock) -> Mapping[Any, Any]:
        return execute_block(self.steps[:1], self.state, self.vm).writes

    def _run(self, steps: Sequence[Step], execute_block: ExecuteBlock) -> BlockResult:
        try:
            return execute_block(steps, self.state, self.watched)
        except (InvalidBlock, StateError, TransactionError) as error:
            raise error_of_the_block(error, self.transaction_steps) from error.__cause__

    def _access_list(self, outcomes: Sequence[Any], done: StepResults) -> BlockAccessList:
        start, *_, end = outcomes
        return fold_accesses(
            [start.value.accesses, *done.accesses(), end.value.accesses],
            lambda address: self.state.get(balance_of(address), 0),
            lambda location: self.state.get(location) is not None,
        )

    def requests_of(
        self, outputs: SystemOutputs | None, receipts: Iterable[Receipt]
    ) -> tuple[bytes, ...] | None:
        """The block's requests, by what its end put out; None where it collects none."""
        if outputs is None or not self.steps[-1].collects_requests:
            return None
        return requests_of(
            receipts,
            outputs.withdrawal_requests,
            outputs.consolidation_requests,
            self.chain.deposit_contract,
            builder_deposits=outputs.builder_deposit_requests,
            builder_exits=outputs.builder_exit_requests,
        )
