"""What tests of precompiles share: how to call one, inputs of words, points of curves. No test of
its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from py_ecc import bn128, optimized_bls12_381

from blockstm._native.evm.precompiles import calls
from blockstm.vm.evm.libraries import load_libraries

load_libraries()

PLENTY = 10**9

ECRECOVER, SHA256, RIPEMD160, IDENTITY, MODEXP = 1, 2, 3, 4, 5
BN254_ADD, BN254_MUL, BN254_PAIRING, BLAKE2F, POINT_EVALUATION = 6, 7, 8, 9, 10
G1ADD, G1MSM, G2ADD, G2MSM, BLS_PAIRING, MAP_FP, MAP_FP2 = range(11, 18)
P256VERIFY = 0x100


class Called(NamedTuple):
    """What came of a call."""

    status: str
    gas_used: int
    output: bytes


def call(number: int, data: bytes, fork: str = "osaka", gas: int = PLENTY) -> Called:
    """Call a precompile; the gas that a failure takes is all of it."""
    status, gas_left, output = calls.call(fork, number, data, gas)
    return Called(status, gas - gas_left, output)


FAILURE = Called("failure", PLENTY, b"")


def words(*numbers: int) -> bytes:
    """Numbers as words of 32 bytes, one after another."""
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def bn254_g1(scalar: int) -> bytes:
    """A multiple of BN254's generator."""
    point = bn128.multiply(bn128.G1, scalar)
    return bytes(64) if point is None else words(int(point[0]), int(point[1]))


def bn254_g2(scalar: int) -> bytes:
    """A multiple of the generator of BN254's G2, imaginary parts first."""
    point = bn128.multiply(bn128.G2, scalar)
    return bytes(128) if point is None else bn254_g2_words(point)


def bn254_g2_words(point: Any) -> bytes:
    """A point of BN254's twisted curve as the precompile reads it."""
    (x0, x1), (y0, y1) = point[0].coeffs, point[1].coeffs
    return words(int(x1), int(x0), int(y1), int(y0))


def fp(*numbers: int) -> bytes:
    """Elements of BLS12-381's field, 64 bytes each."""
    return b"".join(number.to_bytes(64, "big") for number in numbers)


def bls_g1(point: Any) -> bytes:
    """A point of py_ecc as the precompiles read it."""
    if optimized_bls12_381.is_inf(point):
        return bytes(128)
    x, y = optimized_bls12_381.normalize(point)
    return fp(int(x), int(y))


def bls_g2(point: Any) -> bytes:
    """A point of the twisted curve, real parts first."""
    if optimized_bls12_381.is_inf(point):
        return bytes(256)
    x, y = optimized_bls12_381.normalize(point)
    return fp(*map(int, (*x.coeffs, *y.coeffs)))
