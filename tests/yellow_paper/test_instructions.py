"""Yellow Paper, appendix H: what instructions leave on the stack, at their edges, and for what."""

from __future__ import annotations

import pytest
from tests.eips.rules import TARGET, answers, call, error, gas, word
from tests.evm.world_blocks import COINBASE, GAS_PRICE, SENDERS, number_of

ALL = 2**256 - 1  # -1
TOP = 2**255  # the least number
FORKS = ["frontier", "spurious_dragon", "istanbul", "osaka", "amsterdam"]


def minus(number: int) -> int:
    return 2**256 - number


ARITHMETIC = {
    f"1 {ALL} ADD": 0,
    "1 0 SUB": ALL,
    f"2 {TOP} MUL": 0,
    f"{ALL} {ALL} MUL": 1,
    "2 7 DIV": 3,
    "0 7 DIV": 0,
    f"{minus(2)} 7 SDIV": minus(3),  # towards zero
    f"2 {minus(7)} SDIV": minus(3),
    f"{ALL} {TOP} SDIV": TOP,  # the one quotient that is no number of 256 bits
    "0 7 SDIV": 0,
    "3 7 MOD": 1,
    "0 7 MOD": 0,
    f"3 {minus(7)} SMOD": minus(1),  # the sign is that of the first
    f"{minus(3)} 7 SMOD": 1,
    f"0 {minus(7)} SMOD": 0,
    f"5 {ALL} {ALL} ADDMOD": (2 * ALL) % 5,  # in between there is no modulo 2**256
    "0 1 1 ADDMOD": 0,
    f"7 {ALL} {ALL} MULMOD": ALL * ALL % 7,
    f"{ALL} {ALL} {TOP} MULMOD": 0,
    "0 2 2 MULMOD": 0,
    "0xff 0 SIGNEXTEND": ALL,
    "0x7f 0 SIGNEXTEND": 0x7F,
    "0x1234 0 SIGNEXTEND": 0x34,
    "0x8000 1 SIGNEXTEND": minus(0x8000),
    "0xff 31 SIGNEXTEND": 0xFF,
    "0xff 32 SIGNEXTEND": 0xFF,
    f"0xff {ALL} SIGNEXTEND": 0xFF,
    f"{TOP} 30 SIGNEXTEND": 0,
}
COMPARISON = {
    "2 1 LT": 1,
    "1 1 LT": 0,
    "1 2 GT": 1,
    f"1 {ALL} SLT": 1,
    f"1 {ALL} LT": 0,
    f"{TOP} 0 SGT": 1,
    f"0 {TOP} SLT": 1,
    "7 7 EQ": 1,
    f"{TOP} 0 EQ": 0,
    "0 ISZERO": 1,
    f"{TOP} ISZERO": 0,
    "0xf0 0x3c AND": 0x30,
    "0xf0 0x3c OR": 0xFC,
    "0xf0 0x3c XOR": 0xCC,
    "0 NOT": ALL,
    "0xaabb 31 BYTE": 0xBB,
    "0xaabb 30 BYTE": 0xAA,
    "0xaabb 32 BYTE": 0,
    f"0xaabb {ALL} BYTE": 0,
    f"{TOP} 0 BYTE": 0x80,
}


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("table", [ARITHMETIC, COMPARISON], ids=["arithmetic", "comparison"])
def test_words(fork: str, table: dict[str, int]) -> None:
    found = answers(fork, list(table))
    assert dict(zip(table, found, strict=True)) == table


def test_hashes() -> None:
    """Of nothing, of "abc" and of a word of zeros."""
    assert answers(
        "frontier", ["0 0 KECCAK256", "0x616263 232 2 EXP MUL 0 MSTORE 3 0 KECCAK256"]
    ) == [
        0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470,
        0x4E03657AEA45A94FC7D47BA826C8D667C0D1E6E33A64A036EC44F58FA12D6C45,
    ]
    zeros = 0x290DECD9548B62A8D60345A988386FC84BA6BC95484008F6362F93160EF3E563
    assert word("frontier", "32 0 KECCAK256") == zeros


@pytest.mark.parametrize("fork", FORKS)
def test_the_environment(fork: str) -> None:
    """Of a call with four bytes of data and three wei, by the first of two senders."""
    sources = {
        "ADDRESS": number_of(TARGET),
        "ORIGIN": number_of(SENDERS[0]),
        "CALLER": number_of(SENDERS[0]),
        "CALLVALUE": 3,
        "0 CALLDATALOAD": 0xAABBCCDD << 224,
        "3 CALLDATALOAD": 0xDD << 248,
        "4 CALLDATALOAD": 0,
        f"{ALL} CALLDATALOAD": 0,
        "CALLDATASIZE": 4,
        "GASPRICE": GAS_PRICE,
        "COINBASE": number_of(COINBASE),
        "TIMESTAMP": 1_000_000,
        "NUMBER": 1_000,
        "GASLIMIT": 30_000_000,
        "MSIZE": 0,
        "64 MLOAD POP MSIZE": 96,
        "2 1 CALLDATASIZE 0 0 CALLDATACOPY 0 MLOAD SWAP1 POP SWAP1 POP": 0xAABBCCDD << 224,
    }
    data = bytes.fromhex("aabbccdd")
    found = answers(fork, list(sources), data=data, value=3)
    assert dict(zip(sources, found, strict=True)) == sources


