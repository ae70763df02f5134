"""Thousands of agents that look at what the last block was like, and act in the next.

Each has a venue of an exchange (``examples/agents/contracts``) where it trades. After a block all
of them see its signals (`blockstm.insight.signals`): how many transactions waited at each venue.
The *wary* leave a crowded venue for a quiet one, the *herd* follows the crowd, and some *pay* each
other whatever happens.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.evm.artefacts import runtime
from blockstm.insight.recording import Steps
from blockstm.insight.signals import BlockSignals, signals_of_steps
from blockstm.types import Address
from blockstm.vm.evm import Signed

__all__ = ["VENUES", "Agent", "Crowd", "agents_traffic"]

VENUES: Final = 64
_DEPTH: Final = 10**24
_FUNDS: Final = 10**21
_KINDS: Final = ("wary", "herd", "payer")
_SHARES: Final = (0.7, 0.1, 0.2)
_POPULAR: Final = 8  # venues where everybody begins
_BLOCKS: Final = 4  # that agents have seen, before the block of the workload
_SEEN: Final = 2_000  # agents that act in those
_CROWDED: Final = 1.5  # times the mean
_HOT: Final = 1_000  # locations, so that all venues are among them


@dataclass(slots=True)
class Agent:
    """Somebody who acts once in a block.

    Attributes:
        kind: ``wary``, ``herd`` or ``payer``.
        venue: where it trades.
    """

    address: Address
    kind: str
    venue: int


@dataclass
class Crowd:
    """All agents, and the exchange where they meet.

    Attributes:
        waiting: by venue, the transactions that waited there in the last block that was seen.
    """

    exchange: Address
    agents: Sequence[Agent]
    waiting: Counter[int] = field(default_factory=Counter)

    @classmethod
    def gather(cls, fixture: Fixture, count: int, draw: random.Random) -> Crowd:
        """So many agents, who all begin at a few popular venues."""
        exchange = fixture.contract("exchange", runtime("exchange"))
        founder = fixture.person("founder")
        total = VENUES * _DEPTH
        fixture.before("exchange", "mint", founder, exchange, founder, total, total)
        for venue in range(VENUES):
            fixture.before("exchange", "provide", founder, exchange, venue, _DEPTH, _DEPTH)
        agents = []
        for address in fixture.people("agent", count):
            fixture.before("exchange", "mint", founder, exchange, address, _FUNDS, _FUNDS)
            [kind] = draw.choices(_KINDS, _SHARES)
            agents.append(Agent(address, kind, draw.randrange(_POPULAR)))
        return cls(exchange, agents)

    def see(self, signals: BlockSignals, draw: random.Random) -> None:
        """Have everybody decide where to trade next. Signals with all hot locations are wanted."""
        self.waiting = Counter()
        for hot in signals.hot:
            address, slot = hot.location
            if address == self.exchange and isinstance(slot, int) and slot < 2 * VENUES:
                self.waiting[slot // 2] = max(self.waiting[slot // 2], hot.dependents)
        by_crowd = sorted(range(VENUES), key=lambda venue: (self.waiting[venue], venue))
        quiet, crowded = by_crowd[: VENUES // 2], by_crowd[-_POPULAR:]
        limit = _CROWDED * self.waiting.total() / VENUES
        for agent in self.agents:
            if agent.kind == "wary" and self.waiting[agent.venue] > limit:
                agent.venue = draw.choice(quiet)
            elif agent.kind == "herd":
                agent.venue = draw.choice(crowded)

    def act(self, fixture: Fixture, agents: Sequence[Agent], draw: random.Random) -> list[Signed]:
        """A transaction of each of these, in any order."""
        acting = list(agents)
        draw.shuffle(acting)
        return [self._action(fixture, agent, draw) for agent in acting]

    def _action(self, fixture: Fixture, agent: Agent, draw: random.Random) -> Signed:
        def call(method: str, *words: bytes | int) -> Signed:
            return fixture.call("exchange", method, agent.address, self.exchange, *words)

        if agent.kind == "payer":
            return call("pay", draw.choice(self.agents).address, draw.randrange(2), 10**15)
        amount = draw.randrange(10**15, 10**18)
        return call("swap", agent.venue, draw.randrange(2), amount, 1)


def agents_traffic(fixture: Fixture, count: int, draw: random.Random) -> list[Signed]:
    """A block in which each agent acts once, after some that it has seen the signals of."""
    crowd = Crowd.gather(fixture, count, draw)
    state, evm = fixture.state(), fixture.evm()
    for _ in range(_BLOCKS):
        with fixture.nonces_kept():  # nothing of these blocks is part of the workload
            seen = crowd.act(fixture, draw.sample(crowd.agents, min(count, _SEEN)), draw)
        steps = Steps("seen", seen, state, evm, range(len(seen)))
        crowd.see(signals_of_steps(steps, hot=_HOT), draw)
    return crowd.act(fixture, crowd.agents, draw)
