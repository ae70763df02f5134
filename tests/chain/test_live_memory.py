"""A chain on disk has, block after block, the memory that it had, without garbage collection."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.chain.growing import RECIPIENTS, genesis, random_line
from tests.chain.soak import grow

from blockstm.chain import Chain, importing
from blockstm.chain.store import Batch, Table
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

if not hasattr(ctypes.CDLL(None), "mallinfo2"):
    pytest.skip("it is told by glibc", allow_module_level=True)

BEGIN, END = 128, 512
GROWTH_MAX = 1_024
"""Bytes that a block may add: the state grows, and with it the ways through its tries."""
OBJECTS_MAX = 8
"""Of Python, likewise."""
WINDOW = 8


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def live_bytes() -> int:
    """What is allocated by malloc and not freed; small objects of Python apart."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _Mallinfo2
    told = ask()
    return int(told.uordblks) + int(told.hblkhd)


@pytest.fixture(scope="module")
def line() -> list[Block]:
    """Blocks whose senders are remembered: they were imported once."""
    return random_line(END, seed=7)


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """One that stores its state at the first and the last of the blocks that count, any way.

    With one worker: another gets its memory with the first transaction that it happens to run.
    """
    monkeypatch.setattr(importing, "_BEHIND_AHEAD_MAX", BEGIN)
    with Chain.open(
        tmp_path / "data", genesis(), window=WINDOW, workers=1, cache_bytes=0
    ) as opened:
        fill_copies(opened)
        yield opened


def fill_copies(chain: Chain) -> None:
    """Let libmdbx have all the memory for copies of pages that it keeps, 1,024 of them."""
    keys = [b"a key %d" % number for number in range(3_000)]
    for value in (bytes(1_500), None):
        batch = Batch()
        batch.changes[Table.META].update(dict.fromkeys(keys, value))
        chain._store.commit(batch)


def one_by_one(chain: Chain, blocks: list[Block]) -> None:
    for block in blocks:
        chain.import_block(block)


def pipelined(chain: Chain, blocks: list[Block]) -> None:
    for _ in chain.import_blocks(blocks):
        pass


def in_one_thread(chain: Chain, blocks: list[Block]) -> None:
    for _ in chain.import_blocks(blocks, pipelined=False):
        pass


def with_reorganisations(chain: Chain, blocks: list[Block]) -> None:
    for block in blocks:
        chain.import_block(block)
        if block.header.number % 8 == 0:
            chain.set_head(block.header.parent_hash)
            chain.set_head(block.hash)


def with_readers(chain: Chain, blocks: list[Block]) -> None:
    for block in blocks:
        chain.import_block(block)
        state = chain.state_at(max(chain.head.number - WINDOW, 0))
        assert state.account(RECIPIENTS[0]) == state.proof(RECIPIENTS[0]).account


def made_here(chain: Chain, blocks: list[Block]) -> None:
    """As many others, each made from what executing it with another header told."""
    grow(chain, random.Random(5), len(blocks))


WAYS = [one_by_one, pipelined, in_one_thread, with_reorganisations, with_readers, made_here]


@pytest.mark.parametrize("way", WAYS)
def test_blocks_add_nothing(
    chain: Chain, line: list[Block], way: Callable[[Chain, list[Block]], None]
) -> None:
    way(chain, line[:BEGIN])
    gc.collect()
    gc.disable()
    try:
        before, objects = live_bytes(), sys.getallocatedblocks()
        way(chain, line[BEGIN:])
        growth, more_objects = live_bytes() - before, sys.getallocatedblocks() - objects
    finally:
        gc.enable()
    assert growth < GROWTH_MAX * (END - BEGIN)
    assert more_objects < OBJECTS_MAX * (END - BEGIN)
