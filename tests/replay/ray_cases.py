"""Work on a Ray cluster: the same as without one, also where its processes die.

`test_ray` runs these cases in a process of their own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import genesis, random_line
from tests.fixtures import DATA
from tests.replay.meddling import kill, with_step
from tests.shards.test_shards import NETWORK, SHARDS, first_round
from tests.shards.traffic import PEOPLE, network

from blockstm.chain import Chain
from blockstm.cluster import cluster
from blockstm.errors import ClusterError, StoreMismatch
from blockstm.replay import FolderBlocks, Replay, Verdict, replay
from blockstm.shards import LocalShards, RayShards, ShardBlock

BLOCKS = 12
SPEC = genesis().chain
assert SPEC is not None

# Ray opens files and sockets that it leaves to the end of the process.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """One cluster of this machine for all tests here."""
    with ExitStack() as stack:
        try:
            module = stack.enter_context(cluster(cores=2))
        except ClusterError:  # on a machine with much else to do, one may come up too late
            try:
                module = stack.enter_context(cluster(cores=2))
            except ClusterError as error:
                pytest.skip(f"{error}")
        yield module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a chain."""
    path = tmp_path_factory.mktemp("chain")
    with Chain.open(path, genesis=genesis(), workers=1) as imported:
        list(imported.import_blocks(random_line(BLOCKS, seed=7)))
    return path


def facts(done: Replay) -> list[dict[str, Any]]:
    return [each.facts() for each in done.records]


def test_an_address_at_which_nobody_answers_is_a_cluster_error() -> None:
    with pytest.raises(ClusterError, match="no Ray cluster answers"), cluster("127.0.0.1:1"):
        pass


@pytest.mark.usefixtures("ray")
def test_a_cluster_says_what_a_process_says(folder: Path) -> None:
    witnesses = sorted((DATA / "mainnet-witness").iterdir())[:3]
    pairs = [(DATA / "mainnet" / each.name, each) for each in witnesses]
    pairs.append((folder / "nowhere.json", folder / "nowhere.json"))
    assert facts(replay(pairs, ray=True)) == facts(replay(pairs, processes=0))
    alone = replay(FolderBlocks(folder, every=5), processes=0)
    assert facts(replay(FolderBlocks(folder, every=5), ray=True)) == facts(alone)


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_a_process_of_a_cluster_that_is_killed_loses_nothing(folder: Path, tmp_path: Path) -> None:
    alone = replay(FolderBlocks(folder, every=4), processes=0)
    spec = with_step(SPEC, kill, number=6, beside=tmp_path / "died")
    done = replay(FolderBlocks(folder, every=4), spec=spec, ray=True)
    assert facts(done) == facts(alone)
    assert done.deaths >= 1
    always = with_step(SPEC, kill, number=6)
    done = replay(FolderBlocks(folder, every=4), spec=always, ray=True, tries=1)
    assert [each.number for each in done.records if not each.is_equal] == [6]
    assert done.records[5].verdict is Verdict.KILLED


def test_a_folder_that_is_not_on_a_machine_is_said(ray: Any, tmp_path: Path) -> None:
    from blockstm.replay.from_chain import SegmentTask
    from blockstm.replay.on_ray import RayCluster
    from blockstm.replay.task import Settings

    place = RayCluster(ray, Settings(SPEC))
    place.submit(SegmentTask(tmp_path / "nowhere", 1, 1, 0))
    with pytest.raises(ClusterError, match="--witnesses"):
        place.wait()


class KilledShards(RayShards):
    """Actors that are killed once they are asked for a block, wherever they are then."""

    kills = ()

    def _begin_call(self, shard: int, call: Any) -> Any:
        reference = super()._begin_call(shard, call)
        name, arguments = call
        if name == "advance" and (arguments[0].number, shard) in self.kills:
            self.kills = tuple(each for each in self.kills if each != (arguments[0].number, shard))
            os.kill(self._pids[shard], signal.SIGKILL)
        return reference

    def advance(self, *given: Any) -> Sequence[ShardBlock]:
        self._pids = self.processes
        return super().advance(*given)


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_actors_give_the_roots_of_the_reference_whenever_they_are_killed(tmp_path: Path) -> None:
    with LocalShards(NETWORK, workers=1) as reference, KilledShards(NETWORK, tmp_path) as actors:
        actors.kills = ((1, 0), (2, 1), (3, 2))
        for given_to in (first_round(), {}, {}):
            assert list(reference.advance(given_to)) == list(actors.advance(given_to))
        assert actors.kills == ()
        assert actors.deaths >= 1
        assert [actors.balance(shard, PEOPLE[0]) for shard in range(SHARDS)] == [7, 5, 6]
        assert (actors.roots, actors.in_flight) == (reference.roots, 0)
        [killed, *_] = actors.processes  # between two blocks
        os.kill(killed, signal.SIGKILL)
        assert list(reference.advance()) == list(actors.advance())
    with LocalShards(NETWORK, tmp_path, workers=1) as again:
        assert (again.number, again.roots) == (4, actors.roots)
    # A folder of another network is refused by what opens it.
    with pytest.raises(StoreMismatch), RayShards(network(SHARDS + 1), tmp_path):
        pass
