"""Hints of blocks that are imported: used, and never believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import COUNTER, child, genesis, random_line, with_other_root
from tests.ethereum.made import signed

from blockstm.chain import Chain, DevChain
from blockstm.chain.disk_state import DiskState
from blockstm.errors import InputError, InvalidBlock
from blockstm.ethereum import Block
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.hints import AccessLists, from_access_list, touched_by
from blockstm.ethereum.learned import Learned
from blockstm.hints import Expected, Hints, from_dependencies


class EachOnTheLast:
    """Every transaction depends on all before it, in each block; notes what it is asked."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.asked: list[int] = []
        self._fails_at = fails_at

    def for_block(self, block: Block) -> Hints | None:
        number = int(block.header.number)
        self.asked.append(number)
        if number == self._fails_at:
            raise LookupError("nothing is known")
        return from_dependencies(range(index) for index in range(len(block.transactions)))


@pytest.fixture(scope="module")
def line() -> list[Block]:
    """A chain of blocks."""
    return random_line(8, seed=5)


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Chain.in_memory(genesis(), workers=2) as made:
        yield made


def numbers(imported: Iterable[Any], given: list[int]) -> None:
    """Import, and note which were."""
    given.extend(each.number for each in imported)


@pytest.mark.parametrize("pipelined", [False, True])
def test_blocks_are_imported_with_the_hints_of_a_source(
    chain: Chain, line: list[Block], pipelined: bool
) -> None:
    source = EachOnTheLast()
    imported = [*chain.import_blocks(line, pipelined=pipelined, hints=source)]
    assert [each.hash for each in imported] == [each.hash for each in line]
    assert source.asked == [int(each.header.number) for each in line]
    assert all(each.executed and each.executed.hints_report for each in imported)
    assert chain.audit().findings == ()


@pytest.mark.parametrize(
    "hints",
    [
        EachOnTheLast(),
        from_dependencies([[], [0], [1]]),
        [Expected(weight=5), None, Expected(reads=["a"], writes=["a"])],
        None,
    ],
    ids=["source", "hints", "objects", "none"],
)
def test_a_block_is_imported_with_hints(chain: Chain, line: list[Block], hints: Any) -> None:
    for block in line:
        assert chain.import_block(block, hints=hints).is_head
    assert chain.head.hash == line[-1].hash


@pytest.mark.parametrize("pipelined", [False, True])
def test_what_a_source_raises_stands_for_its_block(
    chain: Chain, line: list[Block], pipelined: bool
) -> None:
    imported: list[int] = []
    coming = chain.import_blocks(line, pipelined=pipelined, hints=EachOnTheLast(4))
    with pytest.raises(LookupError, match="nothing is known"):
        numbers(coming, imported)
    assert imported == [1, 2, 3]
    assert chain.head.number == 3


@pytest.mark.parametrize("pipelined", [False, True])
def test_hints_do_not_hide_an_invalid_block(
    chain: Chain, line: list[Block], pipelined: bool
) -> None:
    blocks = [*line[:3], with_other_root(line[3])]
    imported: list[int] = []
    coming = chain.import_blocks(blocks, pipelined=pipelined, hints=EachOnTheLast())
    with pytest.raises(InvalidBlock, match="root"):
        numbers(coming, imported)
    assert imported == [1, 2, 3]


@pytest.mark.parametrize("hints", [5, ["a key"], from_dependencies([])], ids=["5", "keys", "one"])
def test_what_is_no_source_is_refused(chain: Chain, line: list[Block], hints: Any) -> None:
    with pytest.raises(InputError, match="hints"):
        next(iter(chain.import_blocks(line, hints=hints)))
    with DevChain.in_memory(genesis()) as dev, pytest.raises(InputError, match="hints"):
        next(iter(dev.import_blocks(line, hints=hints)))
    assert chain.head.number == 0


