"""EIP-2384 (Muir Glacier): the difficulty bomb counts from block 9,000,000."""

from __future__ import annotations

import pytest
from tests.eips.rules import refusal_after

from blockstm.ethereum import Reason

DIFFICULTY = 10**9
DELAY, DELAY_BEFORE = 9_000_000, 5_000_000


def refused(fork: str, number: int, bomb: int) -> Reason | None:
    """Why a block 12 s after its parent may not have the parent's difficulty and this bomb."""
    parent = {"difficulty": DIFFICULTY}
    return refusal_after(fork, parent, number=number, difficulty=DIFFICULTY + bomb)


@pytest.mark.parametrize(
    ("behind", "bomb"),
    # 2 to the power of the periods of 100,000 blocks behind the delay, less 2.
    [(-10, 0), (0, 0), (199_999, 0), (200_000, 1), (299_999, 1), (300_000, 2), (1_200_000, 1_024)],
)
def test_the_bomb_counts_from_the_delay(behind: int, bomb: int) -> None:
    for fork, delay in [("muir_glacier", DELAY), ("istanbul", DELAY_BEFORE)]:
        assert refused(fork, delay + behind, bomb) is None
        assert refused(fork, delay + behind, bomb + 1) is Reason.DIFFICULTY
        assert refused(fork, delay + behind, bomb - 1) is Reason.DIFFICULTY


def test_what_the_fork_before_asks_for_is_wrong() -> None:
    number = DELAY + 200_000
    bomb_before = 2 ** ((number - DELAY_BEFORE) // 100_000 - 2)
    assert refused("istanbul", number, bomb_before) is None
    assert refused("muir_glacier", number, bomb_before) is Reason.DIFFICULTY
