"""What an epoch means, in plain Python: the contract ``contracts/consensus.vy`` must come to this.

Written from the definitions, over whole matrices, and not along the lines of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["EMISSION", "MINERS", "VALIDATORS", "Epoch", "Matrix", "epoch", "scaled"]

VALIDATORS, MINERS = 64, 192
EMISSION = 10**18
_ONE = 65_535
_SHARES = 2**32

Matrix = list[list[int]]


@dataclass(frozen=True)
class Epoch:
    """What came of an epoch.

    Attributes:
        consensus: of each miner, the weight beyond which nothing counts.
        ranks: of the miners.
        bonds: of each validator to each miner, after the epoch.
        dividends: of the validators, in parts of their sum.
        emission: to each participant: the validators, then the miners.
    """

    consensus: list[int]
    ranks: list[int]
    bonds: Matrix
    dividends: list[int]
    emission: list[int]


def scaled(weights: Sequence[int]) -> list[int]:
    """Weights as they count: they add up to 65,535, rounded down."""
    total = sum(weights)
    return [weight * _ONE // total for weight in weights]


def epoch(stakes: Sequence[int], weights: Matrix, bonds: Matrix) -> Epoch:
    """An epoch.

    Args:
        stakes: of the validators.
        weights: of each validator to each miner, scaled.
        bonds: as the epoch before left them.
    """
    shares = [stake * _SHARES // sum(stakes) for stake in stakes]
    columns = list(zip(*weights, strict=True))
    consensus = [median_by_stake(column, shares) for column in columns]
    counted = [
        [share * min(weight, most) for share, weight in zip(shares, column, strict=True)]
        for column, most in zip(columns, consensus, strict=True)
    ]
    ranks = [sum(column) for column in counted]
    fresh = [
        [part * _ONE // rank if rank else 0 for part in column]
        for column, rank in zip(counted, ranks, strict=True)
    ]
    after = [
        [(9 * old + new[validator]) // 10 for old, new in zip(row, fresh, strict=True)]
        for validator, row in enumerate(bonds)
    ]
    dividends = [sum(bond * rank for bond, rank in zip(row, ranks, strict=True)) for row in after]
    emission = [*divided(dividends), *divided(ranks)]
    return Epoch(consensus, ranks, after, dividends, emission)


def median_by_stake(column: Sequence[int], shares: Sequence[int]) -> int:
    """The largest weight that half of the stake gives, or more than it."""
    support = 0
    for weight, share in sorted(zip(column, shares, strict=True), reverse=True):
        support += share
        if 2 * support >= sum(shares):
            return weight
    return 0


def divided(parts: Sequence[int]) -> list[int]:
    """Half of the emission, in these parts, rounded down."""
    total = sum(parts)
    return [EMISSION // 2 * part // total if total else 0 for part in parts]