def test_a_chain_for_development_takes_hints_too(line: list[Block]) -> None:
    source = EachOnTheLast()
    with DevChain.in_memory(genesis()) as dev:
        assert len([*dev.import_blocks(line[:2], hints=source)]) == 2
        dev.import_block(line[2], hints=source)
    assert source.asked == [1, 2, 3]


class Listening:
    """Knows nothing, and notes what it is told."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.told: list[int] = []
        self._fails_at = fails_at

    def for_block(self, block: Block) -> Hints | None:
        return None

    def learn(self, block: Block, executed: Any) -> None:
        assert executed.accesses is not None
        assert len(executed.accesses) == len(block.transactions)
        if block.header.number == self._fails_at:
            raise LookupError("too much")
        self.told.append(int(block.header.number))


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_source_that_learns_is_told_of_each_block_in_order(
    chain: Chain, line: list[Block], pipelined: bool
) -> None:
    source = Listening()
    imported = [*chain.import_blocks(line, pipelined=pipelined, hints=source)]
    assert source.told == [each.number for each in imported]
    assert [*chain.import_blocks(line, hints=source)], "which the chain has already"
    assert len(source.told) == len(line)


def test_one_block_teaches_too(chain: Chain, line: list[Block]) -> None:
    source = Listening()
    chain.import_block(line[0], hints=source)
    assert source.told == [1]


def test_what_cannot_be_learnt_leaves_the_block(chain: Chain, line: list[Block]) -> None:
    source = Listening(fails_at=3)
    given: list[int] = []
    with pytest.raises(LookupError, match="too much"):
        numbers(chain.import_blocks(line, pipelined=False, hints=source), given)
    assert given == source.told == [1, 2]
    assert chain.head.number >= 3
    assert chain.audit().findings == ()


def test_a_block_that_is_taken_back_teaches_nothing(chain: Chain, line: list[Block]) -> None:
    source = Listening()
    broken = [*line[:4], with_other_root(line[4]), *line[5:]]
    with pytest.raises(InvalidBlock):
        [*chain.import_blocks(broken, hints=source)]
    assert source.told == [1, 2, 3, 4]


def test_a_chain_teaches_what_it_imports(chain: Chain, line: list[Block]) -> None:
    learned = Learned()
    imported = [*chain.import_blocks(line, hints=learned)]
    assert [each.hash for each in imported] == [each.hash for each in line]
    assert learned.blocks == len(line)
    assert chain.audit().findings == ()


@pytest.mark.parametrize("as_source", [False, True])
def test_what_a_list_names_is_read_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_source: bool
) -> None:
    pytest.importorskip("mdbx")
    read: list[tuple[bytes, bytes]] = []
    read_ahead = DiskState.read_ahead

    def noted(state: DiskState, addresses: bytes, slots: bytes = b"") -> None:
        read.append((addresses, slots))
        read_ahead(state, addresses, slots)

    monkeypatch.setattr(DiskState, "read_ahead", noted)
    with Chain.in_memory(genesis("amsterdam"), workers=1) as other:
        data = (3).to_bytes(32, "big") + (9).to_bytes(32, "big")
        call = signed(0, nonce=0, to=COUNTER, gas_price=10**9, data=data, gas=200_000)
        block = child(other, transactions=[call], slot_number=1)
        executed = other.import_block(block).executed
    assert executed is not None
    assert executed.access_list is not None
    listed = replace(block, access_list=executed.access_list)
    touched = touched_by(executed.access_list)
    with Chain.open(tmp_path, genesis=genesis("amsterdam")) as chain:
        if as_source:
            assert [each.is_head for each in chain.import_blocks([listed], hints=AccessLists())]
        else:
            hints = from_access_list(executed.access_list.encode(), block.transactions)
            assert chain.import_block(block, hints=hints).is_head
    assert touched in read
    assert COUNTER + (3).to_bytes(32, "big") in touched[1]


def test_a_state_in_memory_reads_nothing_ahead(chain: Chain, line: list[Block]) -> None:
    hints = from_access_list(BlockAccessList(()), line[0].transactions)
    assert chain.import_block(line[0], hints=hints).is_head
