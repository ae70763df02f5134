"""Pools side by side through the same blocks, in Python and on chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from examples.ai_dex.orders import BEGIN, DEPTH, Moment, Order, arbitrage
from examples.ai_dex.pool import FEES, Pool, Signals

import blockstm
from blockstm.bench.blocks.dex_traffic import fee_network, fee_pool
from blockstm.bench.blocks.fixture import Fixture

__all__ = ["Books", "Traded", "new_pool", "on_chain", "trade"]

_RICH = 10**27


class Traded(NamedTuple):
    """An order at a pool, and what came of it; None: it was too little for who came."""

    time: int
    order: Order
    is_arbitrage: bool
    amount_out: int | None


@dataclass
class Books:
    """What a pool took and lost, in the first token, at the prices elsewhere as it happened.

    Attributes:
        swaps: that were made; ``refused`` were not, as they would have given too little.
        volume: what people with reasons of their own sold.
        fees: taken, of everybody; ``fee_average`` of a swap, in parts of 10,000.
        lost: to arbitrage: what it took out over what it paid in, fees included.
        earned: from the others, likewise.
    """

    swaps: int = 0
    refused: int = 0
    volume: float = 0.0
    fees: float = 0.0
    fee_average: float = 0.0
    lost: float = 0.0
    earned: float = 0.0


def new_pool(fixed_fee: int) -> Pool:
    """A pool with a fixed fee, or with the network's for 0."""
    network = fee_network()

    def asked(given: bytes) -> int:
        return FEES[int.from_bytes(network.run(given), "big")]

    def fixed(given: bytes) -> int:
        return fixed_fee

    return Pool((DEPTH, DEPTH), Signals(BEGIN), fixed if fixed_fee else asked)


def trade(pool: Pool, happening: Iterable[Moment]) -> tuple[list[Traded], Books]:
    """Let everybody come to a pool; arbitrage is first in each block."""
    books, traded = Books(), []
    for moment in happening:
        price = moment.price
        found = arbitrage(pool, price, moment.time)
        orders = [(order, False) for order in moment.orders]
        for order, is_arbitrage in [(found, True), *orders] if found else orders:
            quote = pool.swap(*order, moment.time)
            traded.append(Traded(moment.time, order, is_arbitrage, quote and quote.amount_out))
            if quote is None:
                books.refused += 1
                continue
            worth = (1.0, price) if order.is_first_sold else (price, 1.0)
            gained = order.amount * worth[0] - quote.amount_out * worth[1]
            books.swaps += 1
            books.fees += quote.taken * worth[0]
            books.fee_average += quote.fee
            if is_arbitrage:
                books.lost -= gained
            else:
                books.earned += gained
                books.volume += order.amount * worth[0]
    books.fee_average /= max(books.swaps, 1)
    return traded, books


def on_chain(fixed_fee: int, traded: Sequence[Traded], workers: int) -> list[int | None]:
    """The same orders as transactions, block by block: what each gave, None where it failed."""
    fixture = Fixture()
    tokens = fixture.token("first"), fixture.token("second")
    pool = fee_pool(fixture, "pool", tokens, DEPTH, fixed_fee=fixed_fee)
    trader = fixture.person("trader")
    for token in tokens:
        fixture.mint(token, trader, _RICH)
        fixture.approve(token, trader, pool, _RICH)
    state, given = fixture.state(), []
    with blockstm.Executor(workers=workers) as executor:
        for time, block in groupby(traded, lambda each: each.time):
            steps = [fixture.call("fee_pool", "swap", trader, pool, *each.order) for each in block]
            result = executor.execute_block(steps, state, fixture.evm(time=time))
            state.apply(result.writes)
            values = [outcome.value for outcome in result.outcomes]
            given += [
                int.from_bytes(each.output, "big") if each.succeeded else None for each in values
            ]
    return given
