"""What the contract ``contracts/fee_pool.vy`` does, in Python: to trade and to compare with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isqrt

__all__ = ["FEES", "Pool", "Quote", "Signals"]

BASIS = 10_000
FEES = (5, 10, 20, 30, 45, 60, 80, 100)
_RETURN_MOST = 2_000
_PRICE_SCALE = 10**18


def toward_zero(number: int, divisor: int) -> int:
    """The EVM's signed division."""
    return number // divisor if number >= 0 else -(-number // divisor)


@dataclass(frozen=True, slots=True)
class Signals:
    """What a pool remembers of its swaps; returns and sizes in parts of 10,000."""

    time: int
    fast: int = 0
    slow: int = 0
    last: int = 0
    flow: int = 0

    def seen_by(self, is_first_sold: bool, size: int, now: int) -> bytes:
        """The seven numbers that the network is given, as it sees a swap."""
        way = 1 if is_first_sold else -1
        numbers = (
            isqrt(self.fast), isqrt(self.slow), abs(self.last), way * self.last, way * self.flow,
            min(size, BASIS), now - self.time,
        )  # fmt: skip
        return bytes(max(min(number, 127), -128) & 0xFF for number in numbers)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a swap would come to."""

    fee: int
    taken: int
    amount_out: int


@dataclass
class Pool:
    """A pool.

    Attributes:
        reserves: of both tokens.
        fee_of: the fee for what the network is given, in parts of 10,000.
        fees: taken so far, of both tokens.
    """

    reserves: tuple[int, int]
    signals: Signals
    fee_of: Callable[[bytes], int]
    fees: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def price(self) -> float:
        """Of the second token, in the first."""
        return self.reserves[0] / self.reserves[1]

    def quote(self, is_first_sold: bool, amount: int, now: int) -> Quote:
        """What selling so much would give."""
        there, here = self._sides(is_first_sold)
        size = amount * BASIS // there
        fee = self.fee_of(self.signals.seen_by(is_first_sold, size, now))
        taken = amount * fee // BASIS
        paid = amount - taken
        return Quote(fee, taken, paid * here // (there + paid))

    def swap(self, is_first_sold: bool, amount: int, least: int, now: int) -> Quote | None:
        """Sell so much for at least so much; None: it would be less, and nothing happened."""
        quote = self.quote(is_first_sold, amount, now)
        if quote.amount_out < least:
            return None
        there, here = self._sides(is_first_sold)
        before, changed = self.reserves, (there + amount, here - quote.amount_out)
        self.reserves = changed if is_first_sold else changed[::-1]
        self.fees[0 if is_first_sold else 1] += quote.taken
        self._remember(before, is_first_sold, amount * BASIS // there, now)
        return quote

    def _sides(self, is_first_sold: bool) -> tuple[int, int]:
        return self.reserves if is_first_sold else self.reserves[::-1]

    def _remember(self, before: tuple[int, int], is_first_sold: bool, size: int, now: int) -> None:
        old = before[0] * _PRICE_SCALE // before[1]
        new = self.reserves[0] * _PRICE_SCALE // self.reserves[1]
        moved = toward_zero((new - old) * BASIS, old)
        moved = max(min(moved, _RETURN_MOST), -_RETURN_MOST)
        signals, towards = self.signals, min(size, BASIS) if is_first_sold else -min(size, BASIS)
        self.signals = replace(
            signals,
            fast=(3 * signals.fast + moved**2) // 4,
            slow=(31 * signals.slow + moved**2) // 32,
            last=moved,
            flow=toward_zero(7 * signals.flow + towards, 8),
            time=now,
        )
