"""EIP-141: 0xfe is an invalid instruction and stays one."""

from __future__ import annotations

import pytest
from tests.eips.rules import TARGET, call, since


@pytest.mark.parametrize("fork", since("frontier"))
def test_it_takes_all_gas_and_everything_back(fork: str) -> None:
    called = call(fork, "1 0 SSTORE 0 0 LOG0 INVALID", gas=300_000, storage={7: 1}, value=5)
    assert called.execution.error == "invalid opcode"
    assert called.execution.gas_used == 300_000
    assert called.execution.logs == ()
    account = called.state.account(TARGET)
    assert (account.storage, account.balance) == ({7: 1}, 0)


@pytest.mark.parametrize("fork", since("frontier"))
def test_data_behind_a_push_is_no_instruction(fork: str) -> None:
    assert call(fork, "0xfe 0 MSTORE 32 0 RETURN").word == 0xFE
