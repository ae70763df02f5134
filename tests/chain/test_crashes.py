"""A process that imports is ended at any instant: the folder is that of a block it had kept."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from tests.chain.growing import child, genesis, random_transactions
from tests.chain.victims import import_all, told_by

from blockstm.chain import Chain
from blockstm.chain.files import read_blocks, write_blocks
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

BLOCKS = 150
WINDOW = 20


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Block]]:
    """A file of blocks, and the blocks."""
    draw = random.Random(7)
    made = []
    with Chain.in_memory(genesis(), workers=1) as chain:
        for _ in range(BLOCKS):
            transactions = random_transactions(chain, chain.head.hash, draw)
            made.append(child(chain, None, transactions))
            chain.import_block(made[-1])
    path = tmp_path_factory.mktemp("blocks") / "chain.rlp.gz"
    assert write_blocks(path, made) == BLOCKS
    return path, made


def ended(folder: Path, blocks: Path, seconds: float, way: str, how: signal.Signals) -> int:
    """Import in another process, end that after a while; the last number that it told."""
    told = told_by(import_all, (str(folder), str(blocks), WINDOW, way), seconds, how)
    return told[-1] if told else 0


def run_crashes(
    folder: Path,
    blocks: tuple[Path, list[Block]],
    seed: int,
    rounds: int,
    *,
    way: str,
    how: signal.Signals = signal.SIGKILL,
) -> None:
    draw = random.Random(seed)
    path, made = blocks
    for _ in range(rounds):
        told = ended(folder, path, draw.random() * 0.25, way, how)
        with Chain.open(folder, window=WINDOW, workers=1) as chain:
            number = chain.head.number
            assert number >= told  # what was told to be there is there
            assert chain.head.hash == (made[number - 1].hash if number else genesis().block.hash)
            assert chain.audit().findings == ()
            if draw.random() < 0.5:
                chain.set_head(chain.block_hash(max(chain.oldest_state, number - 15)))
    with Chain.open(folder, window=WINDOW, workers=1) as chain:
        for _ in chain.import_blocks(read_blocks(path)):
            pass
        assert chain.head.hash == made[-1].hash
        assert chain.audit().findings == ()


WAYS = pytest.mark.parametrize("way", ["one by one", "stream"])


@WAYS
def test_after_a_kill_the_head_is_one_that_was_kept(
    tmp_path: Path, blocks: tuple[Path, list[Block]], way: str
) -> None:
    run_crashes(tmp_path / "chain", blocks, 1, 6, way=way)


@WAYS
def test_after_ctrl_c_the_head_is_one_that_was_kept(
    tmp_path: Path, blocks: tuple[Path, list[Block]], way: str
) -> None:
    run_crashes(tmp_path / "chain", blocks, 2, 4, way=way, how=signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
@WAYS
def test_many_kills(tmp_path: Path, blocks: tuple[Path, list[Block]], seed: int, way: str) -> None:
    run_crashes(tmp_path / "chain", blocks, seed, 100, way=way)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 24))
def test_many_times_ctrl_c(tmp_path: Path, blocks: tuple[Path, list[Block]], seed: int) -> None:
    run_crashes(tmp_path / "chain", blocks, seed, 60, way="stream", how=signal.SIGINT)
