"""Traffic of a market of compute: jobs posted, bid for, answered, paid for or challenged.

The contracts are those of ``examples/compute_market``, where they are explained. What happens to
one job happens in its order; jobs are woven together at random. One answer of twenty is wrong, and
somebody shows that on chain.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from blockstm.ai import Model
from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.blocks.perceptrons import drawn_network
from blockstm.bench.evm.artefacts import runtime
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address
from blockstm.vm.evm import Signed

__all__ = ["MINERS", "Market", "market_traffic"]

MINERS: Final = 192
_FIRST_MINER: Final = 64
_FUNDS: Final = 10**18
_STEPS: Final = 5  # of a job
_WRONG: Final = 0.05
_ANSWERS: Final = 10
_MOST: Final = 10**12  # that a job costs, in wei


@dataclass(frozen=True)
class Market:
    """The contract, its miners, and the model that all jobs are about."""

    address: Address
    miners: Sequence[Address]
    model: Model

    @classmethod
    def open(cls, fixture: Fixture) -> Market:
        """A market whose miners have joined, and have something at stake."""
        model = drawn_network([64, 32, _ANSWERS])
        program = fixture.model(model, "market's model")
        market = fixture.contract("market", runtime("market"))
        miners = fixture.people("miner", MINERS)
        fixture.before("market", "use_program", miners[0], market, program.address, program.hash)
        for place, miner in enumerate(miners):
            fixture.before("market", "deposit", miner, market, value=_FUNDS)
            fixture.before("market", "join", miner, market, _FIRST_MINER + place)
            fixture.before("market", "stake", miner, market, _FUNDS // 2)
        return cls(market, miners, model)

    def job(
        self, fixture: Fixture, number: int, customer: Address, draw: random.Random
    ) -> Iterator[Signed]:
        """What happens to a job, transaction by transaction, each made when it is asked for."""

        def call(method: str, who: Address, *words: bytes | int) -> Signed:
            return fixture.call("market", method, who, self.address, job, *words)

        job, given = keccak(b"job %d" % number), draw.randbytes(64)
        first, second = draw.sample(self.miners, 2)
        price = draw.randrange(_MOST // 2, _MOST)
        yield call("post", customer, keccak(given), _MOST)
        yield call("bid", first, price)
        yield call("bid", second, price - draw.randrange(1, _MOST // 4))
        right = int.from_bytes(self.model.run(given), "big")
        if draw.random() >= _WRONG:
            yield call("answer", second, right)
            yield call("accept", customer)
        else:
            yield call("answer", second, (right + draw.randrange(1, _ANSWERS)) % _ANSWERS)
            yield call("challenge", first, 64, 64, given[:32], given[32:])


def market_traffic(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """So many transactions of jobs, each of a customer of its own."""
    market = Market.open(fixture)
    customers = fixture.people("customer", -(-count // _STEPS))
    for customer in customers:
        fixture.before("market", "deposit", customer, market.address, value=_FUNDS)
    jobs = [
        market.job(fixture, number, customer, draw) for number, customer in enumerate(customers)
    ]
    turns = [number for number in range(len(jobs)) for _ in range(_STEPS)]
    draw.shuffle(turns)
    return [next(jobs[number]) for number in turns[:count]]
