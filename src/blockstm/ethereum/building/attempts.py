"""Candidates tried together, until what is kept of them is a valid block.

The engine leaves out what breaks a rule in the state before it, or finds no gas or blobs left. Some
limits are of the block as a whole: where what is kept breaks one, the candidate at which it does is
left out and the others are tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from blockstm.engine import Engine
from blockstm.errors import InputError, InvalidBlock, StateError, TransactionError
from blockstm.ethereum.blocks.access_list import ITEM_GAS
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.building.hinting import CandidateHints, hints_of_candidates
from blockstm.ethereum.building.ordering import Candidate
from blockstm.ethereum.building.sealing import sealed, with_body
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.preparation import prepare_under
from blockstm.ethereum.execution.step_errors import error_of_the_block
from blockstm.ethereum.rules.block_rules import BLOCK_SIZE_MAX
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import BlockResult, Hash32, Outcome, Status
from blockstm.vm.forks import OSAKA, PRAGUE, Fork

__all__ = ["Attempts"]

_PREFIX_MAX: Final = 4  # bytes before an encoded transaction in its block
_HEADER_GROWTH_MAX: Final = 64  # bytes by which the numbers of a header grow when it is sealed


class Attempts:
    """The candidates for one block.

    Attributes:
        empty: the block without them.
        fork: whose rules hold.
        chain_id: of the chain.
        own_types: of transactions, of the chain's own, by their numbers.
        unfit: by a candidate's index, why it does not fit.
    """

    def __init__(
        self,
        engine: Engine,
        empty: Block,
        state: Any,
        fork: Fork,
        chain: Chain,
        block_hashes: Mapping[int, Hash32],
        hints: CandidateHints | None = None,
    ) -> None:
        self.empty = empty
        self.fork = fork
        self.chain_id = chain.chain_id
        self.own_types = chain.rules.types
        self.unfit: dict[int, Violation] = {}
        self._engine = engine
        self._state = state
        self._chain = chain
        self._block_hashes = block_hashes
        self._hints = hints

    def best(
        self, candidates: list[Candidate], *, stops_at_first: bool
    ) -> tuple[Block, ExecutedBlock, list[Candidate]]:
        """The block of those that fit, what it does, and which they are.

        Raises:
            InvalidBlock: one does not fit and the search stops there; or none would.
        """
        while True:
            prepared, result, kept = self._fitting(candidates)
            if stops_at_first and self.unfit:
                raise next(iter(self.unfit.values())).error()
            judged = self._judged(prepared, result, kept)
            if isinstance(judged, ExecutedBlock):
                engine = self._engine
                return *sealed(prepared, judged, engine.run, engine.workers), kept
            if judged.index is None:
                raise judged.error()
            worst = kept.pop(judged.index)
            self.unfit[worst.index] = judged.at(worst.index)
            candidates = kept

    # ---- one attempt

    def _fitting(
        self, candidates: Sequence[Candidate]
    ) -> tuple[BlockOnEvm, BlockResult, list[Candidate]]:
        """The block of what the engine keeps, and its result."""
        prepared = self._prepared(candidates)
        result = self._run(prepared, candidates)
        start, *outcomes, end = result.outcomes
        self._check_around(start)
        self._check_around(end)
        kept = []
        for candidate, outcome in zip(candidates, outcomes, strict=True):
            if outcome.status is Status.SKIPPED:
                self.unfit[candidate.index] = _why(outcome, candidate.index)
            else:
                kept.append((candidate, outcome))
        if len(kept) < len(candidates):
            prepared = self._prepared([candidate for candidate, _ in kept])
            there = (start, *(outcome for _, outcome in kept), end)
            listed = tuple(replace(each, index=index) for index, each in enumerate(there))
            result = replace(result, outcomes=listed)
        return prepared, result, [candidate for candidate, _ in kept]

    def _prepared(self, candidates: Sequence[Candidate]) -> BlockOnEvm:
        transactions = tuple(each.transaction for each in candidates)
        block = with_body(replace(self.empty, transactions=transactions))
        senders = [each.sender for each in candidates]
        workers = self._engine.workers
        prepared = prepare_under(
            self.fork, block, self._state, "evm", self._chain, self._block_hashes, senders, workers
        )
        assert isinstance(prepared, BlockOnEvm), "it is the native EVM that was asked for"
        if self.fork >= PRAGUE and not prepared.steps[-1].collects_requests:
            raise InputError(
                "a block is built on a state with the contracts that collect requests; this one is "
                "partial and lacks them"
            )
        return prepared

    def _run(self, prepared: BlockOnEvm, candidates: Sequence[Candidate]) -> BlockResult:
        hints = hints_of_candidates(self._hints, candidates, prepared.block)
        shifted = hints and hints.shifted(prepared.transaction_steps.start)
        given = (prepared.steps, self._state, prepared.vm)
        try:
            return self._engine.run(*given, on_invalid="skip", hints=shifted)
        except (StateError, TransactionError) as error:
            raise error_of_the_block(error, prepared.transaction_steps) from error.__cause__

    def _check_around(self, step: Outcome) -> None:
        """Without its system calls, no block is valid.

        Raises:
            InvalidBlock: they could not be made.
        """
        if step.status is Status.SKIPPED:
            reason = Reason(getattr(step.error, "reason", Reason.SYSTEM_CALL_FAILED))
            raise Violation(reason, str(step.error)).error()

    # ---- limits of the block as a whole

    def _judged(
        self, prepared: BlockOnEvm, result: BlockResult, kept: Sequence[Candidate]
    ) -> ExecutedBlock | Violation:
        """What the block does; or why it is not valid, and at which of its transactions."""
        try:
            executed = prepared.executed_of(result)
        except InvalidBlock as error:
            return Violation(Reason(error.reason or ""), str(error), error.index)
        return self._violation(prepared.block, executed, kept) or executed

    def _violation(
        self, block: Block, executed: ExecutedBlock, kept: Sequence[Candidate]
    ) -> Violation | None:
        return self._size_violation(block, kept) or self._list_violation(executed, kept)

    def _size_violation(self, block: Block, kept: Sequence[Candidate]) -> Violation | None:
        """EIP-7934, at the first transaction with which the block is too large."""
        if self.fork < OSAKA:
            return None
        sizes = [len(each.transaction.encode()) + _PREFIX_MAX for each in kept]
        rest = len(replace(block, transactions=()).encode()) + _HEADER_GROWTH_MAX
        left = BLOCK_SIZE_MAX - rest
        for place, size in enumerate(sizes):
            left -= size
            if left < 0:
                detail = f"with its {size} bytes the block has over {BLOCK_SIZE_MAX}"
                return Violation(Reason.BLOCK_TOO_LARGE, detail, place)
        return None

    def _list_violation(
        self, executed: ExecutedBlock, kept: Sequence[Candidate]
    ) -> Violation | None:
        """EIP-7928: the last transaction is one too many."""
        if executed.access_list is None:
            return None
        items, items_max = executed.access_list.item_count, self.empty.header.gas_limit // ITEM_GAS
        if items <= items_max:
            return None
        detail = f"an access list of {items} items, over {items_max}"
        return Violation(Reason.ACCESS_LIST_TOO_LARGE, detail, len(kept) - 1 if kept else None)


def _why(outcome: Outcome, index: int) -> Violation:
    error: Any = outcome.error
    return Violation(Reason(error.reason), str(error), index)
