"""EIP-649 (Byzantium): the bomb is put off by 3,000,000 blocks, a block is paid 3 ether."""

from __future__ import annotations

import pytest
from tests.eips.bombs import check_bomb, check_reward
from tests.eips.rules import before

ETHER = 10**18


def test_the_bomb() -> None:
    check_bomb("byzantium", 3_000_000)


@pytest.mark.parametrize("fork", before("byzantium"))
def test_the_bomb_before_it(fork: str) -> None:
    check_bomb(fork, 0)


def test_the_reward() -> None:
    check_reward("byzantium", 3 * ETHER)


@pytest.mark.parametrize("fork", before("byzantium"))
def test_the_reward_before_it(fork: str) -> None:
    check_reward(fork, 5 * ETHER)