def test_difficulty_is_what_the_block_says() -> None:
    """PREVRANDAO from Paris on (EIP-4399)."""
    assert word("frontier", "PREVRANDAO", changed={"difficulty": 131_072}) == 131_072


# ------------------------------------------------------------------------------- what it costs

# By the tiers of appendix G; a push costs 3, and so does a word of memory.
BASE = """ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE COINBASE TIMESTAMP NUMBER
    GASLIMIT PC MSIZE GAS"""
VERY_LOW = "ADD SUB LT GT SLT SGT EQ AND OR XOR BYTE SWAP1"
LOW = "MUL DIV SDIV MOD SMOD SIGNEXTEND"
PRICES = {
    **dict.fromkeys(BASE.split(), 2),
    **{f"1 {each}": 3 + 3 for each in ("NOT", "ISZERO", "CALLDATALOAD", "DUP1")},
    **{f"1 2 {each}": 6 + 3 for each in VERY_LOW.split()},
    **{f"1 2 {each}": 6 + 5 for each in LOW.split()},
    "next:": 1,
    "1 POP": 3 + 2,
    "1 2 3 ADDMOD": 17,
    "1 2 3 MULMOD": 17,
    "@next JUMP next:": 3 + 8 + 1,
    "1 @next JUMPI next:": 6 + 10 + 1,
    "0 @next JUMPI next:": 6 + 10 + 1,
    "0 MLOAD": 6 + 3,
    "1 0 MSTORE": 9 + 3,
    "1 31 MSTORE8": 9 + 3,
    "1 32 MSTORE8": 9 + 6,
    "0 0 KECCAK256": 6 + 30,
    "1 0 KECCAK256": 6 + 30 + 6 + 3,
    "33 0 KECCAK256": 6 + 30 + 12 + 6,
    "0 0 0 CALLDATACOPY": 9 + 3,
    "1 0 0 CALLDATACOPY": 9 + 3 + 3 + 3,
    "33 0 0 CODECOPY": 9 + 3 + 6 + 6,
    "0 0 LOG0": 6 + 375,
    "0 0 0 0 0 0 LOG4": 18 + 375 * 5,
    "9 0 LOG0": 6 + 375 + 8 * 9 + 3,
    "7 BLOCKHASH": 3 + 20,
}


@pytest.mark.parametrize("fork", FORKS)
def test_prices(fork: str) -> None:
    for source, price in PRICES.items():
        assert gas(fork, source) == price, source


# -------------------------------------------------------------------------- stack and jumps


@pytest.mark.parametrize("fork", FORKS)
def test_the_stack_holds_1024_words(fork: str) -> None:
    assert error(fork, "1 " * 1_024) == ""
    assert error(fork, "1 " * 1_025) == "stack overflow"
    assert error(fork, "1 " * 1_023 + "DUP1") == ""
    assert error(fork, "1 " * 1_024 + "DUP1") == "stack overflow"
    assert error(fork, "1 " * 1_024 + "SWAP16 POP CALLER") == ""
    for source in ("POP", "1 ADD", "DUP1", "1 SWAP1", "1 " * 15 + "DUP16", "1 " * 16 + "SWAP16"):
        assert error(fork, source) == "stack underflow", source


@pytest.mark.parametrize("fork", FORKS)
def test_jumps_go_to_jumpdests_that_are_no_data(fork: str) -> None:
    assert word(fork, "7 @there JUMP INVALID there:") == 7
    for source in (
        "0 JUMP",  # the first instruction is none
        "@data 1 ADD JUMP data: 0x5b",  # 0x5b behind a PUSH1
        f"{ALL} JUMP",
        f"{2**64} @there ADD JUMP there:",
        "1 60000 JUMPI",
    ):
        assert error(fork, source) == "invalid jump", source
    assert error(fork, "0 60000 JUMPI") == ""  # where it does not jump it is not looked at


@pytest.mark.parametrize("fork", FORKS)
def test_code_ends_in_a_stop_and_pushes_zeros_beyond(fork: str) -> None:
    """PUSH32 of two bytes: the rest is zeros, and behind the end there is a STOP."""
    assert call(fork, bytes.fromhex("7f0102")).execution.succeeded
    assert call(fork, b"\x5b").gas == 1
    assert call(fork, b"").gas == 0
