"""What a builder decides of a block, and the header that follows from that and its parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.members import (
    WITHDRAWAL,
    Kind,
    address,
    check_members,
    hash32,
    sequence,
    uint64,
)
from blockstm.ethereum.rules.difficulty import difficulty_after
from blockstm.ethereum.rules.empty_header import ZERO_HASH, empty_header
from blockstm.ethereum.rules.fees import ELASTICITY, base_fee_on
from blockstm.ethereum.rules.header_rules import (
    DAO_BLOCKS,
    DAO_EXTRA_DATA,
    NO_OMMERS_HASH,
    header_violation,
)
from blockstm.ethereum.tries.list_root import list_root
from blockstm.kinds import check_kind
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.forks import LONDON, PARIS, SHANGHAI, Fork

__all__ = ["BlockAttributes", "gas_limit_toward", "header_after"]

_NOBODY: Final = Address(bytes(20))
_GAS_LIMIT_STEP: Final = 1_024  # it changes by less than this part of the parent's


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockAttributes:
    """What is decided of a block before its transactions.

    Attributes:
        timestamp: in s since 1970, after the parent's.
        coinbase: who gets the fees, and before Paris the reward.
        mix_hash: PREVRANDAO from Paris on.
        gas_limit: in gas; None: the parent's. See `gas_limit_toward`.
        extra_data: up to 32 bytes.
        withdrawals: payments from the beacon chain, from Shanghai on.
        parent_beacon_block_root: from Cancun on; None: zero.
        slot_number: of the beacon chain, from Amsterdam on; None: the parent's plus 1.
    """

    timestamp: int
    coinbase: Address = _NOBODY
    mix_hash: Hash32 = ZERO_HASH
    gas_limit: int | None = None
    extra_data: bytes = b""
    withdrawals: Sequence[Withdrawal] = ()
    parent_beacon_block_root: Hash32 | None = None
    slot_number: int | None = None


def _maybe(kind: Any, value: Any) -> str:
    return "" if value is None else str(kind(value))


def _data(value: Any) -> str:
    return "" if isinstance(value, bytes) else "bytes"


_ATTRIBUTES: Final[Mapping[str, Kind]] = {
    "timestamp": uint64,
    "coinbase": address,
    "mix_hash": hash32,
    "gas_limit": partial(_maybe, uint64),
    "extra_data": _data,
    "parent_beacon_block_root": partial(_maybe, hash32),
    "slot_number": partial(_maybe, uint64),
}


def gas_limit_toward(parent_gas_limit: int, wanted: int) -> int:
    """The gas limit nearest to ``wanted`` that a block may have after its parent's, in gas."""
    step = parent_gas_limit // _GAS_LIMIT_STEP - 1
    return min(max(wanted, parent_gas_limit - step), parent_gas_limit + step)


def header_after(
    parent: Header,
    chain: Chain,
    attributes: BlockAttributes,
    total_difficulty: int | None,
) -> tuple[Header, Fork]:
    """The header of an empty block after ``parent``, its roots still to be filled in, and its fork.

    Raises:
        InputError: an attribute is of the wrong kind, or none that a block after this parent has.
        ConfigError: the chain's blocks prove work, which a builder cannot.
    """
    check_kind(attributes, BlockAttributes, "attributes")
    check_members(attributes, _ATTRIBUTES, "attributes")
    for index, each in enumerate(
        sequence(attributes.withdrawals, Withdrawal, "attributes.withdrawals")
    ):
        check_members(each, WITHDRAWAL, f"attributes.withdrawals[{index}]")
    number = BlockNumber(parent.number + 1)
    fork = chain.fork_at(number, attributes.timestamp, total_difficulty)
    if fork < PARIS and chain.checks_seals:
        raise ConfigError(f"a block of {fork} must prove work on this chain, which building cannot")
    if fork < SHANGHAI and attributes.withdrawals:
        raise InputError(f"attributes.withdrawals: {fork} has none")
    header = _header(parent, chain, fork, number, attributes)
    violation = header_violation(header, parent, chain, total_difficulty)
    if violation is not None:
        raise InputError(f"no block after this parent has these attributes: {violation.detail}")
    return header, fork


def _header(
    parent: Header, chain: Chain, fork: Fork, number: BlockNumber, attributes: BlockAttributes
) -> Header:
    is_mined = fork < PARIS
    return empty_header(
        parent,
        fork,
        number=number,
        timestamp=attributes.timestamp,
        coinbase=attributes.coinbase,
        difficulty=_difficulty(parent, fork, number, attributes.timestamp) if is_mined else 0,
        gas_limit=_gas_limit(parent, fork, attributes.gas_limit),
        extra_data=_extra_data(chain, number, attributes.extra_data),
        mix_hash=attributes.mix_hash,
        base_fee_per_gas=base_fee_on(chain, parent) if fork >= LONDON else 0,
        withdrawals_root=_withdrawals_root(attributes),
        parent_beacon_block_root=attributes.parent_beacon_block_root,
        slot_number=attributes.slot_number,
    )


def _difficulty(parent: Header, fork: Fork, number: int, timestamp: int) -> int:
    has_ommers = parent.ommers_hash != NO_OMMERS_HASH
    return difficulty_after(
        parent.difficulty, parent.timestamp, has_ommers, number, timestamp, fork
    )


def _gas_limit(parent: Header, fork: Fork, given: int | None) -> int:
    if given is not None:
        return given
    is_first = fork >= LONDON and parent.base_fee_per_gas is None
    return parent.gas_limit * (ELASTICITY if is_first else 1)


def _extra_data(chain: Chain, number: int, given: bytes) -> bytes:
    """The blocks at the DAO fork have to have theirs (EIP-779)."""
    first = chain.dao_fork_block
    is_at_fork = first is not None and 0 <= number - first < DAO_BLOCKS
    return given or (DAO_EXTRA_DATA if is_at_fork else b"")


def _withdrawals_root(attributes: BlockAttributes) -> Hash32:
    return list_root([each.encode() for each in attributes.withdrawals])
