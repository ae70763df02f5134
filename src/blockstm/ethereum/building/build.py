"""`build_block`: a valid block of what fits of some transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from blockstm.config import Config
from blockstm.engine import POOL, Engine
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction, TransactionType, not_encoded
from blockstm.ethereum.building.attempts import Attempts
from blockstm.ethereum.building.attributes import BlockAttributes, header_after
from blockstm.ethereum.building.hinting import checked_hints
from blockstm.ethereum.building.ordering import Candidate, Order, as_given, ordered
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.chains.rules import OwnTransactionType
from blockstm.ethereum.codecs.members import sequence
from blockstm.ethereum.execution.arguments import check_header
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.options import BlockOptions, surroundings_of
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.transaction_rules import transaction_violation
from blockstm.hints import Expected, HintSource
from blockstm.messages import brief
from blockstm.state.located import located
from blockstm.types import Address, Hash32
from blockstm.vm.forks import HOMESTEAD, SHANGHAI, Fork

__all__ = ["BuiltBlock", "Rejected", "build_block", "built", "empty_block"]

_NO_SIGNATURE: Final = Violation(Reason.SIGNATURE, "its signature belongs to no key")
_NOT_ORDERED: Final = "the order left it out"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A transaction that is not in the block.

    Attributes:
        index: its place among those given.
        transaction: the transaction.
        reason: which rule it would break; None where the order left it out.
        detail: the same in words.
    """

    index: int
    transaction: Transaction
    reason: Reason | None
    detail: str


@dataclass(frozen=True, slots=True)
class BuiltBlock:
    """A block, and what became of the transactions.

    Attributes:
        block: valid after its parent and on its state, its header complete. Its access list is
            with it where the fork has such lists.
        executed: what it did: receipts, writes, requests, state root; what executing it again
            gives.
        rejected: what is not in it, by the place among those given.
        value: what its transactions pay to the beneficiary, in wei.
    """

    block: Block
    executed: ExecutedBlock
    rejected: tuple[Rejected, ...]
    value: int


def build_block(
    parent: Header,
    transactions: Sequence[Transaction],
    state: Any,
    *,
    attributes: BlockAttributes,
    chain: Chain = MAINNET,
    fork: Fork | str | None = None,
    order: Order = as_given,
    on_unfit: Literal["skip", "raise"] = "skip",
    block_hashes: Mapping[int, Hash32] | None = None,
    total_difficulty: int | None = None,
    workers: int | Literal["auto"] | None = None,
    hints: HintSource | Sequence[Expected | None] | None = None,
) -> BuiltBlock:
    """Build the block after ``parent``: what fits of some transactions, executed in parallel.

    One transaction after another is tried, as ``order`` gives them. What breaks a rule by itself,
    in the state before it, or because the block has no room for it (gas, blobs, EIP-7934's size) is
    left out; the next is tried on what those before it left. The block begins and ends as its fork
    wants it: system calls, withdrawals, requests, rewards.

    What is built is valid: `blockstm.execute_block` accepts it on the same state with the same
    parent and chain.

    Args:
        parent: the header of the block before.
        transactions: signed, in any number.
        state: the state after ``parent``, complete or with a ``root_after``; it is not changed.
        attributes: what is decided of the block itself.
        chain, fork: see `blockstm.execute_block`.
        order: which transaction is tried when: a function of `Candidate` objects, `as_given`,
            `by_price` or yours.
        on_unfit: what is done where one does not fit: "skip" it, or "raise" `InvalidBlock`.
        block_hashes: number → hash of the blocks before the parent, for BLOCKHASH.
        total_difficulty: of the parent; see `blockstm.execute_block`.
        workers: threads; see `blockstm.Config`.
        hints: what is known of the transactions, an `blockstm.hints.Expected` or None for each as
            they are given, whose dependencies are places among those given; or a source, which is
            asked of the block as it is tried. They never change what is built.

    Raises:
        InputError, ConfigError: an argument is of the wrong kind, or no block after this parent
            has these attributes; the state is partial; the chain wants proof of work.
        InvalidBlock: with ``on_unfit="raise"``, a transaction does not fit: ``index`` is its place
            among those given, ``reason`` says why. Or a system contract is missing or fails, so
            that no block of the fork is valid on this state.
        StateError, TransactionError: see `blockstm.execute_block`.

    Deterministic: the same for any workers. Thread-safe where the state is.
    """
    if on_unfit not in ("skip", "raise"):
        raise ConfigError(f'on_unfit is "skip" or "raise", not {brief(on_unfit)}')
    if not callable(order):
        raise InputError(f"order is a function of candidates, not {brief(order)}")
    known = checked_hints(hints)
    check_header(parent, "parent")
    chain = _chain(chain, fork)
    total = _total_difficulty(chain, parent, total_difficulty)
    header, rules = header_after(parent, chain, attributes, total)
    empty = empty_block(header, rules, attributes)
    options = BlockOptions(
        chain=chain, parent=parent, block_hashes=block_hashes, total_difficulty=total
    )
    around = surroundings_of(empty, "evm", options)
    config = Config() if workers is None else Config(workers=workers)
    engine = POOL.take(config)
    try:
        attempts = Attempts(engine, empty, located(state), rules, chain, around.block_hashes, known)
        return built(engine, attempts, _checked(transactions), order, on_unfit == "raise")
    finally:
        POOL.give_back(engine)


