"""Traffic of pools whose fee a network on chain sets, swap by swap.

The contract is that of ``examples/ai_dex``, where it is explained, and where the network was
trained; its weights lie beside this file.
"""

from __future__ import annotations

import json
import random
from functools import cache
from importlib.resources import files
from typing import Final

from blockstm.ai import Model
from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.blocks.perceptrons import Dense, perceptron
from blockstm.bench.evm.artefacts import runtime
from blockstm.types import Address
from blockstm.vm.evm import Signed

__all__ = ["dex_traffic", "fee_network", "fee_pool"]

_POOLS: Final = 64
_DEPTH: Final = 10**24
_FUNDS: Final = 10**22
_TRADES: Final = 4  # of a trader, about


@cache
def fee_network() -> Model:
    """Seven signals in, the place of one of eight fees out."""
    path = files("blockstm.bench.blocks").joinpath("fee_network.json")
    layers = json.loads(path.read_text())["layers"]
    return perceptron("fees", [Dense(**layer) for layer in layers])


def fee_pool(
    fixture: Fixture, name: str, tokens: tuple[Address, Address], depth: int, *, fixed_fee: int = 0
) -> Address:
    """A pool of two tokens, ``depth`` of each.

    Args:
        fixed_fee: in parts of 10,000; 0: the network sets it.
    """
    pool = fixture.contract(name, runtime("fee_pool"))
    for token in tokens:
        fixture.mint(token, pool, depth)
    program: tuple[bytes | int, ...] = (0, 0)
    if not fixed_fee:
        reference = fixture.model(fee_network(), "fee network")
        program = reference.address, reference.hash
    founder = fixture.person(f"founder of {name}")
    fixture.before("fee_pool", "initialise", founder, pool, *tokens, *program, fixed_fee)
    return pool


def dex_traffic(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """Swaps in both directions by people who trade a few times each, in 64 pools."""
    tokens = fixture.token("first"), fixture.token("second")
    pools = [fee_pool(fixture, f"pool {number}", tokens, _DEPTH) for number in range(_POOLS)]
    traders = fixture.people("trader", max(2, count // _TRADES))
    trades = [(draw.choice(traders), draw.choice(pools)) for _ in range(count)]
    for trader in traders:
        for token in tokens:
            fixture.mint(token, trader, _FUNDS)
    opening = [(traders[0], pool) for pool in pools]
    for trader, pool in dict.fromkeys(opening + trades):
        for token in tokens:
            fixture.approve(token, trader, pool, _FUNDS)
    for trader, pool in opening:  # no pool is new
        for side in range(2):
            fixture.before("fee_pool", "swap", trader, pool, *_swap(side, draw))
    return [
        fixture.call("fee_pool", "swap", trader, pool, *_swap(draw.randrange(2), draw))
        for trader, pool in trades
    ]


def _swap(side: int, draw: random.Random) -> tuple[int, int, int]:
    """Which token is sold, how much of it, and how much is wanted at least."""
    return side, _DEPTH // draw.randrange(500, 5000), 1
