"""The base fees of gas and blob gas, from the parent block (EIP-1559, EIP-4844, EIP-7918).

Fees in wei per gas or per blob gas; amounts of gas in gas.
"""

from __future__ import annotations

from typing import Final

from blockstm._native.wire.plain_rules import INTRINSIC_GAS
from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.members import word
from blockstm.messages import brief
from blockstm.vm.forks import OSAKA, BlobSchedule, Fork

__all__ = [
    "ELASTICITY",
    "FIRST_BASE_FEE",
    "GAS_PER_BLOB",
    "base_fee_after",
    "base_fee_on",
    "blob_base_fee",
    "excess_blob_gas_after",
]

ELASTICITY: Final = 2
"""How many times its target of gas a block may use."""

GAS_PER_BLOB: Final[int] = INTRINSIC_GAS["blob"]

FIRST_BASE_FEE: Final = 10**9
"""Of London's first block."""

_BASE_FEE_CHANGE: Final = 8  # from block to block by an eighth at the most
_BLOB_BASE_FEE_MIN: Final = 1
_BLOB_EXECUTION_COST: Final = 1 << 13  # gas that a blob is worth at the least (EIP-7918)
_WORD_MAX: Final = 2**256 - 1
# e to this power is more than a word holds: no need to compute it, and no end to it.
_EXPONENT_MAX: Final = 178


def base_fee_on(chain: Chain, parent: Header) -> int:
    """The base fee of a block of ``chain`` from London on: the chain's own, or EIP-1559's.

    Raises:
        ConfigError: what the chain's own function gives is no fee. What that raises passes through.
    """
    if chain.base_fee is None:
        return base_fee_after(parent)
    fee = chain.base_fee(parent)
    if expected := word(fee):
        raise ConfigError(f"the base_fee of a chain gives {expected}, not {brief(fee)}")
    return fee


def base_fee_after(parent: Header) -> int:
    """The base fee of a block from London on, by EIP-1559."""
    if parent.base_fee_per_gas is None:
        return FIRST_BASE_FEE
    target = parent.gas_limit // ELASTICITY
    fee = parent.base_fee_per_gas
    if parent.gas_used > target:
        return fee + max(fee * (parent.gas_used - target) // target // _BASE_FEE_CHANGE, 1)
    if parent.gas_used < target:
        return fee - fee * (target - parent.gas_used) // target // _BASE_FEE_CHANGE
    return fee


def excess_blob_gas_after(parent: Header, fork: Fork) -> int:
    """The excess blob gas of a block under ``fork``, Cancun or later."""
    if fork.blobs is None:
        raise ValueError(f"{fork} has no blobs")
    excess = parent.excess_blob_gas or 0  # the parent of the first block with blobs has none
    used = parent.blob_gas_used or 0
    target = fork.blobs.target * GAS_PER_BLOB
    if excess + used < target:
        return 0
    if fork >= OSAKA:
        # Where execution costs more than blobs, their price does not fall (EIP-7918).
        execution = _BLOB_EXECUTION_COST * (parent.base_fee_per_gas or 0)
        if execution > GAS_PER_BLOB * blob_base_fee(excess, fork.blobs):
            return excess + used * (fork.blobs.max - fork.blobs.target) // fork.blobs.max
    return excess + used - target


def blob_base_fee(excess_blob_gas: int, schedule: BlobSchedule) -> int:
    """The base fee of blob gas; what does not fit into a word is the greatest word."""
    return _exponential(_BLOB_BASE_FEE_MIN, excess_blob_gas, schedule.base_fee_update_fraction)


def _exponential(factor: int, numerator: int, denominator: int) -> int:
    """``factor * e ** (numerator / denominator)`` by its Taylor series, rounded down term by term.

    The EIP calls it ``fake_exponential``; every node has to round alike.
    """
    if numerator > _EXPONENT_MAX * denominator:
        return _WORD_MAX
    total, term, i = 0, factor * denominator, 1
    while term > 0:
        total += term
        term = term * numerator // (denominator * i)
        i += 1
    return min(total // denominator, _WORD_MAX)
