"""EIP-211 (Byzantium): what the last call returned, of whatever size, and a way to copy it."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import answers, before, call, error, gas, since, word
from tests.evm.world_blocks import contract, number_of

from blockstm.bench.evm.assembly import assemble

GIVES, REVERTS, STOPS, FAILS = (Address(bytes([0x11 * n]) * 20) for n in range(1, 5))
THERE = {
    GIVES: contract("0xaabbcc 0 MSTORE 33 0 RETURN"),
    REVERTS: contract("0xdd 0 MSTORE 1 31 REVERT"),
    STOPS: contract("STOP"),
    FAILS: contract("INVALID"),
}
SIZE = "RETURNDATASIZE"


def call_of(address: bytes, value: int = 0) -> str:
    return f"0 0 0 0 {value} {number_of(address):#x} 50000 CALL POP"


def create_of(initcode: bytes) -> str:
    size = len(initcode)
    return f"0x{initcode.hex()} 0 MSTORE {size} {32 - size} 0 CREATE POP"


# What was called last → the size of what it returned.
SIZES = {
    call_of(GIVES): 33,
    call_of(REVERTS): 1,
    f"{call_of(GIVES)} {call_of(REVERTS)}": 1,
    f"{call_of(GIVES)} {call_of(STOPS)}": 0,
    f"{call_of(GIVES)} {call_of(FAILS)}": 0,
    f"{call_of(GIVES)} {call_of(b'no code')}": 0,
    f"{call_of(GIVES)} {call_of(GIVES, value=10**30)}": 0,  # without the funds there is no call
    "7 0 MSTORE8 0 0 9 0 0 4 50000 CALL POP": 9,  # the identity, of nine bytes
    f"{call_of(GIVES)} 0 0 0 0 {number_of(REVERTS):#x} 50000 DELEGATECALL POP": 1,
    f"0 0 0 0 {number_of(GIVES):#x} 50000 STATICCALL POP": 33,
    f"0 0 0 0 0 {number_of(GIVES):#x} 50000 CALLCODE POP": 33,
    f"{call_of(GIVES)} {create_of(assemble('5 0 RETURN'))}": 0,  # its code, and no data
    f"{call_of(GIVES)} {create_of(assemble('0 0 RETURN'))}": 0,
    f"{call_of(GIVES)} {create_of(assemble('5 0 REVERT'))}": 5,
    f"{call_of(GIVES)} 0 0 {10**30} CREATE POP": 0,
    f"{call_of(GIVES)} 32 0 MSTORE 0 0 LOG0": 33,  # what is no call leaves it
}


@pytest.mark.parametrize("fork", since("byzantium"))
def test_the_size_is_that_of_the_last_call(fork: str) -> None:
    gas = 1_500_000 if fork == "amsterdam" else 900_000
    sources = [f"{source} {SIZE}" for source in SIZES]
    assert word(fork, SIZE) == 0
    assert answers(fork, sources, accounts=THERE, gas=gas) == list(SIZES.values())
    fails = f"{call_of(GIVES)} {create_of(assemble('INVALID'))} {SIZE}"
    assert word(fork, fails, accounts=THERE, gas=gas) == 0


@pytest.mark.parametrize("fork", since("byzantium"))
def test_a_frame_begins_with_none(fork: str) -> None:
    """Whatever its caller was given before."""
    asks = Address(b"\x55" * 20)
    there = THERE | {asks: contract(f"{SIZE} 0 MSTORE 32 0 RETURN")}
    source = f"{call_of(GIVES)} 32 0 0 0 0 {number_of(asks):#x} 50000 CALL POP 0 MLOAD"
    assert word(fork, source, accounts=there) == 0
    creates = create_of(assemble(f"{SIZE} 0 RETURN")).removesuffix(" POP")
    assert word(fork, f"{call_of(GIVES)} {creates} EXTCODESIZE", accounts=there, gas=900_000) == 0


@pytest.mark.parametrize("fork", since("byzantium"))
def test_copies(fork: str) -> None:
    def copied(size: int, offset: int) -> int:
        source = f"{call_of(GIVES)} {size} {offset} 64 RETURNDATACOPY 64 MLOAD"
        return word(fork, source, accounts=THERE)

    assert copied(32, 0) == 0xAABBCC
    assert copied(32, 1) == 0xAABBCC << 8
    assert copied(1, 31) == 0xCC << 248
    assert copied(0, 33) == 0  # nothing, from the end


@pytest.mark.parametrize("fork", since("byzantium"))
@pytest.mark.parametrize(
    ("size", "offset"),
    [(34, 0), (33, 1), (1, 33), (0, 34), (2, 2**256 - 1), (2**256 - 1, 2), (2**64, 0), (0, 2**64)],
)
def test_beyond_the_end_the_frame_fails(fork: str, size: int, offset: int) -> None:
    """Unlike call data, which goes on with zeros."""
    source = f"{call_of(GIVES)} {size} {offset} 0 RETURNDATACOPY"
    called = call(fork, source, accounts=THERE, gas=200_000)
    assert not called.execution.succeeded
    assert called.execution.gas_used == 200_000


@pytest.mark.parametrize("fork", since("byzantium"))
def test_prices(fork: str) -> None:
    asks = call_of(GIVES)
    there = gas(fork, asks, accounts=THERE)

    def spent(source: str) -> int:
        return gas(fork, f"{asks} {source}", accounts=THERE) - there

    assert spent(SIZE) == 2
    assert spent("0 0 0 RETURNDATACOPY") == 3 * 3 + 3
    assert spent("1 0 0 RETURNDATACOPY") == 3 * 3 + 3 + 3 + 3  # a word, and a word of memory
    assert spent("33 0 0 RETURNDATACOPY") == 3 * 3 + 3 + 2 * 3 + 2 * 3


@pytest.mark.parametrize("fork", before("byzantium"))
def test_there_was_no_return_data(fork: str) -> None:
    assert error(fork, SIZE) == "invalid opcode"
    assert error(fork, "0 0 0 RETURNDATACOPY") == "invalid opcode"
