"""EIP-3198 (London): BASEFEE (0x48) pushes the block's base fee, for 2 gas."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, error, gas, since, word


@pytest.mark.parametrize("fork", since("london"))
@pytest.mark.parametrize("fee", [0, 7, 10])
def test_it_is_the_base_fee(fork: str, fee: int) -> None:
    changed = {"base_fee_per_gas": fee}
    assert word(fork, "BASEFEE", changed=changed) == fee
    assert gas(fork, "BASEFEE", changed=changed) == 2


@pytest.mark.parametrize("fork", since("london"))
def test_what_the_sender_offers_does_not_matter(fork: str) -> None:
    changed = {"base_fee_per_gas": 3}
    offered = {"type": 2, "max_fee_per_gas": 9, "max_priority_fee_per_gas": 4}
    assert word(fork, "BASEFEE", changed=changed, **offered) == 3
    assert word(fork, "GASPRICE", changed=changed, **offered) == 7


@pytest.mark.parametrize("fork", before("london"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, "BASEFEE") == "invalid opcode"
