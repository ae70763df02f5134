"""EIP-2028 (Istanbul): a byte of call data that is not zero costs 16 gas in place of 68."""

from __future__ import annotations

import pytest
from tests.eips.rules import by_fork, run
from tests.evm.world_blocks import NOBODY, transaction

from blockstm.state.accounts import Account

THERE = {NOBODY: Account(1)}
ZERO = 4


# From Prague on data alone pays a floor (EIP-7623).
@pytest.mark.parametrize(("fork", "byte"), by_fork(until="prague", frontier=68, istanbul=16))
def test_price(fork: str, byte: int) -> None:
    for zeros, others in ((1, 0), (0, 1), (3, 5), (0, 300), (300, 0), (31, 1)):
        price = 21_000 + ZERO * zeros + byte * others
        data = bytes(zeros) + b"\xff" * others
        block = [
            transaction(0, NOBODY, gas=price, data=data),
            transaction(1, NOBODY, gas=price - 1, data=data),
        ]
        ran = run(fork, block, THERE)
        assert ran.reasons == (None, "intrinsic_gas")
        assert ran.outcomes[0].value.gas_used == price


@pytest.mark.parametrize(("fork", "byte"), by_fork(until="amsterdam", homestead=68, istanbul=16))
def test_initcode_is_data(fork: str, byte: int) -> None:
    """Two words of initcode cost 4 more since Shanghai (EIP-3860)."""
    data = b"\x5b" * 33 + bytes(7)
    is_metered = fork in ("shanghai", "cancun", "prague", "osaka")
    price = 53_000 + byte * 33 + ZERO * 7 + (4 if is_metered else 0) + 33  # and its JUMPDESTs
    ran = run(fork, [transaction(0, None, gas=price, data=data)])
    assert ran.executions[0].succeeded
    assert ran.executions[0].gas_used == price
