"""A process that imports is ended at any instant: the folder is that of a block it had kept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.chain.growing import child, genesis, random_transactions

from blockstm.chain import Chain
from blockstm.chain.files import read_blocks, write_blocks
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

ROOT = Path(__file__).parents[2]
BLOCKS = 150
WINDOW = 20
IMPORTER = """
import sys
from tests.chain.growing import genesis
from blockstm.chain import Chain, importing
from blockstm.chain.files import read_blocks
folder, blocks, window, way = sys.argv[1:]
importing._STAGED_SECONDS = 0.01
importing._BEHIND_AHEAD_MAX = 30  # the state is stored now and then
with Chain.open(folder, genesis(), window=int(window), workers=1) as chain:
    print("open", flush=True)
    if way == "stream":
        imported = chain.import_blocks(read_blocks(blocks))
    else:
        imported = (each for block in read_blocks(blocks) for each in chain.import_blocks([block]))
    for done in imported:
        print(done.number, flush=True)
"""


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
    arguments = (str(folder), str(blocks), str(WINDOW), way)
    numbers = [int(each) for each in told_by(IMPORTER, arguments, seconds, how) if each.isdigit()]
    return numbers[-1] if numbers else 0


def told_by(
    program: str, arguments: tuple[str, ...], seconds: float, how: signal.Signals
) -> list[str]:
    """What a program in another process prints behind "open" until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    time.sleep(seconds)
    os.kill(process.pid, how)
    told = process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    return told


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
