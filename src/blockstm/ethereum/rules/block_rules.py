"""Whether a block may follow its parent, as far as can be told before it is executed.

Header, ommers, what the header says of the body, and each transaction by itself: `check_block`
raises `InvalidBlock` with the first rule that is broken. What execution gives is checked by
`results`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from blockstm.cores import usable_cores
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.header_rules import header_violation
from blockstm.ethereum.rules.ommers import ommers_violation
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.transaction_rules import transactions_violation
from blockstm.vm.forks import OSAKA, PARIS, Fork

__all__ = ["BLOCK_SIZE_MAX", "block_violation", "body_violation", "check_block"]

BLOCK_SIZE_MAX: Final = (10 << 20) - (2 << 20)
"""Of a block's RLP, in bytes, from Osaka on (EIP-7934: 10 MiB less 2 for the beacon block)."""


def check_block(
    block: Block,
    parent: Header | None,
    chain: Chain,
    ancestors: Sequence[Block] | None = None,
    total_difficulty: int | None = None,
) -> None:
    """Check all that needs no state.

    Args:
        block: to be checked.
        parent: the header of the block before it; None if that is not known, and then the
            header is checked in nothing that depends on it.
        chain: see `Chain`.
        ancestors: blocks before it, its parent first, 7 or all there are; None if they are not
            known, and then its ommers' relation to it is not checked.
        total_difficulty: of the parent; see `Chain.fork_at`.

    Raises:
        InvalidBlock: a rule is broken; ``reason`` says which, ``index`` by which transaction.
    """
    violation = block_violation(block, parent, chain, ancestors, total_difficulty)
    if violation is not None:
        raise violation.error()


def block_violation(
    block: Block,
    parent: Header | None,
    chain: Chain,
    ancestors: Sequence[Block] | None = None,
    total_difficulty: int | None = None,
    *,
    workers: int | None = None,
) -> Violation | None:
    """The first rule that a block breaks, None if it keeps all; see `check_block`.

    ``workers`` threads share what is much, by default as many as there are usable cores.
    """
    header = block.header
    fork = chain.fork_at(header.number, header.timestamp, total_difficulty)
    if parent is not None:
        violation = header_violation(header, parent, chain, total_difficulty)
        if violation is not None:
            return violation
    elif header.member_count != fork.header_members:
        return Violation(Reason.HEADER_MEMBERS, f"no header of {fork}")
    listed = block.transaction_list
    own_types = chain.rules.types
    violation = transactions_violation(listed, header, fork, chain.chain_id, workers, own_types)
    if violation is None:
        violation = body_violation(block, fork, workers)
    if violation is None and ancestors is not None and block.ommers:
        violation = ommers_violation(block, ancestors, chain, total_difficulty)
    return violation


def body_violation(block: Block, fork: Fork, workers: int | None = None) -> Violation | None:
    """The first thing that the header says wrongly of the body; None if it is right."""
    return next(_body_violations(block, fork, workers or usable_cores()), None)


def _body_violations(block: Block, fork: Fork, workers: int) -> Iterator[Violation]:
    header, listed = block.header, block.transaction_list
    if fork >= PARIS and block.ommers != ():
        yield Violation(Reason.OMMERS_AFTER_PARIS, "ommers after Paris")
    if fork >= OSAKA and (size := block.encoded_size) > BLOCK_SIZE_MAX:
        yield Violation(Reason.BLOCK_TOO_LARGE, f"{size} bytes of RLP, over {BLOCK_SIZE_MAX}")
    if block.ommers is not None and block.ommers_hash != header.ommers_hash:
        yield Violation(Reason.OMMERS_HASH, "the header names other ommers")
    if listed.root(workers) != header.transactions_root:
        yield Violation(Reason.TRANSACTIONS_ROOT, "the header names other transactions")
    if block.withdrawals_root != header.withdrawals_root:
        yield Violation(Reason.WITHDRAWALS_ROOT, "the header names other withdrawals")
    if fork.blobs is not None:
        with_blobs = listed.places_of_type(TransactionType.BLOB)
        used = GAS_PER_BLOB * sum(len(block.transactions[each].blob_hashes) for each in with_blobs)
        if used != header.blob_gas_used:
            yield Violation(
                Reason.BLOB_GAS_USED,
                f"{used} blob gas used where the header says {header.blob_gas_used}",
            )
