"""Imports blocks while the disk goes wrong, and checks what came of it. No test of its own.

``python -m tests.chain.faulty_import WAY KIND FOLDER``, with the shim loaded, prints the kind and
text of each error that it ended with, and ends otherwise where something is not as it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.chain.growing import COUNTER, genesis, random_line
from tests.chain.shim import Faults

from blockstm.chain import Chain, ImportedBlock, importing
from blockstm.errors import StoreError
from blockstm.ethereum import AccountState, Block, Receipt

BLOCKS = 24
WINDOW = 6
PLACES = 6
"""Calls of a fault-free import that go wrong, one after another, evenly drawn."""
NEVER = 1 << 30
Expected = list[tuple[Block, tuple[Receipt, ...], AccountState | None]]


def expected_line() -> Expected:
    """Blocks, their receipts and an account after them."""
    blocks = random_line(BLOCKS, seed=3)
    with Chain.in_memory(genesis(), window=None, workers=1) as chain:
        given = [chain.import_block(block) for block in blocks]
        states = [chain.state_at(each.hash).account(COUNTER) for each in given]
        return [
            (each.block, tuple(each.receipts), state)
            for each, state in zip(given, states, strict=True)
        ]


def imports(chain: Chain, blocks: list[Block], way: str) -> Iterator[ImportedBlock]:
    if way == "one by one":
        return (chain.import_block(block) for block in blocks)
    return chain.import_blocks(blocks, pipelined=way == "pipelined")


class Scenario:
    """A folder that a chain of these blocks is imported into."""

    def __init__(self, folder: Path, line: Expected, way: str, faults: Faults) -> None:
        self.folder = folder
        self.given: list[ImportedBlock] = []
        self._line, self._way, self._faults = line, way, faults
        self._blocks = [block for block, _, _ in line]

    def run(self, kind: str, at: int, *, goes_on: bool) -> str:
        """The kind of the error; "none" where no call went wrong."""
        error: StoreError | None = None
        chain = Chain.open(self.folder, genesis(), window=WINDOW, workers=1)
        with self._faults.within(kind, at):
            try:
                for each in imports(chain, self._blocks, self._way):
                    self.given.append(each)
            except StoreError as failed:
                error = failed
            self._check(chain)
            if not goes_on:  # the disk is as bad to the end
                with suppress(StoreError):
                    chain.close()
        if goes_on:
            self._go_on(chain)
        self._open_again()
        return said_of(error)

    def _go_on(self, chain: Chain) -> None:
        """The disk is good again: the chain imports the rest, or says that it cannot."""
        try:
            self.given += imports(chain, self._blocks[len(self.given) :], self._way)
        except StoreError:
            self._check(chain)
        with suppress(StoreError):
            chain.close()

    def _check(self, chain: Chain) -> None:
        """What was given is right and durable, and the head's state is that of its block."""
        number = chain.head.number
        assert number >= len(self.given), (number, len(self.given))
        for each, (block, receipts, _) in zip(self.given, self._line, strict=False):
            assert each.hash == block.hash
            assert each.executed is None or tuple(each.receipts) == receipts
        if number:
            block, receipts, account = self._line[number - 1]
            assert (chain.head.hash, chain.receipts(number)) == (block.hash, receipts)
            state = chain.state_at(number)
            assert state.trie.root == block.header.state_root
            assert state.account(COUNTER) == account

    def _open_again(self) -> None:
        with Chain.open(self.folder, genesis(), window=WINDOW, workers=1) as chain:
            self._check(chain)
            assert chain.audit().findings == ()
            rest = self._blocks[chain.head.number :]
            self.given += imports(chain, rest, self._way)
            assert chain.head.hash == self._blocks[-1].hash
            self._check(chain)
            assert chain.audit().findings == ()


def run_imports(way: str, kind: str, folder: Path, faults: Faults) -> Iterator[str]:
    line = expected_line()
    Scenario(folder / "whole", line, way, faults).run(kind, NEVER, goes_on=True)
    calls = faults.calls
    for place in range(PLACES):
        at = 1 + place * calls // PLACES
        yield Scenario(folder / str(at), line, way, faults).run(kind, at, goes_on=place % 2 == 0)


def run_openings(kind: str, folder: Path, faults: Faults) -> Iterator[str]:
    """A folder is made; afterwards this process can open it, or make it."""
    with faults.within(kind, NEVER):
        Chain.open(folder / "whole", genesis(), workers=1).close()
    for at in range(1, faults.calls + 1):
        error: StoreError | None = None
        with faults.within(kind, at):
            try:
                Chain.open(folder / str(at), genesis(), workers=1).close()
            except StoreError as failed:
                error = failed
        with Chain.open(folder / str(at), genesis(), workers=1) as chain:
            assert chain.audit().findings == ()
        yield said_of(error)


def said_of(error: StoreError | None) -> str:
    return "none" if error is None else f"{type(error).__name__}: {error}"


def main() -> None:
    way, kind, folder = sys.argv[1:]
    importing._STAGED_SECONDS = 0.0
    importing._BEHIND_MAX = importing._BEHIND_AHEAD_MAX = 5  # the state is stored now and then
    if way == "opened":
        said = run_openings(kind, Path(folder), Faults())
    else:
        said = run_imports(way, kind, Path(folder), Faults())
    for each in said:
        print(each, flush=True)


if __name__ == "__main__":
    main()
