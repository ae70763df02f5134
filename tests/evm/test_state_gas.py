"""State gas (EIP-8037) where the official tests do not go: spent twice, given back twice."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.evm.world_blocks import FUNDS, GAS_PRICE, SENDERS, contract, run, transaction, world

A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
TOGGLES = "1 7 SSTORE 0 7 SSTORE"  # SSTORE takes the slot first: slot 7 becomes 1, then 0
CALLS_B = f"0 0 0 0 0 0x{B.hex()} GAS CALL POP"
GAS_LIMIT_CAP = 1 << 24


@pytest.mark.parametrize("gas", [400_000, GAS_LIMIT_CAP + 100_000])
@pytest.mark.parametrize("turns", [1, 2, 5])
@pytest.mark.parametrize("ending", ["", "0 0 REVERT", "INVALID"])
def test_no_gas_comes_from_nowhere(ending: str, turns: int, gas: int) -> None:
    accounts = world({A: contract(CALLS_B), B: contract(f"{TOGGLES} " * turns + ending)})
    result, after = run("amsterdam", accounts, [transaction(0, A, gas=gas)])
    execution = result.outcomes[0].value
    assert execution.succeeded
    assert 15_000 < execution.gas_used <= gas
    paid = FUNDS - after.account(SENDERS[0]).balance
    assert paid == execution.gas_used * GAS_PRICE
    assert execution.state_gas == 0
    assert execution.gas_before_refund >= 15_000


def test_a_new_slot_is_state_gas_and_not_regular_gas() -> None:
    accounts = world({A: contract("1 7 SSTORE")})
    result, _ = run("amsterdam", accounts, [transaction(0, A)])
    execution = result.outcomes[0].value
    assert execution.state_gas == 64 * 1_530
    assert execution.gas_before_refund == 15_000 + 3 + 3 + 2_100 + 10_000
    assert execution.gas_used == execution.gas_before_refund + execution.state_gas
