"""EIP-197 (Byzantium): whether pairings on alt_bn128 multiply to one; for what price: EIP-1108."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, precompile, since
from tests.evm.world_blocks import words

PAIRING = 8
P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
G1, MINUS_G1, NOTHING_1 = words(1, 2), words(1, P - 2), bytes(64)
# The generator as the EIP writes it: each coordinate a * i + b as (a, b).
X2 = (
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
)
Y2 = (
    4082367875863433681332203403145435568316851327593401208105741076214120093531,
    8495653923123431417604973247489272438418190587263600148770280649306958101930,
)
G2, NOTHING_2 = words(*X2, *Y2), bytes(128)
MINUS_G2 = words(*X2, P - Y2[0], P - Y2[1])
TWICE_G1 = words(
    0x030644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD3,
    0x15ED738C0E0A7C92E7845F96B2AE9C0A68A6A449E3538FC7FF3EBF7A5A18A2C4,
)
# On the curve of G2, but of another order: x is i + 2.
OUTSIDE_G2 = words(
    1,
    2,
    0x2B76C179599BB92A963DAC85546A005A777F7C13F6A7B75D5918B6B5808F5FDE,
    0x101F7278419308B95099ECA02DCEE0C5381F4D26D1D62313F057167F064101CE,
)

HOLDS = {
    "nothing": b"",
    "infinity": NOTHING_1 + NOTHING_2,
    "infinity and anything": G1 + NOTHING_2 + NOTHING_1 + G2,
    "a pair and its opposite": G1 + G2 + MINUS_G1 + G2,
    "the opposite on the other side": G1 + G2 + G1 + MINUS_G2,
    "one and one are two": (G1 + G2) * 2 + TWICE_G1 + MINUS_G2,
}
FAILS = {
    "a pair": G1 + G2,
    "a pair twice": (G1 + G2) * 2,
    "one and one are not one": (G1 + G2) * 2 + G1 + MINUS_G2,
}


@pytest.mark.parametrize("fork", since("byzantium"))
def test_pairings(fork: str) -> None:
    for name, data in (HOLDS | FAILS).items():
        called = precompile(fork, PAIRING, data)
        assert (called.succeeded, called.output) == (True, words(name in HOLDS)), name


@pytest.mark.parametrize("fork", ["byzantium", "istanbul", "osaka"])
@pytest.mark.parametrize(
    "data",
    [
        bytes(1),
        bytes(191),
        bytes(193),
        words(1, 3) + G2,
        G1 + words(*reversed(X2), *Y2),
        G1 + words(*Y2, *X2),
        words(1 + P, 2) + G2,
        G1 + words(X2[0] + P, X2[1], *Y2),
        words(P, 0) + NOTHING_2,
        G1 + OUTSIDE_G2,
        NOTHING_1 + OUTSIDE_G2,
        G1 + G2 + bytes(1),
    ],
)
def test_what_is_no_element_takes_all_gas(fork: str, data: bytes) -> None:
    called = precompile(fork, PAIRING, data, gas=900_000)
    assert (called.succeeded, called.gas, called.output) == (False, 900_000, bytes(32))


@pytest.mark.parametrize("fork", before("byzantium"))
def test_there_was_nothing_at_its_address(fork: str) -> None:
    called = precompile(fork, PAIRING, b"")
    assert (called.succeeded, called.gas, called.output) == (True, 0, bytes(32))
