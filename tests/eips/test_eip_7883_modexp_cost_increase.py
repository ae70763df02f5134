"""EIP-7883 (Osaka): MODEXP costs 500 at least, three times as much, and more where it is long."""

from __future__ import annotations

import pytest
from tests.eips.precompiles import exact_answer
from tests.eips.rules import since

MODEXP = 5
SQUARE, CUBE, POW = b"\x02", b"\x03", b"\x01\x00\x01"
# The EIP's table: size of base and modulus, exponent, price before, price now.
NAGYDANI = [
    (64, SQUARE, 200, 500),
    (64, CUBE, 200, 500),
    (64, POW, 341, 2_048),
    (128, SQUARE, 200, 512),
    (128, CUBE, 200, 512),
    (128, POW, 1_365, 8_192),
    (256, SQUARE, 341, 2_048),
    (256, CUBE, 341, 2_048),
    (256, POW, 5_461, 32_768),
    (512, SQUARE, 1_365, 8_192),
    (512, CUBE, 1_365, 8_192),
    (512, POW, 21_845, 131_072),
    (1024, SQUARE, 5_461, 32_768),
    (1024, CUBE, 5_461, 32_768),
    (1024, POW, 87_381, 524_288),
]


def operands(base: int, exponent: bytes, modulus: int) -> bytes:
    """What MODEXP reads: three sizes, and what has them."""
    sizes = (size.to_bytes(32, "big") for size in (base, len(exponent), modulus))
    return b"".join(sizes) + b"\x03" * base + exponent + b"\x05" * modulus


@pytest.mark.parametrize(("size", "exponent", "old", "new"), NAGYDANI)
def test_the_table(size: int, exponent: bytes, old: int, new: int) -> None:
    data = operands(size, exponent, size)
    for fork, price in [("prague", old), ("osaka", new), ("amsterdam", new)]:
        answer = exact_answer(fork, MODEXP, data)
        assert (answer.succeeded, answer.gas) == (True, price)


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "price"),
    [
        (0, b"", 0, 500),
        (1, b"\xff" * 32, 1, 4_080),  # 16 * 255: no size is below 32
        (32, b"\xff" * 32, 32, 4_080),
        (33, b"\xff" * 32, 32, 12_750),  # 2 * 5**2 * 255
        (32, b"\xff" * 32, 33, 12_750),
        # Of a longer exponent the first 32 bytes count (EIP-198), whatever the EIP's program says.
        (32, b"\xff" * 32 + b"\x00", 32, 4_336),  # 16 * (16 * 1 + 255)
        (32, b"\x00" + b"\xff" * 32, 32, 4_208),  # 16 * (16 * 1 + 247)
        (32, bytes(64), 32, 8_192),  # 16 * (16 * 32 + 0)
        (32, bytes(32), 32, 500),  # an exponent of zero is one iteration: 16
    ],
)
def test_the_formula(base: int, exponent: bytes, modulus: int, price: int) -> None:
    for fork in since("osaka"):
        assert exact_answer(fork, MODEXP, operands(base, exponent, modulus)).gas == price


@pytest.mark.parametrize("fork", since("osaka"))
def test_one_gas_less_does_not_suffice(fork: str) -> None:
    data = operands(32, b"\xff" * 32, 32)
    assert exact_answer(fork, MODEXP, data, given=4_080).succeeded
    short = exact_answer(fork, MODEXP, data, given=4_079)
    assert (short.succeeded, short.gas) == (False, 4_079)
