"""EIP-3554 (London): the difficulty bomb is put off by 9,700,000 blocks."""

from __future__ import annotations

from tests.eips.bombs import check_bomb, check_reward


def test_the_bomb() -> None:
    check_bomb("london", 9_700_000)


def test_the_bomb_of_the_fork_before() -> None:
    check_bomb("berlin", 9_000_000)


def test_the_reward_stays() -> None:
    check_reward("london", 2 * 10**18)
