"""EIP-2384 (Muir Glacier): the difficulty bomb is put off by 9,000,000 blocks."""

from __future__ import annotations

from tests.eips.bombs import check_bomb, check_reward


def test_the_bomb() -> None:
    check_bomb("muir_glacier", 9_000_000)


def test_the_bomb_of_the_fork_before() -> None:
    check_bomb("istanbul", 5_000_000)


def test_the_reward_stays() -> None:
    check_reward("muir_glacier", 2 * 10**18)
