"""EIP-7708 (Amsterdam): ether that moves leaves a log, as a token's transfer does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import created_by, run
from tests.evm.world_blocks import COINBASE, NOBODY, SENDERS, contract, transaction, words

from blockstm.bench.evm.assembly import assemble
from blockstm.state.accounts import Account
from blockstm.vm.evm import BlockEnd, Log

SYSTEM = Address(b"\xff" * 19 + b"\xfe")
EVENT = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
SENDER = SENDERS[0]
PLENTY = 2_000_000
TO_B = f"0x{B.hex()}"


def transfer(source: bytes, to: bytes, amount: int) -> Log:
    """What moving an amount logs."""
    return Log(SYSTEM, (EVENT, source.rjust(32, b"\0"), to.rjust(32, b"\0")), words(amount))


def logs(fork: str, sent: Any, accounts: dict[Address, Account]) -> Sequence[Log]:
    """What one transaction logs, in the middle of a block of transfers."""
    around = [transaction(i, B, value=1) for i in (6, 7)]
    ran = run(fork, [around[0], sent, around[1]], accounts)
    assert ran.executions[1].succeeded
    return ran.executions[1].logs


CALLS = f"0 0 0 0 3 {TO_B} GAS CALL"
# Code at A, with a balance of 9 → its transfers: from, to, amount.
MOVES = {
    "a call": (CALLS, [(A, B, 3)]),
    "two calls": (f"{CALLS} {CALLS}", [(A, B, 3), (A, B, 3)]),
    "a call of nothing": (f"0 0 0 0 0 {TO_B} GAS CALL", []),
    "a call to itself": ("0 0 0 0 3 ADDRESS GAS CALL", []),
    "a call with more than there is": (f"0 0 0 0 77 {TO_B} GAS CALL", []),
    "a call of code, which stays": (f"0 0 0 0 3 {TO_B} GAS CALLCODE", []),
    "a delegated call": (f"0 0 0 0 {TO_B} GAS DELEGATECALL", []),
    "a creation": ("0 0 4 CREATE", [(A, created_by(A, 1), 4)]),
    "a creation of nothing": ("0 0 0 CREATE", []),
    "its end": (f"{TO_B} SELFDESTRUCT", [(A, B, 9)]),
    "its end in favour of itself": ("ADDRESS SELFDESTRUCT", []),
}


@pytest.mark.parametrize("name", MOVES)
def test_code_that_moves_ether(name: str) -> None:
    source, moves = MOVES[name]
    sent = transaction(0, A, gas=PLENTY)
    accounts = {A: contract(source, 9), B: Account(1)}
    assert list(logs("amsterdam", sent, accounts)) == [transfer(*move) for move in moves]
    assert list(logs("osaka", sent, accounts)) == []


@pytest.mark.parametrize(
    ("members", "moves"),
    [
        ({}, [(SENDER, B, 5)]),
        ({"type": 1}, [(SENDER, B, 5)]),
        ({"type": 2}, [(SENDER, B, 5)]),
        ({"value": 0}, []),
        ({"to": SENDER}, []),
        ({"to": COINBASE}, [(SENDER, COINBASE, 5)]),
        ({"to": NOBODY}, [(SENDER, NOBODY, 5)]),
        ({"to": SYSTEM}, [(SENDER, SYSTEM, 5)]),
        ({"to": Address(bytes(19) + b"\x04")}, [(SENDER, bytes(19) + b"\x04", 5)]),
        ({"to": None}, [(SENDER, created_by(SENDER, 0), 5)]),
    ],
)
def test_a_transaction_that_moves_ether(members: dict[str, Any], moves: list[Any]) -> None:
    given = {"value": 5, "gas": PLENTY, **members}
    sent = transaction(0, given.pop("to", B), **given)
    assert list(logs("amsterdam", sent, {B: Account(1)})) == [transfer(*move) for move in moves]
    assert list(logs("osaka", sent, {B: Account(1)})) == []


def test_they_stand_among_the_other_logs_in_the_order_of_what_happens() -> None:
    # A logs and pays B, which logs and pays NOBODY; then A logs again.
    log = "{} 0 MSTORE 32 0 LOG0"
    pays = f"0 0 0 0 2 0x{NOBODY.hex()} GAS CALL"
    accounts = {
        A: contract(f"{log.format(1)} {CALLS} {log.format(4)}", 9),
        B: contract(f"{log.format(2)} {pays} {log.format(3)}"),
    }
    assert list(logs("amsterdam", transaction(0, A, value=5, gas=PLENTY), accounts)) == [
        transfer(SENDER, A, 5),
        Log(A, (), words(1)),
        transfer(A, B, 3),
        Log(B, (), words(2)),
        transfer(B, NOBODY, 2),
        Log(B, (), words(3)),
        Log(A, (), words(4)),
    ]


@pytest.mark.parametrize("ending", ["0 0 REVERT", "INVALID"])
def test_what_is_undone_leaves_none(ending: str) -> None:
    accounts = {
        A: contract(f"0 0 0 0 2 {TO_B} 50000 CALL {CALLS}", 9),
        B: contract(f"{CALLS} CALLVALUE 2 EQ @fail JUMPI STOP fail: {ending}"),
    }
    found = logs("amsterdam", transaction(0, A, gas=PLENTY), accounts)
    assert list(found) == [transfer(A, B, 3)]
    fails = {A: contract(f"{CALLS} {ending}", 9), B: Account(1)}
    ran = run("amsterdam", [transaction(0, A, value=5, gas=PLENTY)], fails)
    assert ran.executions[0].logs == ()


def test_fees_and_withdrawals_leave_none() -> None:
    block = [transaction(0, A, gas=PLENTY), BlockEnd(((B, 5),))]
    ran = run("amsterdam", block, {A: contract("STOP")})
    assert ran.outcomes[0].value.logs == ()
    assert ran.state.account(COINBASE).balance > 0


def test_initcode_logs_behind_the_endowment() -> None:
    initcode = assemble("7 0 MSTORE 32 0 LOG0")
    sent = transaction(0, None, value=5, data=initcode, gas=PLENTY)
    at = created_by(SENDER, 0)
    assert list(logs("amsterdam", sent, {B: Account(1)})) == [
        transfer(SENDER, at, 5),
        Log(at, (), words(7)),
    ]
