"""EIP-160 (Spurious Dragon): EXP costs 50 for each byte of the exponent in place of 10."""

from __future__ import annotations

import pytest
from tests.eips.rules import answers, by_fork, gas

# exponent → its bytes
EXPONENTS = {0: 0, 1: 1, 255: 1, 256: 2, 2**64 - 1: 8, 2**64: 9, 2**248 - 1: 31, 2**256 - 1: 32}


@pytest.mark.parametrize(("fork", "byte"), by_fork(frontier=10, spurious_dragon=50))
def test_price(fork: str, byte: int) -> None:
    for exponent, size in EXPONENTS.items():
        assert gas(fork, f"{exponent} 3 EXP") == 3 + 3 + 10 + byte * size, exponent
    assert gas(fork, "256 0 EXP") == 6 + 10 + byte * 2  # the base costs nothing


@pytest.mark.parametrize("fork", ["homestead", "spurious_dragon", "osaka"])
def test_powers(fork: str) -> None:
    cases = {
        "0 0 EXP": 1,
        "0 2 EXP": 1,
        "5 0 EXP": 0,
        "255 2 EXP": 2**255,
        "256 2 EXP": 0,
        "2 16 EXP": 256,
        f"{2**256 - 1} 3 EXP": pow(3, 2**256 - 1, 2**256),
        f"3 {2**256 - 1} EXP": 2**256 - 1,
        f"{10**20} 7 EXP": pow(7, 10**20, 2**256),
    }
    assert answers(fork, list(cases)) == list(cases.values())
