"""EIP-7691 (Prague): six blobs a block are the target, nine the limit, and prices move slower."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import refusal_after, run
from tests.eips.test_eip_4844_blobs import fake_exponential
from tests.eips.whole_blocks import blob_hash, executed, signed
from tests.evm.world_blocks import NOBODY, contract, transaction

from blockstm.ethereum import Account, Reason

TARGET, MAX = 786_432, 1_179_648
READER = Address(b"\x0f" * 20)


def carries(sender: int, count: int) -> Any:
    hashes = tuple(map(blob_hash, range(count)))
    return transaction(sender, NOBODY, type=3, max_fee_per_blob_gas=1, blob_hashes=hashes)


@pytest.mark.parametrize(("fork", "most"), [("cancun", 6), ("prague", 9), ("osaka", 9)])
def test_a_block_has_so_many(fork: str, most: int) -> None:
    block = [carries(sender, 3) for sender in range(most // 3 + 1)]
    assert run(fork, block).reasons == (None,) * (most // 3) + ("blob_gas_above_block",)


@pytest.mark.parametrize(
    ("used", "excess", "after"),
    [
        (0, 0, 0),
        (TARGET, 0, 0),
        (MAX, 0, MAX - TARGET),
        (0, TARGET - 1, 0),
        (131_072, TARGET, 131_072),
    ],
)
def test_the_excess_counts_from_the_new_target(used: int, excess: int, after: int) -> None:
    parent = {"gas_used": 1_500_000, "blob_gas_used": used, "excess_blob_gas": excess}
    assert refusal_after("prague", parent, excess_blob_gas=after) is None
    assert refusal_after("prague", parent, excess_blob_gas=after + 1) is Reason.EXCESS_BLOB_GAS


@pytest.mark.parametrize("excess", [0, 3_471_000, 3_472_000, 10**7, 10**8])
def test_prices_move_slower(excess: int) -> None:
    accounts = {READER: Account(0, 1, contract("BLOBBASEFEE 0 SSTORE").code)}
    for fork, fraction in [("cancun", 3_338_477), ("prague", 5_007_716)]:
        done = executed(fork, [signed(0, to=READER)], accounts, excess_blob_gas=excess)
        assert done.writes[READER].storage == {0: fake_exponential(1, excess, fraction)}
