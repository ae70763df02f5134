"""EIP-684: nothing is created where code or a nonce is; in every fork, from the first block on."""

from __future__ import annotations

import pytest
from tests.eips.rules import TARGET, call, created_by, run, since
from tests.evm.world_blocks import SENDERS, contract, transaction

from blockstm.state.accounts import Account

TAKEN = {
    "code": contract("STOP", balance=7),
    "nonce": Account(7, nonce=1),
    "code and no nonce": Account(7, 0, b"\x00"),
}


@pytest.mark.parametrize("fork", since("frontier"))
@pytest.mark.parametrize("name", TAKEN)
def test_a_creation_by_transaction(fork: str, name: str) -> None:
    """It fails as on an invalid opcode: all gas is gone, the value stays with who sent it."""
    at = created_by(SENDERS[0], 0)
    block = [
        transaction(0, None, value=3, data=b"\x00"),
        transaction(1, None, value=3, data=b"\x00"),
        transaction(0, at, nonce=1, value=2),
    ]
    ran = run(fork, block, {at: TAKEN[name]})
    failed, made, paid = ran.executions
    assert (failed.succeeded, failed.gas_used) == (False, 400_000)
    assert (made.succeeded, paid.succeeded) == (True, True)
    after = ran.state.account(at)
    assert (after.balance, after.nonce, after.code) == (
        9,
        TAKEN[name].nonce,
        TAKEN[name].code,
    )
    assert ran.state.account(SENDERS[0]).nonce == 2


@pytest.mark.parametrize("fork", since("frontier"))
@pytest.mark.parametrize("name", TAKEN)
def test_a_creation_by_contract(fork: str, name: str) -> None:
    at = created_by(TARGET, 1)
    source = "0 0 1 CREATE 0 MSTORE 32 0 RETURN"
    called = call(fork, source, accounts={at: TAKEN[name]}, balance=5)
    if fork in ("frontier", "homestead"):  # all gas that is left goes to the creation
        assert called.execution.error == "out of gas"
        assert called.state.account(TARGET).nonce == 1
    else:
        assert called.word == 0
        assert called.execution.gas_used > 390_000
        assert called.state.account(TARGET).nonce == 2
    assert called.state.account(at) == TAKEN[name]
    assert called.state.account(TARGET).balance == 5


@pytest.mark.parametrize("fork", since("frontier"))
def test_a_balance_alone_is_no_obstacle(fork: str) -> None:
    at = created_by(TARGET, 1)
    called = call(fork, "0 0 1 CREATE", accounts={at: Account(7)}, balance=5)
    assert called.state.account(at).balance == 8


@pytest.mark.parametrize("fork", since("constantinople"))
def test_a_transaction_before_it_takes_the_address(fork: str) -> None:
    """Two of one block create at one address (CREATE2): the second in order fails."""
    creates = contract("0 0 0 0 CREATE2 0 MSTORE 32 0 RETURN")
    block = [transaction(sender, TARGET) for sender in (0, 1)]
    first, second = run(fork, block, {TARGET: creates}).executions
    assert int.from_bytes(first.output, "big") != 0
    assert int.from_bytes(second.output, "big") == 0
    assert second.gas_used > 390_000
