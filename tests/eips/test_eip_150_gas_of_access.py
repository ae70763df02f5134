"""EIP-150 (Tangerine Whistle): reads of the disk are dearer, and a 64th of the gas stays behind."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import before, by_fork, call, created_by, gas, numbers, since
from tests.evm.world_blocks import contract, number_of

OTHER, ABSENT = Address(b"\x11" * 20), Address(b"\xab" * 20)
AT, NOWHERE = f"{number_of(OTHER):#x}", f"{number_of(ABSENT):#x}"
STOPS = {OTHER: contract("STOP", balance=1)}
SHARES = {OTHER: contract("GAS 0 MSTORE 32 0 RETURN")}
# From Berlin on: what is touched for the first time (EIP-2929), which is when it is read here.
COLD = {"berlin": 2_600, "amsterdam": 3_000}


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(frontier=20, tangerine_whistle=700, berlin=2_600, amsterdam=3_100)
)
def test_code_of_another_account(fork: str, price: int) -> None:
    """Two reads from Amsterdam on: of the account, and of its code (EIP-8038)."""
    assert gas(fork, f"{AT} EXTCODESIZE", accounts=STOPS) == 3 + price
    assert gas(fork, f"0 0 0 {AT} EXTCODECOPY", accounts=STOPS) == 4 * 3 + price
    # 33 bytes are two words: 3 gas to copy each, 3 of memory each.
    assert gas(fork, f"33 0 0 {AT} EXTCODECOPY", accounts=STOPS) == 4 * 3 + price + 2 * 3 + 2 * 3


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(frontier=20, tangerine_whistle=400, istanbul=700, **COLD)
)
def test_balance(fork: str, price: int) -> None:
    assert gas(fork, f"{AT} BALANCE", accounts=STOPS) == 3 + price
    assert gas(fork, f"{NOWHERE} BALANCE", accounts=STOPS) == 3 + price


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(frontier=50, tangerine_whistle=200, istanbul=800, berlin=2_100)
)
def test_storage(fork: str, price: int) -> None:
    assert gas(fork, "1 SLOAD", storage={1: 1}) == 3 + price
    assert gas(fork, "1 SLOAD") == 3 + price


@pytest.mark.parametrize(("fork", "price"), by_fork(frontier=40, tangerine_whistle=700, **COLD))
def test_calls(fork: str, price: int) -> None:
    assert gas(fork, f"0 0 0 0 0 {AT} 0 CALL", accounts=STOPS) == 7 * 3 + price
    assert gas(fork, f"0 0 0 0 0 {AT} 0 CALLCODE", accounts=STOPS) == 7 * 3 + price
    if fork != "frontier":
        assert gas(fork, f"0 0 0 0 {AT} 0 DELEGATECALL", accounts=STOPS) == 6 * 3 + price


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(until="amsterdam", frontier=0, tangerine_whistle=5_000, berlin=7_600)
)
def test_selfdestruct(fork: str, price: int) -> None:
    source = f"{AT} SELFDESTRUCT"
    assert gas(fork, source, accounts=STOPS, balance=1) == 3 + price
    assert gas(fork, source, accounts=STOPS) == 3 + price


@pytest.mark.parametrize(
    ("fork", "price"),
    by_fork(until="amsterdam", frontier=0, tangerine_whistle=30_000, berlin=32_600),
)
def test_selfdestruct_in_favour_of_a_new_account(fork: str, price: int) -> None:
    assert gas(fork, f"{NOWHERE} SELFDESTRUCT", balance=1) == 3 + price


# ------------------------------------------------------------------------ all but one 64th

# Leaves what there is before a call that asks for so much, and what the callee finds.
ASKS = "GAS 32 0 0 0 0 {at} {asked} CALL POP 32 MSTORE 64 0 RETURN"
OPERANDS = 7 * 3
FINDS = 2  # GAS itself, in the callee


@pytest.mark.parametrize(("fork", "price"), by_fork(tangerine_whistle=700, **COLD))
@pytest.mark.parametrize("asked", [0xFFFFFFFF, 2**64, 2**256 - 1])
def test_a_call_that_asks_for_too_much_gets_all_but_a_64th(
    fork: str, price: int, asked: int
) -> None:
    called = call(fork, ASKS.format(at=AT, asked=asked), accounts=SHARES)
    found, there = numbers(called.execution.output)
    left = there - OPERANDS - price - 3  # and a word of memory
    assert found == left - left // 64 - FINDS


@pytest.mark.parametrize("fork", before("tangerine_whistle"))
def test_before_it_failed(fork: str) -> None:
    """Exactly what is left it may ask for: what GAS says less 3 for SUB and 40 for the call."""
    source = "0 0 MSTORE 0 0 0 0 0 {at} {less} GAS SUB CALL 0 MSTORE 32 0 RETURN"
    assert call(fork, source.format(at=AT, less=43), accounts=STOPS).word == 1
    too_much = call(fork, source.format(at=AT, less=42), accounts=STOPS)
    assert too_much.execution.error == "out of gas"


@pytest.mark.parametrize("fork", since("tangerine_whistle"))
def test_a_call_gets_what_it_asks_for_up_to_the_64th(fork: str) -> None:
    """1,000 of much, and the last number that is still allowed, to the gas."""
    called = call(fork, ASKS.format(at=AT, asked=1_000), accounts=SHARES)
    assert numbers(called.execution.output)[0] == 1_000 - FINDS
    most = numbers(call(fork, ASKS.format(at=AT, asked=2**64), accounts=SHARES).execution.output)[0]
    for asked, found in ((most + FINDS - 1, most - 1), (most + FINDS, most), (most + 9, most)):
        called = call(fork, ASKS.format(at=AT, asked=asked), accounts=SHARES)
        assert numbers(called.execution.output)[0] == found


@pytest.mark.parametrize(
    ("fork", "keeps"), by_fork(until="amsterdam", frontier=False, tangerine_whistle=True)
)
def test_a_creation_keeps_a_64th_back(fork: str, keeps: bool) -> None:
    """The contract that is created has as its code the gas that its initcode finds."""
    initcode = "5a60005260206000f3"  # GAS 0 MSTORE 32 0 RETURN
    source = f"0x{initcode} 0 MSTORE GAS 9 23 0 CREATE POP 0 MSTORE 32 0 RETURN"
    called = call(fork, source)
    words_of_initcode = 2 if fork in since("shanghai") else 0
    left = called.word - 3 * 3 - 32_000 - words_of_initcode
    code = called.state.account(created_by(b"\x0a" * 20, 1)).code
    assert int.from_bytes(code, "big") == left - (left // 64 if keeps else 0) - FINDS


def test_calls_do_not_nest_beyond_what_the_64ths_leave() -> None:
    """The EIP's "~340": with 3,000,000 gas no chain of calls comes near the limit of 1,024."""
    deepens = "1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL"
    for fork in ("tangerine_whistle", "london"):
        called = call(fork, deepens, storage={0: 0}, gas=3_000_000)
        depth = called.state.account(Address(b"\x0a" * 20)).storage[0]
        assert 100 < depth < 400
