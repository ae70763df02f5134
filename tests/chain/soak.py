"""A process that imports for long, with reorganisations and readers. No test of its own.

Prints, in JSON lines, how much memory it has: ``python -m tests.chain.soak FOLDER BLOCKS SEED``.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from pathlib import Path

from tests.chain.growing import RECIPIENTS, child, genesis, random_transactions

from blockstm.chain import Chain
from blockstm.errors import PrunedState
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS

WINDOW = 64
BRANCH = 6
SAMPLES = 80
SENDERS = 1 << 18  # more than are remembered


class Readers:
    """Threads that read recent states for as long as there is a chain."""

    def __init__(self, chain: Chain, count: int) -> None:
        self._chain = chain
        self._is_over = threading.Event()
        self.reads = 0
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, seed: int) -> None:
        draw = random.Random(seed)
        while not self._is_over.wait(0.01):
            try:
                self._read(draw)
            except BaseException as error:
                self.failures.append(error)
                return

    def _read(self, draw: random.Random) -> None:
        chain = self._chain
        number = draw.randint(chain.oldest_state, chain.head.number)
        try:
            state = chain.state_at(number)
        except PrunedState:
            return  # the window has moved on meanwhile
        proof = state.proof(draw.choice(RECIPIENTS))
        assert proof.account == state.account(draw.choice(RECIPIENTS)) or proof.nodes
        assert state.trie.root == state.header.state_root
        self.reads += 1

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


def memory() -> int:
    """What this process holds that is in no file, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise LookupError("RssAnon")


def grow(chain: Chain, draw: random.Random, count: int) -> None:
    """Import so many blocks on top of the head."""
    made = []
    for _ in range(count):
        transactions = random_transactions(chain, chain.head.hash, draw)
        made.append(child(chain, None, transactions, seconds=draw.randint(1, 14)))
        chain.import_block(made[-1])


def reorganise(chain: Chain, draw: random.Random) -> int:
    """Take the head back, prolong another branch from there; how many more blocks there are."""
    before = chain.head
    chain.set_head(chain.block_hash(before.number - draw.randint(1, BRANCH)))
    grow(chain, draw, BRANCH)
    if draw.random() < 0.3:  # and back to the branch that was
        chain.set_head(before.hash)
    return chain.head.number - before.number


def fill_senders(draw: random.Random) -> None:
    """Let the senders that are remembered take all the memory that they may, from the beginning."""
    hashes = draw.randbytes(32 * SENDERS)
    split = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    KNOWN_SENDERS.add(split, [bytes(20)] * SENDERS)


def main(folder: str, blocks: int, seed: int) -> None:
    draw = random.Random(seed)
    fill_senders(random.Random(0))
    every = max(blocks // SAMPLES, 1)
    with Chain.open(folder, genesis(), window=WINDOW, workers=2, cache_bytes=4 << 20) as chain:
        readers = Readers(chain, 2)
        done = 0
        while done < blocks:
            grow(chain, draw, 16)
            done += 16
            if draw.random() < 0.5:
                reorganise(chain, draw)
                done += BRANCH
            if done // every > (done - 16) // every:
                said = {"block": done, "memory": memory(), "reads": readers.reads}
                print(json.dumps(said), flush=True)
        readers.end()
        assert chain.audit().findings == ()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
