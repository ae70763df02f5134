"""EIP-1234 (Constantinople): the bomb is put off by 5,000,000 blocks, a block is paid 2 ether."""

from __future__ import annotations

import pytest
from tests.eips.bombs import check_bomb, check_reward
from tests.eips.rules import since


@pytest.mark.parametrize("fork", since("constantinople", until="berlin"))
def test_the_bomb(fork: str) -> None:
    """Muir Glacier, which no execution sees, put it off again (EIP-2384)."""
    check_bomb(fork, 5_000_000)


@pytest.mark.parametrize("fork", since("constantinople", until="paris"))
def test_the_reward(fork: str) -> None:
    check_reward(fork, 2 * 10**18)
