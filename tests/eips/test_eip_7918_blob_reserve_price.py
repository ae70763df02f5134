"""EIP-7918 (Osaka): where execution costs more than blobs, the price of blobs does not fall."""

from __future__ import annotations

import pytest
from tests.eips.rules import refusal_after

from blockstm.ethereum import Reason

BLOB = 2**17
TARGET, MAX = 6 * BLOB, 9 * BLOB
# With a blob base fee of 1 a blob costs 131,072 wei: as much as 8,192 gas at a base fee of 16.
EVEN = 16


@pytest.mark.parametrize(
    ("base_fee", "used", "excess", "after"),
    [
        # Execution is not dearer: the target is taken off.
        (EVEN, MAX, 0, MAX - TARGET),
        (EVEN, TARGET, BLOB, BLOB),
        (EVEN, 0, TARGET, 0),
        (7, 0, 2 * TARGET, TARGET),
        # It is: a third of what is used is added, nothing taken off.
        (EVEN + 1, MAX, 0, MAX // 3),
        (EVEN + 1, TARGET, BLOB, BLOB + TARGET // 3),
        (EVEN + 1, 0, TARGET, TARGET),
        (EVEN + 1, 0, 2 * TARGET, 2 * TARGET),
        (1_000_000, BLOB, TARGET, TARGET + BLOB * 3 // 9),
        # Below the target all is forgotten, whatever it costs.
        (EVEN + 1, TARGET - BLOB, BLOB - 1, 0),
        (1_000_000, 0, TARGET - 1, 0),
    ],
)
def test_the_excess(base_fee: int, used: int, excess: int, after: int) -> None:
    parent = {
        "gas_used": 1_500_000,  # so that the base fee stays
        "base_fee_per_gas": base_fee,
        "blob_gas_used": used,
        "excess_blob_gas": excess,
    }
    child = {"base_fee_per_gas": base_fee}
    assert refusal_after("osaka", parent, excess_blob_gas=after, **child) is None
    for wrong in {after + 1, max(after - 1, 0)} - {after}:
        refused = refusal_after("osaka", parent, excess_blob_gas=wrong, **child)
        assert refused is Reason.EXCESS_BLOB_GAS
    # Before it the target was always taken off.
    before = max(0, used + excess - TARGET)
    assert refusal_after("prague", parent, excess_blob_gas=before, **child) is None


def test_a_higher_price_of_blobs_is_compared() -> None:
    # An excess of 3,471,000 is just below the price of 2, 3,472,000 above (fraction 5,007,716).
    for excess, fee in [(3_471_000, 1), (3_472_000, 2)]:
        for base_fee, is_dearer in [(EVEN * fee, False), (EVEN * fee + 1, True)]:
            parent = {
                "gas_used": 1_500_000,
                "base_fee_per_gas": base_fee,
                "excess_blob_gas": excess,
            }
            after = excess if is_dearer else excess - TARGET
            given = {"excess_blob_gas": after, "base_fee_per_gas": base_fee}
            assert refusal_after("osaka", parent, **given) is None


@pytest.mark.parametrize(("fork", "target", "most"), [("bpo1", 10, 15), ("bpo2", 14, 21)])
def test_the_schedule_of_the_block_itself_counts(fork: str, target: int, most: int) -> None:
    parent = {
        "gas_used": 1_500_000,
        "base_fee_per_gas": EVEN + 1,
        "blob_gas_used": most * BLOB,
        "excess_blob_gas": 0,
    }
    after = most * BLOB * (most - target) // most
    given = {"excess_blob_gas": after, "base_fee_per_gas": EVEN + 1}
    assert refusal_after(fork, parent, **given) is None
