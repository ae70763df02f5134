"""Epochs of the market on chain: participants, weights, and the calls that make an epoch."""

from __future__ import annotations

import random
from collections.abc import Sequence

from examples.compute_market.meaning import MINERS, VALIDATORS, Matrix, scaled

from blockstm import BlockResult, Executor
from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.evm.artefacts import runtime
from blockstm.insight.recording import Steps
from blockstm.state.accounts import AccountState
from blockstm.vm.evm import Signed

__all__ = ["Subnet"]

_LANES = 16
_GAS = 16_000_000
_TEMPO = 360
_LIMIT = 1 << 16
_NONSENSE = 1 / 6


class Subnet:
    """The market with all its 256 participants, block after block.

    Attributes:
        state: after the last block.
        number: of the next one.
        weights: of each validator to each miner, as they were last set, scaled.
    """

    state: AccountState

    def __init__(self, draw: random.Random, stakes: Sequence[int] = ()) -> None:
        """Open it; ``stakes`` are drawn where they are not given."""
        self._draw, self._fixture = draw, Fixture()
        self.number = 1
        self.weights: Matrix = [[0] * MINERS for _ in range(VALIDATORS)]
        self._market = self._fixture.contract("market", runtime("market"))
        self._people = self._fixture.people("participant", VALIDATORS + MINERS)
        stakes = stakes or [draw.randrange(10**17, 10**19) for _ in self._people]
        for place, (who, stake) in enumerate(zip(self._people, stakes, strict=True)):
            self._fixture.before("market", "deposit", who, self._market, value=stake)
            self._fixture.before("market", "join", who, self._market, place)
            self._fixture.before("market", "stake", who, self._market, stake)
        self.state = self._fixture.state()

    def block(self, steps: list[Signed]) -> Steps:
        """The next block, of these transactions."""
        evm = self._fixture.evm(number=self.number)
        return Steps("block", steps, self.state, evm, range(len(steps)))

    def run(self, steps: list[Signed], executor: Executor) -> BlockResult:
        """What the next block comes to; `take` goes on after it."""
        block = self.block(steps)
        return executor.execute_block(block.steps, block.state, block.evm)

    def take(self, result: BlockResult) -> None:
        """Go on after a block.

        Raises:
            AssertionError: a transaction failed.
        """
        failed = [each.value.error for each in result.outcomes if not each.value.succeeded]
        assert not failed, failed
        self.state.apply(result.writes)
        self.number += 1

    def weighing(self) -> list[Signed]:
        """Each validator weighs the miners by what they are worth, about; some weigh nonsense."""
        worth = [self._draw.paretovariate(2) for _ in range(MINERS)]
        return [self.weigh(validator, self._opinion(worth)) for validator in range(VALIDATORS)]

    def _opinion(self, worth: Sequence[float]) -> list[int]:
        if self._draw.random() < _NONSENSE:
            return [self._draw.randrange(_LIMIT) for _ in worth]
        return [min(int(4096 * each * self._draw.uniform(0.7, 1.3)), _LIMIT - 1) for each in worth]

    def weigh(self, validator: int, given: Sequence[int]) -> Signed:
        """A validator weighs the miners, with numbers of 16 bits that are not all 0."""
        self.weights[validator] = scaled(given)
        return self.call(validator, "set_weights", *packed(given))

    def call(self, place: int, method: str, *words: bytes | int) -> Signed:
        """Any call of the market by a participant."""
        return self._fixture.call(
            "market", method, self._people[place], self._market, *words, gas=_GAS
        )

    def epoch(self) -> list[Signed]:
        """The calls of an epoch, all in one block, one of each participant."""
        self.number += _TEMPO
        calls: list[tuple[str, tuple[int, ...]]] = [
            ("open_epoch", ()),
            *(("rank", (group,)) for group in range(MINERS // _LANES)),
            *(("divide", (group,)) for group in range(VALIDATORS // _LANES)),
            ("close_epoch", ()),
            *(("pay", (group,)) for group in range((VALIDATORS + MINERS) // _LANES)),
        ]
        return [self.call(place, method, *words) for place, (method, words) in enumerate(calls)]

    def read(self, getter: str, count: int) -> list[int]:
        """What a public array of the market has, by calls that change nothing."""
        with self._fixture.nonces_kept(), Executor(workers=1) as executor:
            asked = [self.call(place, getter, place) for place in range(count)]
            outcomes = self.run(asked, executor).outcomes
        return [int.from_bytes(each.value.output, "big") for each in outcomes]


def packed(numbers: Sequence[int]) -> list[int]:
    """Numbers of 16 bits, sixteen in a word, the first lowest."""
    return [
        sum(number << 16 * lane for lane, number in enumerate(numbers[at : at + _LANES]))
        for at in range(0, len(numbers), _LANES)
    ]
