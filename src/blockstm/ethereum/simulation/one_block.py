"""One simulated block: its start, its calls, its end, its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blockstm.errors import SimulationError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, contract_address
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.calls.authorities import authorities_of
from blockstm.ethereum.calls.message import Message, priced
from blockstm.ethereum.calls.overrides import moved_precompiles, override_writes
from blockstm.ethereum.calls.results import CallResult
from blockstm.ethereum.calls.unsigned import unsigned_transaction
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.execution.preparation import context_of
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.requests import requests_of
from blockstm.ethereum.rules.rewards import rewards
from blockstm.ethereum.simulation.call_logs import CallLogs
from blockstm.ethereum.simulation.chain_state import ChainState
from blockstm.ethereum.simulation.headers import final_header, first_header
from blockstm.ethereum.simulation.requested import NumberedBlock
from blockstm.ethereum.simulation.results import SimulatedBlock, SimulatedCall
from blockstm.state.accounts import balance_of, nonce_of
from blockstm.types import Hash32, Outcome, Status
from blockstm.vm.evm import BlockEnd, BlockStart, Evm, Execution, SystemOutputs, Unsigned
from blockstm.vm.forks import AMSTERDAM, BYZANTIUM, PRAGUE, SHANGHAI, Fork

__all__ = ["OneBlock"]


class OneBlock:
    """A block while it is simulated. For one thread, and one run.

    Args:
        place: among the blocks of the simulation.
        block: what is asked for.
        parent: the header before.
        chain: whose block it is.
        fork: whose rules hold.
        block_hashes: number → hash of the blocks before its parent.
        state: moved on by it.
        is_validated: whether nonces and fees are checked.
        traces_transfers: whether ether that moves is among the logs.
    """

    def __init__(
        self,
        place: int,
        block: NumberedBlock,
        parent: Header,
        chain: Chain,
        fork: Fork,
        block_hashes: Mapping[int, Hash32],
        state: ChainState,
        *,
        is_validated: bool,
        traces_transfers: bool,
    ) -> None:
        self._place = place
        self._asked = block
        self._chain = chain
        self._fork = fork
        self._state = state
        self._is_validated = is_validated
        self._traces_transfers = traces_transfers
        self._header = first_header(block, parent, chain, fork, is_validated=is_validated)
        hashes = {**block_hashes, parent.number: self._header.parent_hash}
        context = context_of(self._header, fork, chain.chain_id, hashes)
        if block.fields.blob_base_fee is not None:
            context = replace(context, blob_base_fee=block.fields.blob_base_fee)
        precompiles = moved_precompiles(block.overrides, fork, chain.precompiles)
        self._vm = Evm(fork, context, precompiles=precompiles, opcodes=chain.opcodes)
        self._transactions: list[Transaction] = []
        self._calls: list[SimulatedCall] = []
        self._receipts: list[Receipt] = []
        self._accesses: list[bytes] = []
        self._gas_used = 0
        self._next_log = 0

    def run(self, budget: int) -> tuple[SimulatedBlock, int]:
        """The block, and how much gas is left of the ``budget`` of the simulation.

        Raises:
            SimulationError: a call cannot begin, or a system call fails.
        """
        self._state.write(override_writes(self._state, self._asked.overrides))
        before = self._state.snapshot()
        start = self._state.run(BlockStart(), self._vm)
        self._accesses.append(start.value.accesses if start.value else b"")
        for place, message in enumerate(self._asked.calls):
            budget -= self._call(place, message, budget)
        requests = self._end()
        access_list = None
        if self._header.block_access_list_hash is not None:
            access_list = fold_accesses(
                self._accesses, lambda address: before.get(balance_of(address), 0)
            )
        header = final_header(
            self._header,
            self._asked,
            self._transactions,
            self._receipts,
            self._block_gas(),
            self._state.root(),
            requests,
            access_list,
        )
        withdrawals = None
        if self._fork >= SHANGHAI:
            withdrawals = tuple(self._asked.fields.withdrawals or ())
        block = Block(
            header.hash,
            header,
            tuple(self._transactions),
            withdrawals,
            (),
            senders=tuple(call.sender for call in self._calls),
            access_list=access_list,
        )
        done = SimulatedBlock(block, self._fork, tuple(self._calls), tuple(self._receipts))
        return done, budget

    def _block_gas(self) -> int:
        """From Amsterdam on the greater of two kinds, before refunds (EIP-7778, EIP-8037)."""
        if self._fork < AMSTERDAM:
            return self._gas_used
        done = [each.result.execution for each in self._calls]
        executions = [each for each in done if each is not None]
        return max(
            sum(each.gas_before_refund for each in executions),
            sum(each.state_gas for each in executions),
        )

    # ---- a call

    def _call(self, place: int, given: Message, budget: int) -> int:
        """How much gas it used."""
        message = self._resolved(place, given, budget)
        transaction = unsigned_transaction(message, self._chain.chain_id)
        watcher = CallLogs(self._next_log, has_transfers=self._traces_transfers)
        vm = self._vm.inspected_by(watcher)
        [authorities] = authorities_of([message])
        step = Unsigned(priced(message), authorities, self._is_validated, keeps_changes=True)
        outcome = self._state.run(step, vm)
        if outcome.status is Status.SKIPPED:
            raise self._refused(outcome, place)
        execution: Execution = outcome.value
        created = contract_address(transaction, message.sender)
        result = CallResult(execution, created=created)
        self._calls.append(SimulatedCall(result, tuple(watcher.logs), message.sender))
        self._next_log = watcher.next_number
        self._transactions.append(transaction)
        self._accesses.append(execution.accesses)
        self._gas_used += execution.gas_used
        self._receipts.append(self._receipt(transaction, result))
        return execution.gas_used

    def _resolved(self, place: int, message: Message, budget: int) -> Message:
        """With the sender's nonce, and all the gas that is left where it asks for none."""
        left = self._header.gas_limit - self._gas_used
        gas = left if message.gas is None else message.gas
        if gas > left:
            raise SimulationError(
                f"block gas limit reached: remaining: {left}, required: {gas}",
                Reason.GAS_ABOVE_BLOCK,
                self._place,
                place,
            )
        nonce = message.nonce
        if nonce is None:
            nonce = self._state.get(nonce_of(message.sender), 0)
        return replace(message, gas=min(gas, budget), nonce=nonce)

    def _receipt(self, transaction: Transaction, result: CallResult) -> Receipt:
        return Receipt(
            transaction.type,
            result.succeeded,
            self._gas_used,
            result.logs,
            self._state.root() if self._fork < BYZANTIUM else None,
            result.gas_used,
            result.created,
        )

    # ---- the end

    def _end(self) -> tuple[bytes, ...] | None:
        """Its requests; None before Prague."""
        unfinished = Block(self._header.hash, self._header, (), None, ())
        withdrawals = self._asked.fields.withdrawals or ()
        collects = self._fork >= PRAGUE
        end = BlockEnd(
            [(each.address, each.amount_wei) for each in withdrawals],
            rewards(unfinished, self._fork),
            collects_requests=collects,
        )
        outcome = self._state.run(end, self._vm)
        if outcome.status is Status.SKIPPED:
            raise self._refused(outcome, None)
        outputs: SystemOutputs = outcome.value
        self._accesses.append(outputs.accesses)
        if not collects:
            return None
        return requests_of(
            self._receipts,
            outputs.withdrawal_requests,
            outputs.consolidation_requests,
            self._chain.deposit_contract,
            builder_deposits=outputs.builder_deposit_requests,
            builder_exits=outputs.builder_exit_requests,
        )

    def _refused(self, outcome: Outcome, call: int | None) -> SimulationError:
        error: Any = outcome.error
        return SimulationError(str(error), error.reason, self._place, call)
