"""The rules of a header after its parent's that need no body and no state.

Yellow Paper 4.3.4 and the EIPs named beside the rules. The rules stand in the order in which they
are checked; the first that is broken is the violation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.rules.difficulty import difficulty_after
from blockstm.ethereum.rules.fees import (
    ELASTICITY,
    GAS_PER_BLOB,
    base_fee_on,
    excess_blob_gas_after,
)
from blockstm.ethereum.rules.proof_of_work import proof_of_work_violation
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.messages import brief
from blockstm.vm.forks import LONDON, PARIS, Fork

__all__ = ["DAO_BLOCKS", "DAO_EXTRA_DATA", "NO_OMMERS_HASH", "header_violation"]

NO_OMMERS_HASH: Final = keccak(encode([]))

DAO_EXTRA_DATA: Final = b"dao-hard-fork"
"""The extra data of the first blocks of the DAO fork, which separates the chains (EIP-779)."""

DAO_BLOCKS: Final = 10
_EXTRA_DATA_MAX: Final = 32
_GAS_LIMIT_MIN: Final = 5_000
_GAS_LIMIT_MAX: Final = 2**63 - 1
_GAS_LIMIT_STEP: Final = 1_024  # it changes by less than this part of the parent's


def header_violation(
    header: Header, parent: Header, chain: Chain, total_difficulty: int | None = None
) -> Violation | None:
    """The first rule that a header breaks as the child of ``parent``; None if it keeps all.

    Args:
        header: of the block, or of an ommer.
        parent: the block that ``header`` says is its parent, or should be.
        chain: see `Chain`.
        total_difficulty: of the parent; see `Chain.fork_at`.
    """
    fork = chain.fork_at(header.number, header.timestamp, total_difficulty)
    return next(_violations(header, parent, chain, fork), None)


def _violations(header: Header, parent: Header, chain: Chain, fork: Fork) -> Iterator[Violation]:
    yield from _order(header, parent)
    yield from _members(header, fork)
    yield from _extra_data(header, chain.dao_fork_block)
    yield from _gas(header, parent)
    if fork >= PARIS:
        yield from _no_work(header)
    else:
        yield from _difficulty(header, parent, fork)
    if fork >= LONDON:
        yield from _base_fee(header, parent, chain)
    if fork.blobs is not None:
        yield from _blob_gas(header, parent, fork)
    if fork < PARIS and chain.checks_seals:
        violation = proof_of_work_violation(header)
        if violation is not None:
            yield violation
    yield from _own(header, parent, chain)


def _order(header: Header, parent: Header) -> Iterator[Violation]:
    if header.parent_hash != parent.hash:
        yield Violation(
            Reason.UNKNOWN_PARENT,
            f"its parent is 0x{header.parent_hash.hex()}, not 0x{parent.hash.hex()}",
        )
    if header.number != parent.number + 1:
        yield Violation(Reason.BLOCK_NUMBER, f"number {header.number} after {parent.number}")
    if header.timestamp <= parent.timestamp:
        yield Violation(Reason.TIMESTAMP, f"time {header.timestamp} s after {parent.timestamp} s")


def _members(header: Header, fork: Fork) -> Iterator[Violation]:
    if header.member_count != fork.header_members:
        yield Violation(
            Reason.HEADER_MEMBERS,
            f"a header of {header.member_count} members where {fork} has {fork.header_members}",
        )


def _extra_data(header: Header, dao_fork_block: int | None) -> Iterator[Violation]:
    size = len(header.extra_data)
    if size > _EXTRA_DATA_MAX:
        yield Violation(Reason.EXTRA_DATA_TOO_LONG, f"{size} bytes of extra data, over 32")
    if (
        dao_fork_block is not None
        and 0 <= header.number - dao_fork_block < DAO_BLOCKS
        and header.extra_data != DAO_EXTRA_DATA
    ):
        yield Violation(
            Reason.DAO_EXTRA_DATA, f"extra data 0x{header.extra_data.hex()} at the DAO fork"
        )


def _gas(header: Header, parent: Header) -> Iterator[Violation]:
    limit, before = header.gas_limit, parent.gas_limit
    if header.base_fee_per_gas is not None and parent.base_fee_per_gas is None:
        before *= ELASTICITY  # London's first block: what was the limit is now the target
    if not _GAS_LIMIT_MIN <= limit <= _GAS_LIMIT_MAX:
        yield Violation(Reason.GAS_LIMIT, f"a gas limit of {limit}")
    if abs(limit - before) >= before // _GAS_LIMIT_STEP:
        yield Violation(Reason.GAS_LIMIT, f"a gas limit of {limit} after {before}")
    if header.gas_used > limit:
        yield Violation(Reason.GAS_USED_ABOVE_LIMIT, f"{header.gas_used} gas used, limit {limit}")


def _no_work(header: Header) -> Iterator[Violation]:
    """EIP-3675: from Paris on there is neither work nor ommers."""
    if header.difficulty != 0:
        yield Violation(Reason.DIFFICULTY, f"difficulty {header.difficulty} after Paris")
    if any(header.nonce):
        yield Violation(Reason.NONCE_NOT_ZERO, f"nonce 0x{header.nonce.hex()} after Paris")
    if header.ommers_hash != NO_OMMERS_HASH:
        yield Violation(Reason.OMMERS_AFTER_PARIS, "ommers after Paris")


def _difficulty(header: Header, parent: Header, fork: Fork) -> Iterator[Violation]:
    expected = difficulty_after(
        parent.difficulty,
        parent.timestamp,
        parent.ommers_hash != NO_OMMERS_HASH,
        header.number,
        header.timestamp,
        fork,
    )
    if header.difficulty != expected:
        yield Violation(Reason.DIFFICULTY, f"difficulty {header.difficulty} instead of {expected}")


def _base_fee(header: Header, parent: Header, chain: Chain) -> Iterator[Violation]:
    expected = base_fee_on(chain, parent)
    if header.base_fee_per_gas != expected:
        yield Violation(
            Reason.BASE_FEE, f"base fee {header.base_fee_per_gas} instead of {expected}"
        )


def _blob_gas(header: Header, parent: Header, fork: Fork) -> Iterator[Violation]:
    used = header.blob_gas_used or 0
    if used % GAS_PER_BLOB:
        yield Violation(Reason.BLOB_GAS_USED, f"{used} blob gas used, no number of whole blobs")
    if fork.blobs is not None and used > fork.blobs.max * GAS_PER_BLOB:
        yield Violation(
            Reason.BLOB_GAS_ABOVE_BLOCK,
            f"{used // GAS_PER_BLOB} blobs where {fork} allows {fork.blobs.max}",
        )
    expected = excess_blob_gas_after(parent, fork)
    if header.excess_blob_gas != expected:
        yield Violation(
            Reason.EXCESS_BLOB_GAS,
            f"excess blob gas {header.excess_blob_gas} instead of {expected}",
        )


def _own(header: Header, parent: Header, chain: Chain) -> Iterator[Violation]:
    """What the rule of the chain's own says.

    Raises:
        ConfigError: it says neither words nor None.
    """
    broken = None if chain.header_rule is None else chain.header_rule(header, parent)
    if broken is None:
        return
    if not isinstance(broken, str):
        raise ConfigError(
            f"the header_rule of a chain gives what is wrong as a str, or None, not {brief(broken)}"
        )
    yield Violation(Reason.HEADER_RULE, broken)
