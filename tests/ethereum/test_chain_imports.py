"""Whole chains, from their genesis file on, block after block through `execute_block`.

Each block stands on what the one before it left, so that receipts, state roots and the forks'
order are checked as a node would check them.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import pytest
from tests.fixtures import fixtures

from blockstm import Executor
from blockstm.ethereum import AccountState, Block, state_root
from blockstm.ethereum.genesis import Genesis, parse_genesis

ANCESTORS = 7


@dataclass(frozen=True)
class Imported:
    """What importing a chain came to."""

    forks: list[str]
    transactions: int
    head: Block
    state: AccountState


@cache
def members(archive: str) -> dict[str, bytes]:
    """``genesis.json`` and ``chain.rlp`` of an archive."""
    found = {}
    with tarfile.open(fixtures() / f"{archive}.tar.xz") as archived:
        for member in archived:
            name = member.name.rsplit("/", 1)[-1]
            if name in ("genesis.json", "chain.rlp"):
                file = archived.extractfile(member)
                assert file is not None
                found[name] = file.read()
    return found


def chain_of(archive: str) -> tuple[Genesis, Iterator[Block]]:
    """The genesis of a chain and its further blocks."""
    found = members(archive)
    return parse_genesis(json.loads(found["genesis.json"])), blocks_of(found["chain.rlp"])


def blocks_of(encoded: bytes) -> Iterator[Block]:
    """Blocks as they stand in a file, one encoding after another."""
    place = 0
    while place < len(encoded):
        size = encoded[place] - 0xF7
        assert size > 0, "a block has more than 55 bytes"
        begin = place + 1 + size
        end = begin + int.from_bytes(encoded[place + 1 : begin], "big")
        yield Block.decode(encoded[place:end])
        place = end


def run_chain(archive: str, workers: int, count: int | None = None, **options: Any) -> Imported:
    """Import a chain; ``total`` says whether the total difficulty is kept."""
    keeps_total = options.get("keeps_total", True)
    genesis, blocks = chain_of(archive)
    assert genesis.chain is not None
    state, lineage, hashes = AccountState(genesis.accounts), [genesis.block], {}
    total = genesis.block.header.difficulty
    forks: list[str] = []
    transactions = 0
    with Executor(workers=workers) as executor:
        for block in islice(blocks, count):
            hashes[lineage[0].header.number] = lineage[0].hash
            executed = executor.execute_block(
                block,
                state,
                "evm",
                chain=genesis.chain,
                parent=lineage[0].header,
                ancestors=lineage,
                block_hashes=hashes,
                total_difficulty=total if keeps_total else None,
            )
            assert executed.state_root == block.header.state_root
            state.apply(executed.writes)
            fork = genesis.chain.fork_at(block.header.number, block.header.timestamp, total).name
            forks += [fork] if fork not in forks else []
            transactions += len(block.transactions)
            total += block.header.difficulty
            lineage = [block, *lineage[: ANCESTORS - 1]]
    return Imported(forks, transactions, lineage[0], state)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("keeps_total", [True, False])
def test_a_chain_through_all_forks_is_imported(workers: int, keeps_total: bool) -> None:
    done = run_chain("execution-apis", workers, keeps_total=keeps_total)
    assert done.head.header.number == 54
    assert state_root(done.state.accounts()) == done.head.header.state_root
    assert (done.forks[0], done.forks[-1]) == ("homestead", "bpo2")
    assert {"byzantium", "london", "paris", "shanghai", "cancun", "prague", "osaka"} < {*done.forks}
    assert done.transactions > 54


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_blocks_of_a_long_chain_are_imported(workers: int) -> None:
    done = run_chain("chains", workers, 150)
    assert state_root(done.state.accounts()) == done.head.header.state_root


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_long_chain_is_imported(workers: int) -> None:
    done = run_chain("chains", workers)
    assert done.head.header.number == 3_000
    assert state_root(done.state.accounts()) == done.head.header.state_root
