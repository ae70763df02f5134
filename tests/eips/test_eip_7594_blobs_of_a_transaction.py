"""EIP-7594 (Osaka): a transaction carries six blobs at most, however many its block may have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.eips.rules import refusal, run
from tests.eips.whole_blocks import blob_hash, block_with, signed, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import NOBODY, transaction

from blockstm.ethereum import Reason


def carries(sender: int, count: int) -> Any:
    hashes = tuple(map(blob_hash, range(count)))
    return transaction(sender, NOBODY, type=3, max_fee_per_blob_gas=1, blob_hashes=hashes)


@pytest.mark.parametrize(
    ("fork", "count", "reason"),
    [
        ("prague", 6, None),
        ("prague", 7, None),
        ("prague", 9, None),
        ("osaka", 6, None),
        ("osaka", 7, "too_many_blobs"),
        ("osaka", 9, "too_many_blobs"),
        ("amsterdam", 6, None),
        ("amsterdam", 7, "too_many_blobs"),
    ],
)
def test_of_one_transaction(fork: str, count: int, reason: str | None) -> None:
    block = [carries(0, count), transaction(1, NOBODY, value=1)]
    assert run(fork, block).reasons == (reason, None)


@pytest.mark.parametrize("fork", ["osaka", "bpo1", "bpo2", "amsterdam"])
def test_of_several_it_is_the_blocks_limit(fork: str) -> None:
    state = world()

    def six(key: int, count: int) -> Any:
        hashes = tuple(map(blob_hash, range(count)))
        return signed(key, 3, max_fee_per_blob_gas=1, blob_hashes=hashes)

    block = block_with(fork, [six(0, 6), six(1, 3)], state)
    assert refusal(block, state, fork) is None
    block = block_of((six(0, 3), six(1, 7)), fork, blob_gas_used=10 * 2**17)
    assert refusal(block, state, fork) is Reason.TOO_MANY_BLOBS
