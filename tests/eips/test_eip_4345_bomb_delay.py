"""EIP-4345 (Arrow Glacier): the difficulty bomb is put off by 10,700,000 blocks."""

from __future__ import annotations

from tests.eips.bombs import check_bomb, check_reward


def test_the_bomb() -> None:
    check_bomb("arrow_glacier", 10_700_000)


def test_the_bomb_of_the_fork_before() -> None:
    check_bomb("london", 9_700_000)


def test_the_reward_stays() -> None:
    check_reward("arrow_glacier", 2 * 10**18)
