"""The market of compute: an epoch is what it means, and nobody gets what is not his."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from examples.compute_market.epochs import Subnet
from examples.compute_market.main import checked_epoch
from examples.compute_market.meaning import EMISSION, MINERS, VALIDATORS, Matrix, epoch, scaled

from blockstm import Executor
from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.blocks.market_traffic import Market
from blockstm.bench.evm.artefacts import selector
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address
from blockstm.vm.evm import Signed

NO_BONDS: Matrix = [[0] * MINERS for _ in range(VALIDATORS)]
JOB, INPUT = keccak(b"job"), bytes(range(64))
PRICE = 10**12


def run(subnet: Subnet, steps: list[Signed]) -> list[bool]:
    """Take a block; which of its transactions succeeded."""
    with Executor(workers=2) as executor:
        result = subnet.run(steps, executor)
    subnet.state.apply(result.writes)
    return [outcome.value.succeeded for outcome in result.outcomes]


def unequal_stakes(first: int) -> list[int]:
    """One validator has so much, 62 have 10**18, the last has nothing; miners have a little."""
    return [first, *[10**18] * (VALIDATORS - 2), 0, *[10**15] * MINERS]


@pytest.mark.parametrize("first", [10**18, 62 * 10**18 - 1, 62 * 10**18, 10**20])
def test_an_epoch_is_what_it_means_with_unequal_stakes(first: int) -> None:
    """From nobody's majority over exactly a half to a majority of one; with weights that are equal,
    0, and everything for one miner."""
    subnet = Subnet(random.Random(2), unequal_stakes(first))
    opinions: list[Sequence[int]] = [
        [1] * MINERS,
        [0] * 100 + [65_535] * (MINERS - 100),
        [0] * (MINERS - 1) + [1],
        [65_535, *range(1, MINERS)],
    ]
    bonds = NO_BONDS
    for turn in range(2):
        steps = [subnet.weigh(each, opinions[(each + turn) % 4]) for each in range(VALIDATORS)]
        assert all(run(subnet, steps))
        bonds = checked_epoch(subnet, bonds)


def test_where_nobody_weighs_nothing_is_emitted() -> None:
    subnet = Subnet(random.Random(3))
    checked_epoch(subnet, NO_BONDS)
    subnet.weights = [scaled([1] * MINERS) for _ in range(VALIDATORS)]
    with pytest.raises(AssertionError):  # the comparison sees what the chain was not told
        checked_epoch(subnet, NO_BONDS)


def test_a_clique_below_half_of_the_stake_raises_nobody() -> None:
    honest, clique = scaled([1] * MINERS), scaled([65_535] + [0] * (MINERS - 1))
    stakes = [10**18] * VALIDATORS
    for members, raised in ((31, False), (33, True)):
        weights = [clique] * members + [honest] * (VALIDATORS - members)
        found = epoch(stakes, weights, NO_BONDS)
        assert (found.consensus[0] > honest[0]) == raised
        assert found.emission[VALIDATORS] * 2 > EMISSION // 2 or not raised


def test_the_phases_of_an_epoch_have_their_order_and_happen_once() -> None:
    subnet = Subnet(random.Random(4))
    opening, *ranking = subnet.epoch()[:13]
    assert run(subnet, [subnet.call(70, "rank", 0), opening]) == [False, True]
    refused = [
        subnet.call(70, "open_epoch"),  # one is open
        subnet.call(70, "divide", 0),  # nobody is ranked
        subnet.call(70, "pay", 0),
        subnet.call(70, "close_epoch"),
        subnet.call(0, "set_weights", *[1] * 12),
    ]
    assert not any(run(subnet, refused))
    again = [subnet.call(70, "rank", 3), subnet.call(70, "rank", 12)]
    assert run(subnet, [*ranking, *again]) == [True] * 12 + [False, False]
    steps = [subnet.call(70, "divide", group) for group in (0, 1, 2, 3, 3, 4)]
    assert run(subnet, steps) == [True] * 4 + [False] * 2
    closing = [subnet.call(70, "close_epoch"), subnet.call(70, "close_epoch")]
    assert run(subnet, closing) == [True, False]
    steps = [subnet.call(70, "pay", group) for group in (*range(16), 0, 16)]
    assert run(subnet, steps) == [True] * 16 + [False] * 2
    assert run(subnet, [subnet.call(70, "open_epoch")]) == [False]  # too early


def test_weights_are_validators_and_of_somebody() -> None:
    subnet = Subnet(random.Random(5))
    steps = [subnet.weigh(3, [1] * MINERS), subnet.call(3, "set_weights", *[0] * 12)]
    assert run(subnet, steps) == [True, False]
    assert run(subnet, [subnet.call(64, "set_weights", *[1] * 12)]) == [False]
    assert run(subnet, [subnet.call(0, "join", 5), subnet.call(0, "stake", 1)]) == [False, False]
    assert run(subnet, [subnet.call(0, "unstake", 10**20)]) == [False]


class Jobs:
    """A market with a customer, whose one job takes its way."""

    def __init__(self) -> None:
        self.fixture = Fixture()
        self.market = Market.open(self.fixture)
        self.customer = self.fixture.person("customer")
        self.stranger = self.fixture.person("stranger")
        self.first, self.second, *_ = self.market.miners
        self.fixture.before("market", "deposit", self.customer, self.market.address, value=10**18)
        self.state = self.fixture.state()
        self.right = int.from_bytes(self.market.model.run(INPUT), "big")
        self.number = 1

    def do(self, *calls: tuple[str, Address, list[bytes | int]]) -> list[bool]:
        """A block of calls about the job: method, who, and more arguments."""
        steps = [
            self.fixture.call("market", method, who, self.market.address, JOB, *words)
            for method, who, words in calls
        ]
        with Executor(workers=2) as executor:
            result = executor.execute_block(steps, self.state, self.fixture.evm(number=self.number))
        self.state.apply(result.writes)
        return [outcome.value.succeeded for outcome in result.outcomes]

    def has(self, getter: str, key: bytes | int) -> int:
        """A number that the contract tells."""
        with self.fixture.nonces_kept(), Executor(workers=1) as executor:
            step = self.fixture.call("market", getter, self.stranger, self.market.address, key)
            [outcome] = executor.execute_block([step], self.state, self.fixture.evm()).outcomes
        assert step.transaction.data[:4] == selector("market", getter)
        return int.from_bytes(outcome.value.output, "big")

    def answered(self, found: int) -> None:
        """Bring the job to an answer by the second miner, for a price of 700."""
        assert (
            self.do(
                ("post", self.customer, [keccak(INPUT), PRICE]),
                ("bid", self.first, [900]),
                ("bid", self.second, [700]),
                ("answer", self.second, [found]),
            )
            == [True] * 4
        )

    def challenge(
        self, who: Address, data: bytes = INPUT
    ) -> tuple[str, Address, list[bytes | int]]:
        return "challenge", who, [64, len(data), data[:32], data[32:]]


def test_the_lowest_bid_is_paid_and_the_customer_keeps_the_rest() -> None:
    jobs = Jobs()
    before = jobs.has("balances", jobs.customer), jobs.has("balances", jobs.second)
    jobs.answered(jobs.right)
    assert jobs.do(
        ("accept", jobs.stranger, []),  # the customer may still object
        jobs.challenge(jobs.stranger),  # the answer is right
        ("accept", jobs.customer, []),
        ("accept", jobs.customer, []),
    ) == [False, False, True, False]
    assert jobs.has("balances", jobs.customer) == before[0] - 700
    assert jobs.has("balances", jobs.second) == before[1] + 700


def test_anybody_has_the_miner_paid_when_patience_is_over() -> None:
    jobs = Jobs()
    jobs.answered(jobs.right)
    jobs.number += 50
    assert jobs.do(("accept", jobs.stranger, [])) == [True]


def test_a_wrong_answer_costs_the_miner_and_pays_who_shows_it() -> None:
    jobs = Jobs()
    stakes, funds = jobs.has("stakes", 65), jobs.has("balances", jobs.customer)
    jobs.answered(jobs.right + 1)
    other = bytes(64)
    calls = [jobs.challenge(jobs.stranger, other), jobs.challenge(jobs.stranger)]
    assert jobs.do(*calls, jobs.challenge(jobs.stranger)) == [False, True, False]
    assert stakes - jobs.has("stakes", 65) == 5 * 10**14
    assert jobs.has("balances", jobs.stranger) == 25 * 10**13
    assert jobs.has("balances", jobs.customer) == funds


def test_a_job_that_nobody_bids_on_gives_its_money_back() -> None:
    jobs = Jobs()
    funds = jobs.has("balances", jobs.customer)
    post = ("post", jobs.customer, [keccak(INPUT), PRICE])
    assert jobs.do(
        ("cancel", jobs.customer, []),  # no such job
        post,
        ("cancel", jobs.stranger, []),  # another's
        ("cancel", jobs.customer, []),
        ("cancel", jobs.customer, []),  # it is gone
        ("bid", jobs.first, [900]),
    ) == [False, True, False, True, False, False]
    assert jobs.has("balances", jobs.customer) == funds
    assert jobs.do(
        post,
        ("bid", jobs.first, [900]),
        ("cancel", jobs.customer, []),  # the miner may be at work
        ("answer", jobs.first, [jobs.right]),
        ("cancel", jobs.customer, []),
        ("accept", jobs.customer, []),
    ) == [True, True, False, True, False, True]
    assert jobs.has("balances", jobs.customer) == funds - 900


def test_who_may_not_is_refused() -> None:
    jobs = Jobs()
    assert jobs.do(
        ("bid", jobs.first, [1]),  # no such job
        ("post", jobs.stranger, [keccak(INPUT), PRICE]),  # without money
        ("post", jobs.customer, [keccak(INPUT), PRICE]),
        ("post", jobs.customer, [keccak(INPUT), PRICE]),  # there is one
        ("bid", jobs.stranger, [1]),  # no participant
        ("bid", jobs.first, [PRICE]),  # not less
        ("accept", jobs.customer, []),  # there is no answer
        jobs.challenge(jobs.stranger),
        ("bid", jobs.first, [900]),
        ("answer", jobs.second, [1]),  # another's
        ("answer", jobs.first, [1]),
        ("answer", jobs.first, [2]),  # it is answered
        ("bid", jobs.second, [1]),
    ) == [False, False, True, *[False] * 5, True, False, True, False, False]
