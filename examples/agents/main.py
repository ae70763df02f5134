"""Thousands of agents that look at each block's signals, and act in the next.

They trade at 64 venues, and all begin at eight. After a block they see, by `blockstm.insight`, how
many transactions waited for another at each venue. The wary leave crowds, the herd runs after them,
and some pay each other whatever happens. What they do changes what the next block is like: how long
its longest chain of dependencies is, and so how much can run at the same time.

Run it: ``python -m examples.agents.main``.
"""

from __future__ import annotations

import random

from blockstm import Executor
from blockstm.bench.blocks.agents_traffic import VENUES, Crowd
from blockstm.bench.blocks.fixture import Fixture
from blockstm.insight.recording import Steps
from blockstm.insight.signals import BlockSignals, signals_of_steps

__all__ = ["main"]

_COLUMNS = (
    "block",
    "dependents",
    "longest chain",
    "groups",
    "largest",
    "venues waited at",
    "failures",
)


def main(agents: int = 4_000, blocks: int = 8, seed: int = 1) -> list[BlockSignals]:
    """Some blocks, in each of which every agent acts once; the signals of each.

    Raises:
        AssertionError: two workers came to something else than one.
    """
    draw, fixture = random.Random(seed), Fixture()
    crowd = Crowd.gather(fixture, agents, draw)
    state, found = fixture.state(), []
    print(f"{agents:,} agents at {VENUES} venues")
    print("".join(f"{title:>17}" for title in _COLUMNS))
    with Executor(workers=1) as one, Executor(workers=2) as two:
        for number in range(1, blocks + 1):
            steps, evm = crowd.act(fixture, crowd.agents, draw), fixture.evm(number=number)
            alone = one.execute_block(steps, state, evm)
            assert two.execute_block(steps, state, evm).writes == alone.writes, "another result"
            block = Steps(f"block {number}", steps, state, evm, range(agents))
            signals = signals_of_steps(block, number=number, hot=1_000)
            crowd.see(signals, draw)
            state.apply(alone.writes)
            found.append(signals)
            _print(signals, len([each for each in crowd.waiting.values() if each]))
    return found


def _print(signals: BlockSignals, venues: int) -> None:
    cells = (
        signals.number, signals.dependents, signals.longest_chain, signals.groups,
        signals.largest_group, venues, signals.failures,
    )  # fmt: skip
    print("".join(f"{cell:>17,}" for cell in cells))


if __name__ == "__main__":
    main()
