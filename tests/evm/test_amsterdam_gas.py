"""What transactions pay from Amsterdam on (EIP-2780, 8037, 8038), number by number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import FUNDS, GAS_PRICE, SENDERS, contract, run, transaction, world

import blockstm
from blockstm.ethereum.chains import amsterdam
from blockstm.state.accounts import Account

ROOT = Path(__file__).parents[2]
A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
ABSENT = Address(b"\xab" * 20)
RICH = Account(balance=1)
CAP = 1 << 24
TO_ABSENT = f"0x{ABSENT.hex()}"
DELEGATED = contract(b"\xef\x01\x00" + B)


@dataclass(frozen=True)
class Row:
    """A transaction, alone in its block, and what it comes to.

    Attributes:
        to: whom it calls; None where it creates.
        paid: what the receipt says, in gas.
        header: the greater of execution gas and state gas.
    """

    to: Address | None
    paid: int
    header: int
    succeeds: bool = True
    accounts: Mapping[Address, Account] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)


def code(source: str, **members: Any) -> dict[str, Any]:
    """A contract at A."""
    return {"accounts": {A: contract(source, **members)}}


def with_(**members: Any) -> dict[str, Any]:
    """Members of the transaction."""
    return {"members": members}


RETURNS_100_BYTES = bytes.fromhex("60646000f3")
REVERTS = bytes.fromhex("60006000fd")
SET, CLEARED, INVALID = "1 7 SSTORE", "0 7 SSTORE", "INVALID"
ONE = {7: 1}

ROWS = {
    "to itself, value 1": Row(SENDERS[0], 12_000, 12_000, **with_(value=1)),
    "value 0 to an absent account": Row(ABSENT, 15_000, 15_000),
    "value 1 to an existing account": Row(
        A, 21_000, 21_000, accounts={A: RICH}, members={"value": 1}
    ),
    "value 1 to an absent account": Row(ABSENT, 204_600, 183_600, **with_(value=1, gas=300_000)),
    "the same, one gas short": Row(
        ABSENT, 204_599, 204_599, succeeds=False, **with_(value=1, gas=204_599)
    ),
    "the same, from the reservoir": Row(
        ABSENT, 204_600, 183_600, **with_(value=1, gas=CAP + 183_600)
    ),
    "value 1 to a delegated account": Row(
        A, 24_000, 24_000, accounts={A: DELEGATED, B: contract("STOP")}, members={"value": 1}
    ),
    "creation of nothing": Row(None, 207_600, 183_600),
    "creation of 100 bytes": Row(None, 360_712, 336_600, **with_(data=RETURNS_100_BYTES)),
    "creation that reverts": Row(None, 24_320, 24_320, succeeds=False, **with_(data=REVERTS)),
    "creation that halts": Row(
        None, 300_000, 300_000, succeeds=False, **with_(data=b"\xfe", gas=300_000)
    ),
    "SSTORE 0 to 1": Row(A, 125_026, 97_920, **code(f"{SET} STOP"), **with_(gas=200_000)),
    "SSTORE 0 to 1, from the reservoir": Row(
        A, 125_026, 97_920, **code(f"{SET} STOP"), **with_(gas=CAP + 97_920)
    ),
    "SSTORE 0 to 1 to 0": Row(A, 21_770, 27_212, **code(f"{SET} {CLEARED} STOP")),
    "SSTORE 1 to 2": Row(A, 27_106, 27_106, **code("2 7 SSTORE STOP", storage=ONE)),
    "SSTORE 1 to 0": Row(A, 21_685, 27_106, **code(f"{CLEARED} STOP", storage=ONE)),
    "SSTORE 0 to 1, then REVERT": Row(
        A, 27_112, 27_112, succeeds=False, **code(f"{SET} 0 0 REVERT")
    ),
    "SSTORE 0 to 1, then INVALID": Row(
        A, 200_000, 200_000, succeeds=False, **code(f"{SET} {INVALID}"), **with_(gas=200_000)
    ),
    "SSTORE 0 to 1 from the reservoir, then INVALID": Row(
        A, CAP, CAP, succeeds=False, **code(f"{SET} {INVALID}"), **with_(gas=CAP + 97_920)
    ),
    "100 bytes of data at the floor": Row(
        A, 21_400, 21_400, accounts={A: RICH}, members={"data": bytes(100)}
    ),
    "SELFDESTRUCT to an absent account": Row(
        A, 215_603, 183_600, **code(f"{TO_ABSENT} SELFDESTRUCT", balance=1)
    ),
    "CREATE of nothing": Row(A, 210_609, 183_600, **code("0 0 0 CREATE STOP")),
    "CALL with value 1 to an absent account": Row(
        A, 210_621, 183_600, **code(f"0 0 0 0 1 {TO_ABSENT} 0 CALL STOP", balance=1)
    ),
    "EXTCODESIZE, cold": Row(A, 18_103, 18_103, **code(f"{TO_ABSENT} EXTCODESIZE STOP")),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_transaction_pays_this(name: str) -> None:
    row = ROWS[name]
    sent = transaction(0, row.to, **row.members)
    result, after = run("amsterdam", world(row.accounts), [sent], blockstm.execute_block)
    execution = result.outcomes[0].value
    assert execution.succeeded is row.succeeds
    assert execution.gas_used == row.paid
    assert max(execution.gas_before_refund, execution.state_gas) == row.header
    gone = FUNDS - after.account(SENDERS[0]).balance
    sent_away = row.members.get("value", 0) if row.succeeds and row.to != SENDERS[0] else 0
    assert gone == row.paid * GAS_PRICE + sent_away


def test_a_state_gas_of_nothing_is_left_where_a_frame_fails() -> None:
    for name, row in ROWS.items():
        sent = transaction(0, row.to, **row.members)
        result, _ = run("amsterdam", world(row.accounts), [sent])
        execution = result.outcomes[0].value
        if not row.succeeds:
            assert execution.state_gas == 0, name
        assert execution.gas_before_refund + execution.state_gas >= execution.gas_used, name


def native_table() -> dict[str, int]:
    """The figures of `_native/evm/forks/amsterdam.hpp`, by name."""
    source = (ROOT / "src/blockstm/_native/evm/forks/amsterdam.hpp").read_text()
    found: dict[str, int] = {}
    for name, formula in re.findall(r"constexpr u?int64_t (\w+) = ([^;]+);", source):
        found[name] = eval(formula.replace("/", "//"), {}, dict(found))  # our own source
    return found


def test_both_tables_of_amsterdam_agree() -> None:
    native = native_table()
    shared = native.keys() & set(amsterdam.__all__)
    assert {name: getattr(amsterdam, name) for name in shared} == {n: native[n] for n in shared}
    assert set(amsterdam.__all__) - shared == {"ACCESS_LIST_ITEM"}
