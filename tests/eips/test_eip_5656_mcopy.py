"""EIP-5656 (Cancun): MCOPY (0x5e) copies memory, also onto itself."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, call, error, gas, since

FORKS = since("cancun")
COUNT = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
EIGHT = "0001020304050607"
# The EIP's cases: to, from, size, memory before, memory after.
CASES = [
    (0, 32, 32, "00" * 32 + COUNT, COUNT * 2),
    (0, 0, 32, "01" * 32 + "00" * 32, "01" * 32 + "00" * 32),
    (0, 1, 8, EIGHT + "08" + "00" * 55, "0102030405060708" + "08" + "00" * 55),
    (1, 0, 8, EIGHT + "08" + "00" * 55, "00" + EIGHT + "00" * 55),
]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("to", "source", "size", "memory", "after"), CASES)
def test_the_cases_of_the_eip(
    fork: str, to: int, source: int, size: int, memory: str, after: str
) -> None:
    fill = f"PUSH32 0x{memory[:64]} 0 MSTORE PUSH32 0x{memory[64:]} 32 MSTORE"
    copied = call(fork, f"{fill} {size} {source} {to} MCOPY 64 0 RETURN")
    assert copied.execution.output.hex() == after
    # Three pushes, and "gas used: 6": 3 and a word.
    assert gas(fork, f"{fill} {size} {source} {to} MCOPY") - gas(fork, fill) == 9 + 6


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("to", "source", "size", "price"),
    [
        (0, 0, 0, 3),
        (2**256 - 1, 2**256 - 1, 0, 3),  # nothing is copied, and no memory asked for
        (0, 0, 1, 3 + 3 + 3),
        (0, 0, 33, 3 + 2 * 3 + 2 * 3),
        (0, 64, 32, 3 + 3 + 3 * 3),  # memory grows where it is read
        (64, 0, 32, 3 + 3 + 3 * 3),  # and where it is written
        (0, 992, 32, 3 + 3 + 32 * 3 + 2),
    ],
)
def test_it_costs_by_the_word(fork: str, to: int, source: int, size: int, price: int) -> None:
    assert gas(fork, f"{size} {source} {to} MCOPY") == 9 + price


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("operands", ["1 0 {huge}", "1 {huge} 0", "{huge} 0 0"])
def test_memory_without_end_is_out_of_gas(fork: str, operands: str) -> None:
    assert error(fork, operands.format(huge=2**256 - 1) + " MCOPY") == "out of gas"


@pytest.mark.parametrize("fork", before("cancun"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, "0 0 0 MCOPY") == "invalid opcode"
