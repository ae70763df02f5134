"""The file of a chain grows by what is kept: pages that commits leave are used again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chain.growing import RECIPIENTS, child, genesis, random_transactions

from blockstm.chain import Chain, importing
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

BLOCKS = 300  # the state is stored twice meanwhile, or more
WINDOW = 8
PAGE = 4096
BESIDE = 256
"""Pages that the file may have beside its tables, and as many for copies: a commit copies the ways
to what it changes, and those of one before it are free only then."""


@pytest.fixture(scope="module")
def line() -> list[Block]:
    """A chain of blocks."""
    draw = random.Random(5)
    made = []
    with Chain.in_memory(genesis(), window=WINDOW, workers=1) as chain:
        for _ in range(BLOCKS):
            transactions = random_transactions(chain, chain.head.hash, draw)
            made.append(child(chain, None, transactions))
            chain.import_block(made[-1])
    return made


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with Chain.open(
        tmp_path / "data", genesis(), window=WINDOW, workers=1, cache_bytes=1 << 20
    ) as opened:
        yield opened


def pages(chain: Chain) -> int:
    """How far the file is filled."""
    return chain.file_size().bytes // PAGE


def is_filled(chain: Chain) -> bool:
    """Whether the file has about what its tables have."""
    tables = sum(size.bytes for size in chain.sizes().values()) // PAGE
    return pages(chain) <= 2 * tables + BESIDE


def test_blocks_one_by_one(chain: Chain, line: list[Block]) -> None:
    for block in line:
        chain.import_block(block)
    assert is_filled(chain)


def test_a_stream_with_many_commits(
    chain: Chain, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_STAGED_SECONDS", 0.0)
    list(chain.import_blocks(line))
    assert is_filled(chain)


def test_states_that_were_asked_once(chain: Chain, line: list[Block]) -> None:
    """What is at hand of them does not hold on to the pages of their time."""
    for number, block in enumerate(line, 1):
        chain.import_block(block)
        if number % 50 == 3:
            assert chain.state_at(number - 2).root == line[number - 3].header.state_root
    assert is_filled(chain)


def test_branches(chain: Chain, line: list[Block]) -> None:
    for number, block in enumerate(line, 1):
        chain.import_block(block)
        if number % 10 == 0:
            chain.set_head(line[number - 6].hash)
            chain.set_head(block.hash)
    assert is_filled(chain)


def test_a_state_that_was_held_is_not_paid_for_ever(chain: Chain, line: list[Block]) -> None:
    """While it is held it stays as it is, and the file grows; then that room is used."""
    for block in line[:20]:
        chain.import_block(block)
    state = chain.state_at(20)
    expected = [state.account(each) for each in RECIPIENTS]
    proved = state.proof(RECIPIENTS[0]).nodes
    for block in line[20:160]:  # the state of another block is stored by then
        chain.import_block(block)
    assert [state.account(each) for each in RECIPIENTS] == expected
    assert state.proof(RECIPIENTS[0]).nodes == proved
    assert not is_filled(chain)
    held = pages(chain)
    del state
    for block in line[160:]:
        chain.import_block(block)
    assert pages(chain) <= held + BESIDE


def test_the_size_is_told(chain: Chain, line: list[Block]) -> None:
    for block in line[:40]:
        chain.import_block(block)
    tables = sum(size.bytes for size in chain.sizes().values())
    told = chain.file_size()
    assert 0 <= told.free_bytes <= told.bytes - tables
    assert told.bytes % PAGE == told.free_bytes % PAGE == 0
    with Chain.in_memory(genesis()) as in_memory:
        assert in_memory.file_size() == (0, 0)
