"""Transactions run in an environment, in order; those that do not fit are left out.

What is made is a whole block: the system calls before and after its transactions, withdrawals,
requests, rewards. It has no header to be compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from blockstm.errors import InvalidBlock, StateError, TransactionError
from blockstm.ethereum.blocks.access_list import ITEM_GAS
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.chains.dao import DAO_ACCOUNTS, DAO_REFUND_CONTRACT
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.on_evm import BlockOnEvm, in_block
from blockstm.ethereum.execution.preparation import context_of
from blockstm.ethereum.execution.senders import find_senders, recover_authorities
from blockstm.ethereum.execution.state_roots import roots_after_transactions, state_root_after
from blockstm.ethereum.execution.step_errors import error_of_the_block
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.ethereum.rules.block_rules import BLOCK_SIZE_MAX
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.requests import request_contracts
from blockstm.ethereum.rules.transaction_rules import transaction_violation
from blockstm.ethereum.tracing.tracer import Tracer
from blockstm.ethereum.transition.environment import Environment
from blockstm.ethereum.transition.inputs import GivenTransaction
from blockstm.ethereum.transition.rejections import Rejection, words_of
from blockstm.state.accounts import AccountState, code_hash_of
from blockstm.types import Address, BlockResult, Hash32, Outcome, Status
from blockstm.vm.evm import BlockEnd, BlockStart, BlockSteps, Evm
from blockstm.vm.evm.inspection import Recorder
from blockstm.vm.forks import BYZANTIUM, HOMESTEAD, OSAKA, OSAKA_ACCESS_LISTS, PARIS, PRAGUE, Fork

if TYPE_CHECKING:
    from blockstm.ethereum.witnesses.witness import Witness

__all__ = ["Transition", "transition"]

_BY_ITSELF: Final = frozenset({Reason.SIGNATURE, Reason.CHAIN_ID, Reason.FEE_OVERFLOW})
"""What the EVM does not check, or not with numbers: it never meets such a transaction."""


class RunSteps(Protocol):
    """``execute_block`` of an `Executor`."""

    def __call__(
        self,
        transactions: Sequence[Any],
        state: Any,
        vm: Any,
        /,
        *,
        limit: Any = None,
        on_invalid: Literal["raise", "skip"] = "raise",
    ) -> BlockResult:
        """Run steps; see `blockstm.execute_block`."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What came of an environment, a state and transactions.

    Attributes:
        environment: complete: with base fee, difficulty and excess blob gas.
        fork: whose rules held.
        block: the transactions that fit, with the header as far as it is known before execution.
        senders: of those.
        executed: what they did.
        rejected: the transactions that were left out.
        state_root: after the block.
        exception: why the block is invalid although all its transactions are good, in
            go-ethereum's words; empty where it is not.
        witness: what the block asks of the state, with its proof, but for headers, which no
            environment has; None where it was not asked for.
    """

    environment: Environment
    fork: Fork
    block: Block
    senders: tuple[Address, ...]
    executed: ExecutedBlock
    rejected: tuple[Rejection, ...]
    state_root: Hash32
    exception: str = ""
    witness: Witness | None = None


def transition(
    execute_block: RunSteps,
    environment: Environment,
    given: Sequence[GivenTransaction],
    state: AccountState,
    chain: Chain,
    reward: int | None = None,
    tracer: Tracer | None = None,
    recorder: Recorder | None = None,
    *,
    with_witness: bool = False,
) -> Transition:
    """Run transactions in an environment; ``state`` is not changed.

    Args:
        execute_block: of an `Executor`.
        environment: the block that is to be.
        given: the transactions, in order.
        state: what the block starts from, complete.
        chain: whose block it is; says the fork.
        reward: of the block in wei, as it is before ommers; None: nobody is rewarded, nor touched.
        tracer: makes traces of the transactions that fit: ``executed.traces``.
        recorder: records all steps of the block, system calls included.
        with_witness: whether its witness is made.

    Raises:
        MissingMember: the environment lacks something.
        StateError: BLOCKHASH asked for the hash of a block that is not given.
    """
    fork = environment.fork_on(chain)
    environment = environment.completed(fork, chain)
    maker = _Maker(execute_block, environment, fork, chain, state, reward)
    fitting, rejected = maker.choose(given)
    made = maker.make(fitting, rejected, tracer)
    if recorder is not None:
        maker.record(fitting, recorder)
    return maker.witnessed(made, fitting) if with_witness else made


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A transaction that may fit: its place among those given, and its sender."""

    index: int
    transaction: Transaction
    sender: Address


