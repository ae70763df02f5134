"""A process is ended while side branches are imported, and while the head goes to them."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from eth_typing import Hash32
from tests.chain.growing import child, genesis, random_transactions
from tests.chain.victims import change_heads, told_by

from blockstm.chain import Chain
from blockstm.chain.files import read_blocks, write_blocks
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

BRANCHES, LENGTH, COMMON = 3, 12, 4


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Block]]:
    """A file of blocks: some in a row, and branches that begin behind them; and the blocks."""
    draw = random.Random(11)
    made: list[Block] = []
    with Chain.in_memory(genesis(), workers=1) as chain:
        for branch in range(BRANCHES):
            top = made[COMMON - 1].hash if branch else chain.head.hash
            for _ in range(LENGTH if branch else COMMON + LENGTH):
                seconds = 12 + branch  # no two branches have a block in common
                transactions = random_transactions(chain, top, draw)
                made.append(child(chain, top, transactions, seconds=seconds))
                chain.import_block(made[-1])
                top = made[-1].hash
    path = tmp_path_factory.mktemp("branches") / "blocks.rlp.gz"
    write_blocks(path, made)
    return path, made


def run_crashes(folder: Path, branches: tuple[Path, list[Block]], seed: int, rounds: int) -> None:
    draw = random.Random(seed)
    path, blocks = branches
    headers = {each.hash: each.header for each in [genesis().block, *blocks]}
    head, kept = genesis().block.hash, set[Hash32]()
    for number in range(rounds):
        arguments = (str(folder), str(path), seed * 1000 + number)
        told = told_by(change_heads, arguments, draw.random() * 0.3, signal.SIGKILL)
        kept |= {each for word, each in told if word == "kept"}
        was = [each for word, each in told if word == "at"]
        head = was[-1] if was else head
        begun = told[-1][1] if told else head
        with Chain.open(folder, workers=1) as chain:
            assert chain.head.hash in (head, begun)
            head = chain.head.hash
            assert all(chain.has_block(each) for each in kept)  # what was told to be there is there
            at = head
            while headers[at].number:
                assert chain.block_hash(headers[at].number) == at
                at = headers[at].parent_hash
            assert chain.state_at(head).root == headers[head].state_root
            assert chain.audit().findings == ()
    assert_all_are_taken(folder, path, blocks)


def assert_all_are_taken(folder: Path, path: Path, blocks: list[Block]) -> None:
    """What is missing can be imported, and the head can be each block."""
    with Chain.open(folder, workers=1) as chain:
        for block in read_blocks(path):
            chain.import_block(block)
        for block in (*blocks[::5], blocks[-1]):
            chain.set_head(block.hash)
            assert chain.state_at(block.hash).root == block.header.state_root
        assert chain.audit().findings == ()


def test_after_a_kill_among_branches_the_head_is_one_that_was_kept(
    tmp_path: Path, branches: tuple[Path, list[Block]]
) -> None:
    run_crashes(tmp_path / "chain", branches, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_many_kills_among_branches(
    tmp_path: Path, branches: tuple[Path, list[Block]], seed: int
) -> None:
    run_crashes(tmp_path / "chain", branches, seed, 12)
