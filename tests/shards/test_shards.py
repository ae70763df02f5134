"""Shards together: equal roots in whatever order they run and whatever dies, and no wei from
nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures import ROOT
from tests.shards.traffic import CODES, PEOPLE, Wallets, burnt, network, wealth

from blockstm.errors import StoreDamaged
from blockstm.shards import LocalShards, Round, ShardBlock

SHARDS = 3
NETWORK = network(SHARDS)
POINTS = ("before", "not kept", "kept")

ACTIONS = st.tuples(
    st.integers(0, SHARDS - 1),  # of a shard
    st.integers(0, 3),  # of a key
    st.integers(0, SHARDS),  # to a shard; to itself it is a payment, to none it fails
    st.integers(0, len(PEOPLE) + len(CODES) - 2),
    st.integers(0, 1_000),
)
ROUNDS = st.lists(st.lists(ACTIONS, max_size=6), min_size=1, max_size=3)
FAULTS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, SHARDS - 1), st.sampled_from(POINTS)), max_size=6
)


class Killed(Exception):
    """A shard died."""


class FaultyShards(LocalShards):
    """Shards that run in any order, die at some points of a block, and are asked again."""

    def __init__(self, order: Sequence[int], faults: Sequence[tuple[int, int, str]]) -> None:
        super().__init__(NETWORK, workers=1)
        self.order = order
        self.faults = list(faults)
        self.died = 0
        for index, shard in enumerate(self.shards):
            keep = shard.chain.import_block

            def keep_or_die(block: Any, *, index: int = index, keep: Any = keep) -> Any:
                number = block.header.number
                self.die_at(number, index, "not kept")
                kept = keep(block)
                self.die_at(number, index, "kept")
                return kept

            shard.chain.import_block = keep_or_die  # type: ignore[method-assign]  # a fault

    def die_at(self, number: int, shard: int, point: str) -> None:
        if (number, shard, point) in self.faults:
            self.faults.remove((number, shard, point))
            self.died += 1
            raise Killed

    def _advance(self, rounds: Sequence[Round]) -> Sequence[ShardBlock]:
        found: dict[int, ShardBlock] = {}
        for shard in self.order:
            while shard not in found:
                try:
                    self.die_at(rounds[shard].number, shard, "before")
                    found[shard] = self.shards[shard].advance(rounds[shard])
                except Killed:
                    continue
            # An answer that was lost is asked for once more.
            assert self.shards[shard].advance(rounds[shard]) == found[shard]
        return [found[shard] for shard in range(SHARDS)]


def transactions(wallets: Wallets, actions: Any) -> dict[int, list[Any]]:
    """What some actions come to, by shard."""
    made: dict[int, list[Any]] = {shard: [] for shard in range(SHARDS)}
    recipients = [*PEOPLE, *CODES][: len(PEOPLE) + len(CODES) - 1]
    for shard, key, receiver, to, value in actions:
        recipient = recipients[to]
        if receiver == shard:
            made[shard].append(wallets.pay(shard, key, recipient, value))
        else:
            made[shard].append(wallets.send(shard, key, receiver, recipient, value, b"\1\2"))
    return made


@settings(max_examples=12)
@given(ROUNDS, FAULTS, st.permutations(range(SHARDS)))
def test_any_order_and_any_deaths_give_the_roots_of_the_reference(
    rounds: Any, faults: Any, order: Any
) -> None:
    """And what all have, with what is in flight and what was burnt, stays the same."""
    wallets = Wallets()
    with LocalShards(NETWORK, workers=1) as reference, FaultyShards(order, faults) as faulty:
        before = wealth(reference)
        lost = 0
        for actions in [*rounds, [], []]:
            given_to = transactions(wallets, actions)
            assert reference.advance(given_to) == faulty.advance(given_to)
            lost += burnt(reference)
            assert wealth(reference) + reference.in_flight + lost == before
        assert reference.roots == faulty.roots
        assert reference.in_flight == faulty.in_flight == 0


def test_the_faults_are_met() -> None:
    """What the test above does with faults is what it says."""
    faults = [(number, shard, point) for number in (1, 2) for shard in (0, 2) for point in POINTS]
    wallets = Wallets()
    with FaultyShards([2, 0, 1], faults) as faulty:
        faulty.advance({0: [wallets.send(0, 0, 2, PEOPLE[0], 5)]})
        faulty.advance()
        assert faulty.died == len(faults)
        assert faulty.balance(2, PEOPLE[0]) == 5


def test_shards_in_folders_go_on(tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    wallets = Wallets()
    first = {0: [wallets.send(0, 0, 1, PEOPLE[0], 5)], 2: [wallets.send(2, 1, 0, PEOPLE[1], 6)]}
    then = {1: [wallets.send(1, 2, 2, PEOPLE[2], 7)]}
    with LocalShards(NETWORK, workers=1) as reference:
        with LocalShards(NETWORK, tmp_path, workers=1) as shards:
            assert reference.advance(first) == shards.advance(first)
        for given_to in (then, {}, {}):
            with LocalShards(NETWORK, tmp_path, workers=1) as shards:  # opened again
                assert shards.number == reference.number
                assert list(shards.blocks) == list(reference.blocks)
                assert reference.advance(given_to) == shards.advance(given_to)
        assert reference.balance(2, PEOPLE[2]) == 7


def test_a_shard_that_lost_blocks_is_named(tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    with LocalShards(NETWORK, tmp_path, workers=1) as shards:
        shards.advance()
        shards.advance()
    shutil.rmtree(tmp_path / "shard-02")
    with pytest.raises(StoreDamaged, match="shard 2 is at block 0"):
        LocalShards(NETWORK, tmp_path, workers=1)


DYING = """
import os, signal, sys
from tests.shards.test_shards import NETWORK, first_round
from blockstm.shards import LocalShards
shards = LocalShards(NETWORK, sys.argv[1], workers=1)
for _ in range(2):
    shards.advance(first_round() if shards.number == 0 else {})
    if shards.number == 1:  # the second block of shard 0 is kept, that of the others is not
        keep = shards.shards[0].chain.import_block
        def keep_and_die(block):
            keep(block)
            os.kill(os.getpid(), signal.SIGKILL)
        shards.shards[0].chain.import_block = keep_and_die
"""


def first_round() -> dict[int, list[Any]]:
    """A message from each shard to the next."""
    wallets = Wallets()
    return {
        shard: [wallets.send(shard, 0, (shard + 1) % SHARDS, PEOPLE[0], 5 + shard)]
        for shard in range(SHARDS)
    }


def test_a_process_that_is_killed_between_two_shards_loses_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with LocalShards(NETWORK, workers=1) as reference:
        reference.advance(first_round())
        reference.advance()
        with LocalShards(NETWORK, tmp_path, workers=1) as shards:
            assert shards.number == 2
            assert shards.roots == reference.roots
            assert [shards.balance(shard, PEOPLE[0]) for shard in range(SHARDS)] == [7, 5, 6]
            assert shards.in_flight == 0
