"""A price elsewhere, people who trade for reasons of their own, and those who trade on the price.

The price moves quietly or wildly, and changes between both now and then. People with reasons of
their own accept a result that is worse than the price by what they can bear, and no more; the same
people with the same limits come to every pool. Arbitrage depends on a pool's own price: it takes
what is best for itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, sqrt
from typing import NamedTuple

from examples.ai_dex.pool import BASIS, Pool

__all__ = ["DEPTH", "Moment", "Order", "arbitrage", "moments"]

DEPTH = 10**24
"""Of both tokens, in every pool at first."""

BLOCK_TIME = 12
BEGIN = 1_700_000_000
_QUIET, _WILD = 4e-4, 40e-4  # of the price, in a block
_CHANGES = 1 / 150
_BEARABLE = 50e-4  # on average
_SIZE = 8e-4  # of the depth, on average
_STEPS = 12


class Order(NamedTuple):
    """A swap that somebody wants."""

    is_first_sold: bool
    amount: int
    least: int


@dataclass(frozen=True)
class Moment:
    """A block's time, the price elsewhere (of the second token in the first), and who comes."""

    time: int
    price: float
    orders: tuple[Order, ...]


def moments(blocks: int, seed: int) -> Iterator[Moment]:
    """What happens, block by block."""
    draw = random.Random(seed)
    price, wild = 1.0, False
    for number in range(blocks):
        if draw.random() < _CHANGES:
            wild = not wild
        price *= exp(draw.gauss(0, _WILD if wild else _QUIET))
        orders = tuple(_order(draw, price) for _ in range(draw.randrange(4)))
        yield Moment(BEGIN + BLOCK_TIME * (number + 1), price, orders)


def _order(draw: random.Random, price: float) -> Order:
    is_first_sold = draw.random() < 0.5
    amount = int(DEPTH * _SIZE * draw.expovariate(1)) + BASIS
    worth = amount / price if is_first_sold else amount * price
    return Order(is_first_sold, amount, int(worth * (1 - _BEARABLE * draw.expovariate(1))))


def arbitrage(pool: Pool, price: float, now: int) -> Order | None:
    """The swap that earns most at this price, of a few sizes up to where the pool is there."""
    is_first_sold = pool.price < price
    there, here = pool.reserves if is_first_sold else pool.reserves[::-1]
    rate = 1 / price if is_first_sold else price  # of what is bought in what is sold
    whole = int(sqrt(there * here / rate)) - there  # where the pool's price is that one
    best, earned = None, 0.0
    for step in range(1, _STEPS + 1):
        amount = whole * step // _STEPS
        if amount < BASIS:
            continue
        quote = pool.quote(is_first_sold, amount, now)
        gain = quote.amount_out / rate - amount
        if gain > earned:
            best, earned = Order(is_first_sold, amount, quote.amount_out), gain
    return best
