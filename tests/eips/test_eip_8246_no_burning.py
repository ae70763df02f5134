"""EIP-8246 (Amsterdam): a SELFDESTRUCT burns no ether: what is left over stays at the address."""

from __future__ import annotations

from typing import Any

import pytest
from tests.eips.rules import created_by, run
from tests.eips.test_eip_6780_selfdestruct import MAKER, MAKES, child_of
from tests.evm.world_blocks import NOBODY, contract, transaction, words

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.state.accounts import Account

BENEFICIARY = f"0x{NOBODY.hex()}"
TO_ITSELF = "ADDRESS SELFDESTRUCT"
STORES = f"5 1 SSTORE {TO_ITSELF}"
ACCOUNTS = {MAKER: contract(MAKES)}
GAS = 3_000_000


def makes_and_calls(sender: int, initcode: bytes, value: int, call: bool = True) -> Any:
    """The maker creates a contract with a value, and calls it in the same transaction."""
    return transaction(sender, MAKER, data=words(int(call)) + initcode, gas=GAS, value=value)


@pytest.mark.parametrize(("fork", "left"), [("cancun", None), ("osaka", None), ("amsterdam", 7)])
@pytest.mark.parametrize("code", [TO_ITSELF, STORES])
def test_in_favour_of_itself(fork: str, left: int | None, code: str) -> None:
    initcode = initcode_of(assemble(code))
    ran = run(fork, [makes_and_calls(0, initcode, 7)], ACCOUNTS)
    assert ran.executions[0].succeeded
    # Nonce, code and storage are gone in any case.
    account = ran.state.account(child_of(initcode))
    assert account == (None if left is None else Account(left))


@pytest.mark.parametrize(("fork", "left"), [("osaka", None), ("amsterdam", 3)])
def test_what_comes_after_it_in_the_transaction(fork: str, left: int | None) -> None:
    # The contract destroys itself in favour of another; then it is paid 3.
    initcode = initcode_of(assemble(f"CALLVALUE @stop JUMPI {BENEFICIARY} SELFDESTRUCT stop: STOP"))
    at = child_of(initcode)
    pays = f"0 0 0 0 3 0x{at.hex()} GAS CALL POP"
    both = MAKES.replace("GAS CALL STOP", f"GAS CALL POP {pays} STOP")
    ran = run(fork, [makes_and_calls(0, initcode, 7)], {MAKER: contract(both, balance=10)})
    assert ran.executions[0].succeeded
    assert ran.state.account(at) == (None if left is None else Account(left))
    assert ran.state.account(NOBODY).balance == 7


def test_an_account_without_a_balance_is_gone() -> None:
    for value, code in [(0, TO_ITSELF), (7, f"{BENEFICIARY} SELFDESTRUCT")]:
        initcode = initcode_of(assemble(code))
        ran = run("amsterdam", [makes_and_calls(0, initcode, value)], ACCOUNTS)
        assert ran.executions[0].succeeded
        assert ran.state.account(child_of(initcode)) is None


def test_the_address_may_be_created_again_and_is_not_new() -> None:
    initcode = initcode_of(assemble(TO_ITSELF))
    at = child_of(initcode)
    block = [
        makes_and_calls(0, initcode, 7),
        makes_and_calls(1, initcode, 2),
        makes_and_calls(2, initcode, 1, call=False),
        transaction(3, at),  # not in the transaction that created it: nothing is deleted
    ]
    ran = run("amsterdam", block, ACCOUNTS)
    assert [e.succeeded for e in ran.executions] == [True] * 4
    first, second, third, _ = ran.executions
    assert first.state_gas - second.state_gas == 183_600  # of a new account
    assert third.state_gas == second.state_gas
    account = ran.state.account(at)
    assert (account.balance, account.nonce, account.code) == (10, 1, assemble(TO_ITSELF))


def test_initcode_that_destroys_what_it_makes() -> None:
    sent = transaction(0, None, data=assemble(STORES), value=6, gas=GAS)
    for fork, left in [("osaka", None), ("amsterdam", Account(6))]:
        ran = run(fork, [sent], {})
        assert ran.executions[0].succeeded
        assert ran.state.account(created_by(sent.sender, 0)) == left
