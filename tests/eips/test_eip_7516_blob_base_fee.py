"""EIP-7516 (Cancun): BLOBBASEFEE (0x4a) pushes what blob gas costs in the block, for 2 gas."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, error, gas, since, word


@pytest.mark.parametrize("fork", since("cancun"))
@pytest.mark.parametrize("fee", [1, 12, 2**255 + 1])
def test_it_is_the_price_of_blob_gas(fork: str, fee: int) -> None:
    changed = {"blob_base_fee": fee}
    assert word(fork, "BLOBBASEFEE", changed=changed) == fee
    assert gas(fork, "BLOBBASEFEE", changed=changed) == 2


@pytest.mark.parametrize("fork", before("cancun"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, "BLOBBASEFEE") == "invalid opcode"
