"""EIP-145 (Constantinople): SHL, SHR and SAR; the EIP's own 38 vectors."""

from __future__ import annotations

import pytest
from tests.eips.rules import answers, before, error, gas, since

ALL, TOP, HALF = 2**256 - 1, 2**255, 2**255 - 1  # -1, the least number, the greatest

# (shift, value, result)
VECTORS = {
    "SHL": [
        (0x00, 1, 1),
        (0x01, 1, 2),
        (0xFF, 1, TOP),
        (0x100, 1, 0),
        (0x101, 1, 0),
        (0x00, ALL, ALL),
        (0x01, ALL, ALL - 1),
        (0xFF, ALL, TOP),
        (0x100, ALL, 0),
        (0x01, 0, 0),
        (0x01, HALF, ALL - 1),
    ],
    "SHR": [
        (0x00, 1, 1),
        (0x01, 1, 0),
        (0x01, TOP, 2**254),
        (0xFF, TOP, 1),
        (0x100, TOP, 0),
        (0x101, TOP, 0),
        (0x00, ALL, ALL),
        (0x01, ALL, HALF),
        (0xFF, ALL, 1),
        (0x100, ALL, 0),
        (0x01, 0, 0),
    ],
    "SAR": [
        (0x00, 1, 1),
        (0x01, 1, 0),
        (0x01, TOP, 0b11 << 254),
        (0xFF, TOP, ALL),
        (0x100, TOP, ALL),
        (0x101, TOP, ALL),
        (0x00, ALL, ALL),
        (0x01, ALL, ALL),
        (0xFF, ALL, ALL),
        (0x100, ALL, ALL),
        (0x01, 0, 0),
        (0xFE, 2**254, 1),
        (0xF8, HALF, 0x7F),
        (0xFE, HALF, 1),
        (0xFF, HALF, 0),
        (0x100, HALF, 0),
    ],
}
# A shift is unsigned, however great; limbs meet at 64, 128 and 192.
FAR = [2**64, 2**64 + 1, 2**128, 2**255, ALL]
LIMBS = [1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255]


@pytest.mark.parametrize("fork", since("constantinople"))
@pytest.mark.parametrize("opcode", VECTORS)
def test_vectors(fork: str, opcode: str) -> None:
    rows = VECTORS[opcode]
    sources = [f"{value} {shift} {opcode}" for shift, value, _ in rows]
    assert answers(fork, sources) == [result for *_, result in rows]
    assert gas(fork, f"1 1 {opcode}") == 3 + 3 + 3


@pytest.mark.parametrize("opcode", VECTORS)
def test_shifts_beyond_the_word_and_across_limbs(opcode: str) -> None:
    value = 0x9 << 252 | 0x123456789ABCDEF << 96 | 0xF
    signed = value - 2**256
    result = {
        "SHL": lambda shift: (value << shift) % 2**256,
        "SHR": lambda shift: value >> shift,
        "SAR": lambda shift: (signed >> shift) % 2**256,
    }[opcode]
    sources = [f"{value} {shift} {opcode}" for shift in LIMBS + FAR]
    beyond = [ALL if opcode == "SAR" else 0] * len(FAR)
    assert answers("osaka", sources) == [*map(result, LIMBS), *beyond]


@pytest.mark.parametrize("fork", before("constantinople"))
@pytest.mark.parametrize("opcode", VECTORS)
def test_there_were_no_shifts(fork: str, opcode: str) -> None:
    assert error(fork, f"1 1 {opcode}") == "invalid opcode"
