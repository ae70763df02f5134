"""EIP-8038 (Amsterdam): accesses to the state and writes to it have prices of their own."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import call, gas
from tests.evm.world_blocks import contract

OTHER = Address(b"\x0e" * 20)
AT = f"0x{OTHER.hex()}"
COLD, WARM, SLOT, WRITE, VALUE = 3_000, 100, 2_100, 10_000, 11_300
STIPEND = 2_300
EXISTS = {OTHER: contract("STOP")}
# Code that accesses an account → gas of pushes and pops, and its costs beside the access.
ACCESSES = {
    f"{AT} BALANCE POP": (5, 0),
    f"{AT} EXTCODEHASH POP": (5, 0),
    f"{AT} EXTCODESIZE POP": (5, 100),  # the account, and its code
    f"0 0 0 {AT} EXTCODECOPY": (12, 100),
    f"0 0 0 0 0 {AT} 0 CALL POP": (23, 0),
    f"0 0 0 0 0 {AT} 0 CALLCODE POP": (23, 0),
    f"0 0 0 0 {AT} 0 DELEGATECALL POP": (20, 0),
    f"0 0 0 0 {AT} 0 STATICCALL POP": (20, 0),
}


@pytest.mark.parametrize("access", ACCESSES)
def test_an_account(access: str) -> None:
    pushes, beside = ACCESSES[access]
    once = gas("amsterdam", access, accounts=EXISTS)
    assert once == pushes + COLD + beside
    twice = gas("amsterdam", f"{access} {access}", accounts=EXISTS)
    assert twice == once + pushes + WARM + beside


@pytest.mark.parametrize("access", list(ACCESSES)[:4])
def test_before_it(access: str) -> None:
    pushes, _ = ACCESSES[access]
    assert gas("osaka", access, accounts=EXISTS) == pushes + 2_600
    assert gas("osaka", f"{access} {access}", accounts=EXISTS) == 2 * pushes + 2_600 + 100


def test_a_copy_of_code_pays_for_words_and_memory() -> None:
    # 33 bytes are two words of 3, copied to two words of memory at 3.
    assert gas("amsterdam", f"33 0 0 {AT} EXTCODECOPY", accounts=EXISTS) == 12 + COLD + 100 + 12


@pytest.mark.parametrize(
    ("original", "values", "spent", "refund"),
    [
        (0, (0,), SLOT, 0),
        (1, (1,), SLOT, 0),
        (0, (1,), SLOT + WRITE, 0),
        (1, (2,), SLOT + WRITE, 0),
        (1, (0,), SLOT + WRITE, 11_616),
        (1, (2, 3), SLOT + WRITE + WARM, 0),
        (1, (2, 0), SLOT + WRITE + WARM, 11_616),
        (1, (2, 1), SLOT + WRITE + WARM, 10_000),
        (1, (0, 2), SLOT + WRITE + WARM, 0),
        (1, (0, 1), SLOT + WRITE + WARM, 10_000),
        (1, (0, 0), SLOT + WRITE + WARM, 11_616),
        (0, (1, 2), SLOT + WRITE + WARM, 0),
        (0, (1, 0), SLOT + WRITE + WARM, 10_000),
        (0, (1, 0, 1), SLOT + 2 * WRITE + 2 * WARM, 10_000),
    ],
)
def test_a_store(original: int, values: tuple[int, ...], spent: int, refund: int) -> None:
    stores = " ".join(f"{value} 7 SSTORE" for value in values)
    called = call("amsterdam", stores, storage={7: original})
    assert called.gas == 6 * len(values) + spent
    # With more spent beside, a fifth of it is no less than the refund.
    burns = "PUSH3 6000 burn: 1 SWAP1 SUB DUP1 @burn JUMPI"
    burnt = call("amsterdam", f"{stores} {burns}", storage={7: original})
    assert burnt.refund == refund


def test_a_load() -> None:
    assert gas("amsterdam", "7 SLOAD POP") == 5 + SLOT
    assert gas("amsterdam", "7 SLOAD POP 7 SLOAD POP") == 10 + SLOT + WARM


@pytest.mark.parametrize("opcode", ["CALL", "CALLCODE"])
def test_a_call_with_value(opcode: str) -> None:
    # What a contract without work leaves of its stipend comes back.
    moves = f"0 0 0 0 1 {AT} 0 {opcode} POP"
    spent = gas("amsterdam", moves, accounts=EXISTS, balance=5)
    assert spent == 23 + COLD + VALUE - STIPEND
    before = gas("osaka", moves, accounts=EXISTS, balance=5)
    assert before == 23 + 2_600 + 9_000 - STIPEND


@pytest.mark.parametrize(("opcode", "salt", "pushes"), [("CREATE", "", 9), ("CREATE2", "0", 12)])
def test_a_creation(opcode: str, salt: str, pushes: int) -> None:
    makes = f"{salt} 0 0 0 {opcode} POP"
    assert gas("amsterdam", makes) == pushes + 12_000 + 2
    assert gas("osaka", makes) == pushes + 32_000 + 2


@pytest.mark.parametrize(
    ("beneficiary", "warmed", "balance", "spent"),
    [
        (AT, False, 0, COLD),
        (AT, True, 0, 0),
        (AT, False, 5, COLD),
        ("0xdead", False, 0, COLD),
        ("0xdead", False, 5, COLD + 9_000),  # an absent beneficiary is written
        ("0xdead", True, 5, 9_000),
    ],
)
def test_a_selfdestruct(beneficiary: str, warmed: bool, balance: int, spent: int) -> None:
    warms = f"{beneficiary} BALANCE POP " * warmed
    called = call(
        "amsterdam", f"{warms}{beneficiary} SELFDESTRUCT", accounts=EXISTS, balance=balance
    )
    assert called.gas == (5 + COLD) * warmed + 3 + 5_000 + spent
    made = 183_600 if beneficiary == "0xdead" and balance else 0
    assert called.execution.state_gas == made
