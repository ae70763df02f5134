"""EIP-7934 (Osaka): a block's RLP has 8,388,608 bytes at most."""

from __future__ import annotations

import pytest
from tests.eips.rules import refusal
from tests.eips.whole_blocks import signed, world
from tests.ethereum.made import block_of, sealed

from blockstm.ethereum import Block, Reason

MOST = 10 * 2**20 - 2 * 2**20
CHUNK = 1_300_000  # zeros for 10 gas each: within the cap on a transaction's gas
GAS = 16_777_216
HEADER = {"gas_limit": 2**40}


def of_size(fork: str, size: int) -> Block:
    """A block whose RLP has this many bytes; its header says nothing of its results."""

    def holds(last: int) -> Block:
        data = [CHUNK] * 6 + [last]
        transactions = (
            signed(i % 4, nonce=i // 4, data=bytes(size), gas=GAS) for i, size in enumerate(data)
        )
        return block_of(tuple(transactions), fork, **HEADER)

    last = size - 6 * CHUNK - 2_000
    return holds(last + size - len(holds(last).encode()))


def results_size(block: Block, sealed: Block) -> int:
    """How much longer a header is with the block's results in it."""
    return len(sealed.header.encode()) - len(block.header.encode())


@pytest.mark.parametrize("fork", ["osaka", "bpo2"])
def test_the_limit(fork: str) -> None:
    state = world()
    short = of_size(fork, MOST - 10)
    longer = results_size(short, sealed(short, state, fork=fork))
    fits = sealed(of_size(fork, MOST - longer), state, fork=fork)
    assert len(fits.encode()) == MOST
    assert refusal(fits, state, fork) is None
    # It is checked before anything is executed: no results are needed.
    too_large = of_size(fork, MOST + 1)
    assert len(too_large.encode()) == MOST + 1
    assert refusal(too_large, state, fork) is Reason.BLOCK_TOO_LARGE


def test_before_it_there_was_no_limit() -> None:
    state = world()
    block = sealed(of_size("prague", MOST + 1_000), state, fork="prague")
    assert refusal(block, state, "prague") is None