def built(
    engine: Engine,
    attempts: Attempts,
    transactions: Sequence[Transaction],
    order: Order,
    raises: bool,
    senders: Sequence[Address] | None = None,
) -> BuiltBlock:
    """What attempts make of transactions, whose senders are given or recovered."""
    candidates, unsigned = _candidates(engine, attempts, transactions, senders)
    chosen = ordered(order, candidates)
    left_out = {each.index for each in candidates} - {each.index for each in chosen}
    attempts.unfit |= unsigned
    block, executed, kept = attempts.best(chosen, stops_at_first=raises)
    rejected = {index: _rejected(index, transactions, why) for index, why in attempts.unfit.items()}
    for index in left_out:
        rejected[index] = Rejected(index, transactions[index], None, _NOT_ORDERED)
    if senders is not None:
        block = replace(block, senders=tuple(each.sender for each in kept))
    value = sum(
        candidate.tip * (receipt.gas_used or 0)
        for candidate, receipt in zip(kept, executed.receipts, strict=True)
    )
    return BuiltBlock(block, executed, tuple(rejected[each] for each in sorted(rejected)), value)


def _rejected(index: int, transactions: Sequence[Transaction], why: Violation) -> Rejected:
    return Rejected(index, transactions[index], why.reason, why.detail)


def _candidates(
    engine: Engine,
    attempts: Attempts,
    transactions: Sequence[Transaction],
    known: Sequence[Address] | None,
) -> tuple[list[Candidate], dict[int, Violation]]:
    """Those that somebody has signed, and why the others are none."""
    high_s_allowed = attempts.fork < HOMESTEAD
    senders: Sequence[Address | None] = known or find_senders(
        transactions, engine.workers, high_s_allowed=high_s_allowed
    )
    base_fee = attempts.empty.header.base_fee_per_gas or 0
    candidates, unsigned = [], {}
    for index, (transaction, sender) in enumerate(zip(transactions, senders, strict=True)):
        if sender is None:
            broken = transaction_violation(transaction, attempts.fork, attempts.chain_id)
            unsigned[index] = (broken or _NO_SIGNATURE).at(index)
        else:
            tip = _tip(transaction, base_fee, attempts.own_types)
            candidates.append(Candidate(index, transaction, sender, tip))
    return candidates, unsigned


def _tip(
    transaction: Transaction, base_fee: int, own_types: Mapping[int, OwnTransactionType]
) -> int:
    if transaction.type in own_types and own_types[transaction.type].is_prepaid:
        return 0
    if transaction.type <= TransactionType.ACCESS_LIST:
        return transaction.gas_price - base_fee
    return min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base_fee)


def _checked(transactions: Any) -> Sequence[Transaction]:
    listed: Sequence[Transaction] = sequence(transactions, Transaction, "transactions")
    for index in not_encoded(listed):
        try:
            listed[index].encode()
        except InputError as error:
            raise InputError(f"transactions[{index}]: {error}") from None
    return listed


def _chain(chain: Any, fork: Fork | str | None) -> Chain:
    if not isinstance(chain, Chain):
        raise ConfigError(f"chain is a blockstm.ethereum.Chain, not {brief(chain)}")
    return chain if fork is None else chain.under(fork)


def _total_difficulty(chain: Chain, parent: Header, given: int | None) -> int | None:
    """Without one, a block is after the merge if its parent is."""
    if given is not None or not chain.needs_total_difficulty:
        return given
    return chain.total_difficulty_before(parent.difficulty, parent.number, parent.difficulty)


def empty_block(header: Header, fork: Fork, attributes: BlockAttributes) -> Block:
    """The block of a header with no transactions."""
    withdrawals = tuple(attributes.withdrawals) if fork >= SHANGHAI else None
    return Block(header.hash, header, (), withdrawals, ())
