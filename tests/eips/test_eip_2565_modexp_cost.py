"""EIP-2565 (Berlin): MODEXP is priced by 8-byte words, for 200 at least."""

from __future__ import annotations

import pytest
from tests.eips.precompiles import exact_answer
from tests.eips.rules import since

MODEXP = 5
SQUARE, CUBE, POW = b"\x02", b"\x03", b"\x01\x00\x01"
# The EIP's table: size of base and modulus, exponent, price under EIP-198, price under EIP-2565.
NAGYDANI = [
    (64, SQUARE, 204, 200),
    (64, CUBE, 204, 200),
    (64, POW, 3_276, 341),
    (128, SQUARE, 665, 200),
    (128, CUBE, 665, 200),
    (128, POW, 10_649, 1_365),
    (256, SQUARE, 1_894, 341),
    (256, CUBE, 1_894, 341),
    (256, POW, 30_310, 5_461),
    (512, SQUARE, 5_580, 1_365),
    (512, CUBE, 5_580, 1_365),
    (512, POW, 89_292, 21_845),
    (1024, SQUARE, 17_868, 5_461),
    (1024, CUBE, 17_868, 5_461),
    (1024, POW, 285_900, 87_381),
]


def operands(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """What MODEXP reads: three sizes, and what has them."""
    sizes = (len(part).to_bytes(32, "big") for part in (base, exponent, modulus))
    return b"".join(sizes) + base + exponent + modulus


@pytest.mark.parametrize(("size", "exponent", "old", "new"), NAGYDANI)
def test_the_table(size: int, exponent: bytes, old: int, new: int) -> None:
    base, modulus = b"\x03" * size, b"\x05" * size
    data = operands(base, exponent, modulus)
    big = [int.from_bytes(part, "big") for part in (base, exponent, modulus)]
    for fork, price in [("istanbul", old), ("berlin", new), ("prague", new)]:
        answer = exact_answer(fork, MODEXP, data)
        assert (answer.succeeded, answer.gas) == (True, price)
        assert answer.output == pow(*big).to_bytes(size, "big")


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "price"),
    [
        (0, b"", 0, 200),
        (1, b"\xff" * 32, 1, 200),  # 1 * 255 / 3 is less
        (32, b"\xff" * 32, 32, 1_360),  # 16 * 255 / 3
        (33, b"\xff" * 32, 1, 2_125),  # 25 * 255 / 3: the longer of the two counts, rounded up
        (1, b"\xff" * 32, 33, 2_125),
        # Of a longer exponent the first 32 bytes count (EIP-198), whatever the EIP's program says.
        (32, b"\xff" * 32 + b"\x00", 32, 1_402),  # 16 * (8 * 1 + 255) / 3
        (32, b"\x00" + b"\xff" * 32, 32, 1_360),  # 16 * (8 * 1 + 247) / 3
        (32, bytes(64), 32, 1_365),  # 16 * (8 * 32 + 0) / 3
    ],
)
def test_the_formula(base: int, exponent: bytes, modulus: int, price: int) -> None:
    data = operands(b"\x07" * base, exponent, b"\x0b" * modulus)
    for fork in since("berlin", until="osaka"):
        assert exact_answer(fork, MODEXP, data).gas == price


@pytest.mark.parametrize("fork", since("berlin", until="osaka"))
def test_one_gas_less_does_not_suffice(fork: str) -> None:
    data = operands(b"\x07" * 32, b"\xff" * 32, b"\x0b" * 32)
    enough = exact_answer(fork, MODEXP, data, given=1_360)
    assert (enough.succeeded, enough.gas) == (True, 1_360)
    short = exact_answer(fork, MODEXP, data, given=1_359)
    assert (short.succeeded, short.gas, short.output) == (False, 1_359, b"")
