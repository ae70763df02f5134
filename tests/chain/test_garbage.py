"""Nothing of a chain is left to the garbage collector: it comes seldom where little is made, and
what waits for it may hold a state, and with it memory and pages of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.chain.growing import RECIPIENTS, child, genesis, random_line, with_other_root
from tests.garbage import garbage_of

from blockstm import BlockstmError
from blockstm.chain import Chain
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

WINDOW = 8
COUNT = 24
STOOD_AT = 16


@pytest.fixture(scope="module")
def line() -> list[Block]:
    return random_line(COUNT, seed=3)


@pytest.fixture(params=["memory", "disk"])
def chain(request: pytest.FixtureRequest, tmp_path: Path, line: list[Block]) -> Iterator[Chain]:
    opened = (
        Chain.in_memory(genesis(), workers=1, window=WINDOW)
        if request.param == "memory"
        else Chain.open(tmp_path / "data", genesis(), window=WINDOW, workers=2, cache_bytes=1 << 20)
    )
    with opened as chain:
        list(chain.import_blocks(line[:STOOD_AT]))
        yield chain


def refused(act: Callable[[], object]) -> None:
    """An act that ends with an error."""
    try:
        act()
    except (BlockstmError, ZeroDivisionError):
        return
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("pipelined", [True, False])
def test_streams(chain: Chain, line: list[Block], pipelined: bool) -> None:
    coming = iter(line[STOOD_AT:])

    def three() -> None:
        given = [next(coming) for _ in range(3)]
        assert len(list(chain.import_blocks(given, pipelined=pipelined))) == 3

    assert garbage_of(three) == {}


@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("bad", ["root", "bytes", "parent", "iterator"])
def test_streams_that_end_with_an_error(
    chain: Chain, line: list[Block], pipelined: bool, bad: str
) -> None:
    def blocks() -> Iterator[Block | bytes]:
        yield from line[STOOD_AT - 2 : STOOD_AT]
        if bad == "iterator":
            _ = 1 / 0
        ends = {"root": with_other_root(line[STOOD_AT]), "bytes": b"no block", "parent": line[-1]}
        yield ends[bad]
        yield from line[STOOD_AT + 1 : STOOD_AT + 4]

    def run() -> None:
        refused(lambda: list(chain.import_blocks(blocks(), pipelined=pipelined)))

    assert garbage_of(run) == {}


def test_a_stream_that_is_left(chain: Chain, line: list[Block]) -> None:
    def first() -> None:
        for _ in chain.import_blocks(line[STOOD_AT - 4 : STOOD_AT]):
            break

    assert garbage_of(first) == {}


def test_single_blocks(chain: Chain, line: list[Block]) -> None:
    coming = iter(line[STOOD_AT:])
    assert garbage_of(lambda: chain.import_block(next(coming))) == {}
    bad = with_other_root(next(coming))
    assert garbage_of(lambda: refused(lambda: chain.import_block(bad))) == {}
    assert garbage_of(lambda: refused(lambda: chain.import_block(line[-1]))) == {}
    assert garbage_of(lambda: refused(lambda: chain.import_block(b"no block"))) == {}


def test_blocks_that_are_made(chain: Chain) -> None:
    """What they do is learnt from a block whose header says something else."""
    assert garbage_of(lambda: child(chain)) == {}


def test_heads_and_states(chain: Chain, line: list[Block]) -> None:
    def switch() -> None:
        chain.set_head(line[STOOD_AT - 3].hash)
        chain.set_head(line[STOOD_AT - 1].hash)

    def read() -> None:
        state = chain.state_at(STOOD_AT - 2)
        assert state.account(RECIPIENTS[0]) == state.proof(RECIPIENTS[0]).account
        chain.witness(STOOD_AT)
        chain.receipts(3)

    assert garbage_of(switch) == {}
    assert garbage_of(read) == {}
    assert garbage_of(lambda: refused(lambda: chain.state_at(1))) == {}
    assert garbage_of(lambda: refused(lambda: chain.set_head(line[1].hash))) == {}
    assert garbage_of(lambda: refused(lambda: chain.block(99))) == {}


def test_a_folder_that_is_opened(tmp_path: Path, line: list[Block]) -> None:
    def run() -> None:
        with Chain.open(tmp_path / "opened", genesis(), workers=1) as chain:
            refused(lambda: list(chain.import_blocks([line[0], with_other_root(line[1])])))
            refused(lambda: Chain.open(tmp_path / "opened"))

    assert garbage_of(run) == {}
