"""EIP-3651 (Shanghai): the block's beneficiary is warm."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import by_fork, gas, run, since
from tests.evm.world_blocks import BASE_FEE, GAS_PRICE, contract, transaction

PAYER = Address(b"\x0f" * 20)


@pytest.mark.parametrize(("fork", "price"), by_fork(istanbul=700, berlin=2_600, shanghai=100))
def test_an_access_to_it(fork: str, price: int) -> None:
    assert gas(fork, "COINBASE BALANCE POP") == 2 + price + 2
    assert gas(fork, "0 0 0 0 0 COINBASE 0 CALL POP") == 6 * 3 + 2 + price + 2


@pytest.mark.parametrize(("fork", "price"), by_fork(berlin=2_600, shanghai=100))
def test_so_is_a_beneficiary_that_has_another_address(fork: str, price: int) -> None:
    coinbase = Address(b"\xcb" * 20)
    at = f"0x{coinbase.hex()}"
    changed = {"coinbase": coinbase}
    assert gas(fork, f"{at} BALANCE POP", changed=changed) == 3 + price + 2
    cold = {"amsterdam": 3_000}.get(fork, 2_600)
    assert gas(fork, f"{at} BALANCE POP") == 3 + cold + 2


@pytest.mark.parametrize("fork", since("shanghai"))
def test_it_is_paid_in_between_and_stays_warm(fork: str) -> None:
    # Each logs what the beneficiary has: the fees of all transactions before.
    accounts = {PAYER: contract("COINBASE BALANCE 0 MSTORE 32 0 LOG0")}
    ran = run(fork, [transaction(i, PAYER) for i in range(4)], accounts)
    spent = [execution.gas_used for execution in ran.executions]
    seen = [int.from_bytes(execution.logs[0].data, "big") for execution in ran.executions]
    tip = GAS_PRICE - BASE_FEE
    # Between two of them lie a payment by the bank and the fee of the one before.
    payment = seen[1] - seen[0] - spent[0] * tip
    assert payment > 0
    assert [seen[i + 1] - seen[i] - spent[i] * tip for i in range(3)] == [payment] * 3