@dataclass(frozen=True, slots=True)
class _Maker:
    """One transition on its way."""

    execute_block: RunSteps
    environment: Environment
    fork: Fork
    chain: Chain
    state: AccountState
    reward: int | None

    # ---- which transactions fit

    def choose(
        self, given: Sequence[GivenTransaction]
    ) -> tuple[list[_Candidate], tuple[Rejection, ...]]:
        """The transactions that fit, and those that do not."""
        candidates, rejected = self._sound(given)
        if not candidates:
            return candidates, tuple(rejected)
        prepared = self._prepared(candidates, collects=False)
        fitting = []
        for candidate, outcome in zip(candidates, self._outcomes(prepared), strict=True):
            if outcome.status is Status.SKIPPED:
                rejected.append(self._rejection(candidate, outcome.error))
            else:
                fitting.append(candidate)
        return fitting, tuple(sorted(rejected, key=lambda each: each.index))

    def _outcomes(self, prepared: BlockOnEvm) -> Sequence[Outcome]:
        """Of all transactions that may fit, those that do not fit skipped."""
        steps = prepared.steps[:-1]
        try:
            result = self.execute_block(steps, self.state, prepared.vm, on_invalid="skip")
        except (StateError, TransactionError) as error:
            raise error_of_the_block(error, prepared.transaction_steps) from error.__cause__
        return list(result.outcomes)[1:]

    def _sound(self, given: Sequence[GivenTransaction]) -> tuple[list[_Candidate], list[Rejection]]:
        """Those that the EVM may be given, and those that break a rule before it."""
        read = [each.transaction for each in given if each.transaction is not None]
        senders = iter(find_senders(read, 1, high_s_allowed=self.fork < HOMESTEAD))
        candidates, rejected = [], []
        for index, each in enumerate(given):
            transaction = each.transaction
            sender = None if transaction is None else next(senders)
            if transaction is None or each.error:
                rejected.append(Rejection(index, each.error, each.reason))
                continue
            violation = self._violation(transaction, sender)
            if violation is not None:
                words, reason = words_of(transaction, sender, violation)
                rejected.append(Rejection(index, words, reason))
            elif transaction.blob_hashes and self.environment.excess_blob_gas is None:
                words = "blob tx used but field env.ExcessBlobGas missing"
                rejected.append(Rejection(index, words))
            elif sender is not None:
                candidates.append(_Candidate(index, transaction, sender))
        return candidates, rejected

    def _violation(self, transaction: Transaction, sender: Address | None) -> Violation | None:
        found = transaction_violation(
            transaction, self.fork, self.chain.chain_id, sender, self.chain.rules.types
        )
        if found is not None and found.reason == Reason.CHAIN_ID:
            return _WithNumbers(
                found.reason, found.detail, None, transaction.chain_id or 0, self.chain.chain_id
            )
        if found is not None and found.reason in _BY_ITSELF:
            return found
        if sender is None:
            return Violation(Reason.SIGNATURE, "the signature belongs to no key")
        return None

    def _rejection(self, candidate: _Candidate, error: Any) -> Rejection:
        have, want = error.have, error.want
        if error.reason == Reason.BLOB_GAS_ABOVE_BLOCK:
            most = self.fork.blobs.max if self.fork.blobs else 0
            have, want = (most - want + have) * GAS_PER_BLOB, most * GAS_PER_BLOB
        if error.reason == Reason.SENDER_HAS_CODE:
            account = self.state.account(candidate.sender)
            have = len(account.code or b"") if account else 0
        numbers = _WithNumbers(Reason(error.reason), str(error), None, have, want)
        words, reason = words_of(candidate.transaction, candidate.sender, numbers)
        return Rejection(candidate.index, words, reason)

    # ---- the block of those that do

    def make(
        self,
        fitting: Sequence[_Candidate],
        rejected: tuple[Rejection, ...],
        tracer: Tracer | None,
    ) -> Transition:
        """The block of transactions that fit."""
        exception = ""
        prepared = self._prepared(fitting, collects=True)
        try:
            executed = self._run(prepared, tracer)
        except InvalidBlock as error:
            exception = _OF_THE_BLOCK.get(error.reason or "", "")
            if not exception:
                raise
            prepared = self._prepared(fitting, collects=False)
            executed = self._run(prepared, tracer)
        if self.fork < BYZANTIUM and fitting:
            roots = roots_after_transactions(prepared, self.execute_block, 1)
            assert roots is not None  # the state is complete
            receipts = cast(FlatReceipts, executed.receipts).with_state_roots(roots)
            executed = replace(executed, receipts=receipts)
        root = state_root_after(self.state, executed.writes, 1)
        assert root is not None
        block = prepared.block
        senders = tuple(prepared.senders)
        exception = exception or _too_large(executed, block, self.fork)
        return Transition(
            self.environment, self.fork, block, senders, executed, rejected, root, exception
        )

    def _run(self, prepared: BlockOnEvm, tracer: Tracer | None) -> ExecutedBlock:
        if tracer is None:
            return prepared.run(self.execute_block)
        from blockstm.ethereum.execution.traced import run_traced  # few ask for traces

        return run_traced(prepared, tracer, self.execute_block)

    def record(self, fitting: Sequence[_Candidate], recorder: Recorder) -> None:
        """Run the block of these transactions once more, for a recorder."""
        prepared = self._prepared(fitting, collects=True)
        watched = prepared.vm.inspected_by(recorder)
        self.execute_block(prepared.steps, self.state, watched, on_invalid="skip")

    def witnessed(self, made: Transition, fitting: Sequence[_Candidate]) -> Transition:
        """A transition with its witness."""
        # Few ask for it, and it takes a fresh process longer to load than the rest.
        from blockstm.ethereum.transition.witnessing import witness_of

        collects = made.exception not in _OF_THE_BLOCK.values()
        prepared = self._prepared(fitting, collects=collects)
        return replace(made, witness=witness_of(prepared, made.state_root))

    def _collects_nothing(self) -> bool:
        """Whether the state has none of the contracts that collect requests.

        It is that of a test of one transaction then; a block that only lacks some is invalid.
        """
        contracts = request_contracts(self.fork)
        return all(self.state.get(code_hash_of(each)) is None for each in contracts)

    def _prepared(self, candidates: Sequence[_Candidate], *, collects: bool) -> BlockOnEvm:
        transactions = tuple(each.transaction for each in candidates)
        senders = tuple(each.sender for each in candidates)
        blobs = sum(len(each.blob_hashes) for each in transactions)
        header = self.environment.header(
            GAS_PER_BLOB * blobs, has_access_list=self.fork >= OSAKA_ACCESS_LISTS
        )
        withdrawals = self.environment.withdrawals
        block = Block(header.hash, header, transactions, withdrawals, ())
        hashes = self.environment.block_hashes or {}
        context = context_of(header, self.fork, self.chain.chain_id, hashes)
        collects = collects and self.fork >= PRAGUE and not self._collects_nothing()
        steps = BlockSteps(
            self._start(block),
            transactions,
            senders,
            recover_authorities(transactions, 1),
            BlockEnd(
                [(each.address, each.amount_wei) for each in withdrawals or ()],
                self._rewards(),
                collects_requests=collects,
                own=[in_block(each, block) for each in self.chain.rules.after],
            ),
        )
        own = self.chain
        vm = Evm(
            self.fork,
            context,
            precompiles=own.precompiles,
            opcodes=own.opcodes,
            own_rules=own.rules.of_transactions,
        )
        return BlockOnEvm(block, self.fork, self.chain, self.state, senders, vm, vm.bind(steps), vm)

    def _start(self, block: Block) -> BlockStart:
        own = [in_block(each, block) for each in self.chain.rules.before]
        if self.chain.dao_fork_block != self.environment.number:
            return BlockStart(own=own)
        return BlockStart(DAO_ACCOUNTS, DAO_REFUND_CONTRACT, own)

    def _rewards(self) -> list[tuple[Address, int]]:
        """The ommers' first, and then the coinbase's, as go-ethereum pays them.

        No reward touches the coinbase before Paris, and nobody from then on.
        """
        if self.reward is None or (self.fork >= PARIS and not self.reward):
            return []
        ommers = self.environment.ommers
        late = [(each.address, (8 - each.delta) * self.reward // 8) for each in ommers]
        return [*late, (self.environment.coinbase, self.reward + self.reward // 32 * len(ommers))]


def _too_large(executed: ExecutedBlock, block: Block, fork: Fork) -> str:
    """That the block, or the list of what it touches, is larger than its fork allows."""
    listed = executed.access_list
    if listed is not None and listed.item_count > block.header.gas_limit // ITEM_GAS:
        return "block access list exceeds gas limit"
    if fork >= OSAKA and len(block.encode()) > BLOCK_SIZE_MAX:
        return "block RLP-encoded size exceeds maximum"
    return ""


@dataclass(frozen=True, slots=True)
class _WithNumbers(Violation):
    """A violation with what the transaction has, and what the rule asks for."""

    have: int = 0
    want: int = 0


_OF_THE_BLOCK: Final[dict[str, str]] = {
    Reason.SYSTEM_CALL_FAILED: "system call failed to execute: execution reverted",
    Reason.SYSTEM_CONTRACT_MISSING: "empty system contract: no code",
    Reason.DEPOSIT_LAYOUT: "failed to parse deposit logs: unable to parse deposit data",
}
