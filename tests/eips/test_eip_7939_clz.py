"""EIP-7939 (Osaka): CLZ (0x1e) counts the zero bits above the highest one bit, for 5 gas."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, call, error, gas, since

FORKS = since("osaka")


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("number", "zeros"),
    [
        (0, 256),
        (1, 255),
        (2, 254),
        (3, 254),
        (2**64 - 1, 192),
        (2**64, 191),
        (2**127, 128),
        (2**128, 127),
        (2**192 - 1, 64),
        (2**255 - 1, 1),
        (2**255, 0),
        (2**256 - 1, 0),
    ],
)
def test_it_counts(fork: str, number: int, zeros: int) -> None:
    # As a constant, and as what comes with the call.
    returns = "0 MSTORE 32 0 RETURN"
    assert call(fork, f"PUSH32 {number} CLZ {returns}").word == zeros
    data = number.to_bytes(32, "big")
    assert call(fork, f"0 CALLDATALOAD CLZ {returns}", data=data).word == zeros


@pytest.mark.parametrize("fork", FORKS)
def test_every_bit(fork: str) -> None:
    # For each of 256 shifts: whether CLZ of 1 << shift is 255 - shift; the sum of what is right.
    source = """
        0 0
        again:
            DUP1 1 SWAP1 SHL CLZ DUP2 255 SUB EQ DUP3 ADD SWAP2 POP
            1 ADD DUP1 256 XOR @again JUMPI
        POP 0 MSTORE 32 0 RETURN
    """
    assert call(fork, source).word == 256


@pytest.mark.parametrize("fork", FORKS)
def test_it_costs_5_gas_and_takes_a_word(fork: str) -> None:
    assert gas(fork, "7 CLZ") == 3 + 5
    assert error(fork, "CLZ") == "stack underflow"


@pytest.mark.parametrize("fork", before("osaka"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, "7 CLZ") == "invalid opcode"
