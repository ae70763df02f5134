"""EIP-1108 (Istanbul): alt_bn128 costs what it takes since libraries have become faster."""

from __future__ import annotations

import pytest
from tests.eips.rules import by_fork, precompile

ADD, MUL, PAIRING = 6, 7, 8
ADDITION, MULTIPLICATION = (
    by_fork(byzantium=500, istanbul=150),
    by_fork(byzantium=40_000, istanbul=6_000),
)
ONE, EACH = by_fork(byzantium=100_000, istanbul=45_000), by_fork(byzantium=80_000, istanbul=34_000)


def costs(fork: str, number: int, data: bytes, price: int) -> bool:
    """Whether a call takes so much, and does not do with less."""
    with_less = precompile(fork, number, data, gas=price - 1)
    assert (with_less.succeeded, with_less.gas) == (False, price - 1)
    called = precompile(fork, number, data, gas=price + 7)
    return called.succeeded and called.gas == price


@pytest.mark.parametrize(("fork", "price"), ADDITION)
def test_addition(fork: str, price: int) -> None:
    assert costs(fork, ADD, bytes(128), price)
    assert costs(fork, ADD, b"", price)


@pytest.mark.parametrize(("fork", "price"), MULTIPLICATION)
def test_multiplication(fork: str, price: int) -> None:
    assert costs(fork, MUL, bytes(96), price)
    assert costs(fork, MUL, b"", price)


@pytest.mark.parametrize(
    ("fork", "price", "each"),
    [(fork, price, each) for (fork, price), (_, each) in zip(ONE, EACH, strict=True)],
)
def test_pairing(fork: str, price: int, each: int) -> None:
    for pairs in (0, 1, 2, 5):
        assert costs(fork, PAIRING, bytes(192 * pairs), price + each * pairs)
