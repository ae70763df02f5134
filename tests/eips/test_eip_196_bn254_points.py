"""EIP-196 (Byzantium): addition and multiplication on alt_bn128; for what price: EIP-1108."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, precompile, since
from tests.evm.world_blocks import words

ADD, MUL = 6, 7
P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
G = words(1, 2)
# Twice the generator, from the formula for doubling: slope 3/4, x = slope**2 - 2, and so on.
SLOPE = 3 * pow(4, -1, P) % P
X = (SLOPE**2 - 2) % P
TWICE = words(X, (SLOPE * (1 - X) - 2) % P)
MINUS = words(1, P - 2)
ZERO = bytes(64)

SUMS = {
    "a double": (G + G, TWICE),
    "a difference": (TWICE + MINUS, G),
    "a point and its opposite": (G + MINUS, ZERO),
    "infinity behind": (G + ZERO, G),
    "infinity before": (ZERO + G, G),
    "nothing": (b"", ZERO),
    "what is missing is zeros": (G, G),
    "too much is not read": (G + G + b"\xff" * 64, TWICE),
}
PRODUCTS = {
    "by 2": (G + words(2), TWICE),
    "by 1": (G + words(1), G),
    "by 0": (G + words(0), ZERO),
    "by what is missing": (G, ZERO),
    "nothing": (b"", ZERO),
    "infinity": (ZERO + words(5), ZERO),
    "by the order": (G + words(ORDER), ZERO),
    "by one less": (G + words(ORDER - 1), MINUS),
    "by two more": (G + words(ORDER + 2), TWICE),
    "by what fills a word": (G + words(2**256 - 1 - (2**256 - 1) % ORDER + 2), TWICE),
    "too much is not read": (G + words(2) + b"\xff", TWICE),
}


@pytest.mark.parametrize("fork", since("byzantium"))
def test_addition(fork: str) -> None:
    for name, (data, expected) in SUMS.items():
        called = precompile(fork, ADD, data, output=64)
        assert (called.succeeded, called.output) == (True, expected), name


@pytest.mark.parametrize("fork", since("byzantium"))
def test_multiplication(fork: str) -> None:
    for name, (data, expected) in PRODUCTS.items():
        called = precompile(fork, MUL, data, output=64)
        assert (called.succeeded, called.output) == (True, expected), name


@pytest.mark.parametrize("fork", ["byzantium", "istanbul", "osaka"])
@pytest.mark.parametrize("number", [ADD, MUL])
@pytest.mark.parametrize(
    "point",
    [words(1, 3), words(P, 0), words(0, P), words(1 + P, 2), words(1, 2 + P), words(0, 1)],
    ids=["no point", "p for 0 in x", "p for 0 in y", "x above p", "y above p", "no infinity"],
)
def test_what_is_no_point_takes_all_gas(fork: str, number: int, point: bytes) -> None:
    for data in (point, G + point) if number == ADD else (point, point + words(0)):
        called = precompile(fork, number, data, gas=50_000, output=64)
        assert (called.succeeded, called.gas, called.output) == (False, 50_000, ZERO)


@pytest.mark.parametrize("fork", before("byzantium"))
@pytest.mark.parametrize("number", [ADD, MUL])
def test_there_was_nothing_at_its_address(fork: str, number: int) -> None:
    called = precompile(fork, number, G + G, output=64)
    assert (called.succeeded, called.gas, called.output) == (True, 0, ZERO)
