"""Precompiles on curves: BN254, BLS12-381, P-256 against other libraries, and malformed input."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import bn128
from py_ecc import optimized_bls12_381 as bls
from tests.evm.precompile_inputs import (
    BLS_PAIRING,
    BN254_ADD,
    BN254_MUL,
    BN254_PAIRING,
    FAILURE,
    G1ADD,
    G1MSM,
    G2ADD,
    G2MSM,
    MAP_FP,
    MAP_FP2,
    P256VERIFY,
    POINT_EVALUATION,
    bls_g1,
    bls_g2,
    bn254_g1,
    bn254_g2,
    bn254_g2_words,
    call,
    fp,
    words,
)

YES, NO = words(1), words(0)

# ---- BN254

BN_P = bn128.field_modulus
BN_ORDER = bn128.curve_order
bn_scalars = st.integers(0, BN_ORDER - 1) | st.integers(0, 3) | st.integers(BN_ORDER - 3, BN_ORDER)


@settings(max_examples=25, deadline=None)
@given(bn_scalars, bn_scalars)
def test_bn254_add(left: int, right: int) -> None:
    data = bn254_g1(left) + bn254_g1(right)
    assert call(BN254_ADD, data).output == bn254_g1(left + right)
    assert call(BN254_ADD, data + b"more").output == bn254_g1(left + right)


@settings(max_examples=25, deadline=None)
@given(bn_scalars, st.integers(0, 2**256 - 1) | bn_scalars)
def test_bn254_mul(point: int, scalar: int) -> None:
    product = bn254_g1(point * scalar % BN_ORDER)
    assert call(BN254_MUL, bn254_g1(point) + words(scalar)).output == product


@pytest.mark.parametrize("scalar", [BN_ORDER, 2 * BN_ORDER, 2**256 - 1, 5 * BN_ORDER + 1])
def test_bn254_mul_takes_any_scalar(scalar: int) -> None:
    expected = bn254_g1(3 * scalar % BN_ORDER)
    assert call(BN254_MUL, bn254_g1(3) + words(scalar)).output == expected


BN_LAMBDA = 0xB3C4D79D41A917585BFC41088D8DAAA78B17EA66B99C90DD
"""A cube root of one modulo the order, which scalars are split by."""


@pytest.mark.parametrize("other", [0, 1, -1, 2, 2**63, -(2**126), 2**127 - 1])
@pytest.mark.parametrize("one", [0, 1, -1, 3, 2**126, -(2**127) + 1])
def test_bn254_mul_by_scalars_with_extreme_halves(one: int, other: int) -> None:
    scalar = (one + other * BN_LAMBDA) % BN_ORDER
    assert call(BN254_MUL, bn254_g1(5) + words(scalar)).output == bn254_g1(5 * scalar % BN_ORDER)


def test_bn254_input_goes_on_as_zeros() -> None:
    assert call(BN254_ADD, b"").output == bytes(64)
    assert call(BN254_ADD, bn254_g1(1)).output == bn254_g1(1)
    assert call(BN254_MUL, bn254_g1(1)).output == bytes(64)
    scalar = words(2**248)
    assert call(BN254_MUL, bn254_g1(1) + scalar[:1]).output == bn254_g1(2**248)


NO_BN254_G1 = {
    "not on the curve": words(1, 1),
    "x zero alone": words(0, 1),
    "y zero alone": words(1, 0),
    "x is p": words(BN_P, 0),
    "y is p": words(0, BN_P),
    "both are p": words(BN_P, BN_P),
    "x + p": words(1 + BN_P, 2),
    "y + p": words(1, 2 + BN_P),
    "all ones": b"\xff" * 64,
}


@pytest.mark.parametrize("point", NO_BN254_G1.values(), ids=NO_BN254_G1)
def test_bn254_refuses_what_is_no_point(point: bytes) -> None:
    assert call(BN254_ADD, point) == FAILURE
    assert call(BN254_ADD, bn254_g1(1) + point) == FAILURE
    assert call(BN254_MUL, point + words(0)) == FAILURE
    assert call(BN254_PAIRING, point + bn254_g2(1)) == FAILURE
    assert call(BN254_PAIRING, point + bn254_g2(0)) == FAILURE


BN_G2 = {scalar: bn254_g2(scalar) for scalar in (0, 1, 2, 5, BN_ORDER - 1, 3**150)}


def bn_multiple(scalar: int) -> bytes:
    """A multiple of the generator, made by the precompile that is tested above."""
    return call(BN254_MUL, bn254_g1(1) + words(scalar % BN_ORDER)).output


@given(st.lists(st.tuples(bn_scalars, st.sampled_from(list(BN_G2))), max_size=6), bn_scalars)
def test_bn254_pairing_is_bilinear(pairs: list[tuple[int, int]], last: int) -> None:
    total = sum(p * q for p, q in pairs) % BN_ORDER
    data = b"".join(bn_multiple(p) + BN_G2[q] for p, q in pairs)
    data += bn_multiple(-total) + BN_G2[1]
    assert call(BN254_PAIRING, data) == ("success", 45_000 + 34_000 * (len(pairs) + 1), YES)
    off = data + bn_multiple(last) + BN_G2[5]
    assert call(BN254_PAIRING, off).output == (YES if last % BN_ORDER == 0 else NO)


@pytest.mark.parametrize("count", [15, 16, 17, 33])
def test_bn254_pairing_of_many_pairs(count: int) -> None:
    data = b"".join(bn254_g1(place + 1) + bn254_g2(2) for place in range(count))
    total = 2 * count * (count + 1) // 2
    last = bn254_g1(BN_ORDER - total) + bn254_g2(1)
    assert call(BN254_PAIRING, data + last).output == YES
    assert call(BN254_PAIRING, data + bn254_g1(1) + bn254_g2(1)).output == NO


def test_bn254_pairing_of_nothing_is_one() -> None:
    assert call(BN254_PAIRING, b"").output == YES
    assert call(BN254_PAIRING, bytes(192 * 3)).output == YES
    assert call(BN254_PAIRING, bn254_g1(1) + bn254_g2(0)).output == YES
    assert call(BN254_PAIRING, bn254_g1(0) + bn254_g2(1)).output == YES


@pytest.mark.parametrize("size", [1, 64, 191, 193, 383])
def test_bn254_pairing_refuses_half_a_pair(size: int) -> None:
    assert call(BN254_PAIRING, bytes(size)) == FAILURE


def twisted_point_outside_g2() -> Any:
    """A point of BN254's twisted curve whose order is not that of G2."""
    square_root = _square_root_fq2
    for x in range(1, 100):
        candidate = bn128.FQ2([x, 1])
        y = square_root(candidate * candidate * candidate + bn128.b2)
        if y is not None and bn128.multiply((candidate, y), BN_ORDER) is not None:
            return candidate, y
    raise AssertionError("no such point")


def _square_root_fq2(value: Any) -> Any:
    """A square root in the quadratic extension, by the norm; None where there is none."""
    a, b = (int(each) for each in value.coeffs)
    norm_root = pow(a * a + b * b, (BN_P + 1) // 4, BN_P)
    for sign in (1, -1):
        half = (a + sign * norm_root) * pow(2, -1, BN_P) % BN_P
        real = pow(half, (BN_P + 1) // 4, BN_P)
        if real * real % BN_P == half and real:
            root = bn128.FQ2([real, b * pow(2 * real, -1, BN_P) % BN_P])
            if root * root == value:
                return root
    return None


def test_bn254_pairing_refuses_points_outside_g2() -> None:
    point = twisted_point_outside_g2()
    assert bn128.is_on_curve(point, bn128.b2)
    assert call(BN254_PAIRING, bn254_g1(1) + bn254_g2_words(point)) == FAILURE
    assert call(BN254_PAIRING, bn254_g1(0) + bn254_g2_words(point)) == FAILURE


@pytest.mark.parametrize("place", range(4))
def test_bn254_pairing_refuses_bad_coordinates(place: int) -> None:
    good = bn254_g1(1) + bn254_g2(1)
    start = 64 + 32 * place
    coordinate = int.from_bytes(good[start : start + 32], "big")
    for bad in (coordinate + BN_P, BN_P, coordinate ^ 1):
        data = good[:start] + words(bad) + good[start + 32 :]
        assert call(BN254_PAIRING, data) == FAILURE


# ---- BLS12-381

BLS_P = bls.field_modulus
BLS_ORDER = bls.curve_order
G1_ONE, G2_ONE = bls_g1(bls.G1), bls_g2(bls.G2)


def g1(scalar: int) -> bytes:
    return bls_g1(bls.multiply(bls.G1, scalar))


def g2(scalar: int) -> bytes:
    return bls_g2(bls.multiply(bls.G2, scalar))


bls_scalars = st.integers(0, BLS_ORDER - 1) | st.integers(0, 3)
any_scalars = st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, BLS_ORDER, 2 * BLS_ORDER + 1])


@settings(max_examples=10, deadline=None)
@given(bls_scalars, bls_scalars)
def test_bls_additions(left: int, right: int) -> None:
    assert call(G1ADD, g1(left) + g1(right)).output == g1(left + right)
    assert call(G2ADD, g2(left) + g2(right)).output == g2(left + right)
    opposite = BLS_ORDER - left
    assert call(G1ADD, g1(left) + g1(opposite)).output == bytes(128)
    assert call(G2ADD, g2(left) + g2(opposite)).output == bytes(256)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), any_scalars), min_size=1, max_size=20))
def test_bls_msm(terms: list[tuple[int, int]]) -> None:
    total = sum(point * scalar for point, scalar in terms) % BLS_ORDER
    data = b"".join(G1_FEW[point] + words(scalar) for point, scalar in terms)
    assert call(G1MSM, data).output == g1(total)
    data = b"".join(G2_FEW[point] + words(scalar) for point, scalar in terms)
    assert call(G2MSM, data).output == g2(total)


G1_FEW = [g1(scalar) for scalar in range(6)]
G2_FEW = [g2(scalar) for scalar in range(6)]


@pytest.mark.parametrize("count", [1, 5, 6, 7, 8, 31, 32, 33, 129, 300])
def test_bls_msm_of_many_terms(count: int) -> None:
    scalars = [pow(7, place, 2**256) for place in range(count)]
    data = b"".join(G1_FEW[place % 6] + words(each) for place, each in enumerate(scalars))
    total = sum(place % 6 * each for place, each in enumerate(scalars)) % BLS_ORDER
    assert call(G1MSM, data).output == g1(total)
    data = b"".join(G2_FEW[place % 6] + words(each) for place, each in enumerate(scalars))
    assert call(G2MSM, data).output == g2(total)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_bls_msm_of_nothing_is_infinity(count: int) -> None:
    assert call(G1MSM, (G1_ONE + words(0)) * count).output == bytes(128)
    assert call(G1MSM, (bytes(128) + words(5)) * count).output == bytes(128)
    assert call(G2MSM, (G2_ONE + words(BLS_ORDER)) * count).output == bytes(256)


@pytest.mark.parametrize("pairs", [1, 2, 15, 16, 17, 40])
def test_bls_pairing(pairs: int) -> None:
    data = b"".join(G1_FEW[place % 6] + G2_FEW[place % 5] for place in range(pairs))
    total = sum(place % 6 * (place % 5) for place in range(pairs)) % BLS_ORDER
    last = g1(BLS_ORDER - total) + G2_ONE
    assert call(BLS_PAIRING, data + last).output == YES
    assert call(BLS_PAIRING, data + last + G1_ONE + G2_ONE).output == NO
    assert call(BLS_PAIRING, bytes(384) * pairs).output == YES


OUTSIDE_G1 = fp(0, 2)  # y**2 = 4: a point of order 3


def test_a_point_outside_the_group_may_be_added_but_not_multiplied() -> None:
    assert call(G1ADD, OUTSIDE_G1 + OUTSIDE_G1).output == fp(0, BLS_P - 2)
    assert call(G1MSM, OUTSIDE_G1 + words(3)) == FAILURE
    assert call(G1MSM, OUTSIDE_G1 + words(0)) == FAILURE
    assert call(G1MSM, (G1_ONE + words(1)) * 20 + OUTSIDE_G1 + words(0)) == FAILURE
    assert call(BLS_PAIRING, OUTSIDE_G1 + G2_ONE) == FAILURE
    assert call(BLS_PAIRING, OUTSIDE_G1 + bytes(256)) == FAILURE


NO_BLS_G1 = {
    "not on the curve": fp(1, 1),
    "x is p": fp(BLS_P, 2),
    "y is p": fp(0, BLS_P),
    "y + p": fp(0, 2 + BLS_P),
    "high bytes": b"\1" + OUTSIDE_G1[1:],
    "high bytes of y": OUTSIDE_G1[:64] + b"\0" * 15 + b"\1" + OUTSIDE_G1[80:],
    "all ones": b"\xff" * 128,
}


@pytest.mark.parametrize("point", NO_BLS_G1.values(), ids=NO_BLS_G1)
def test_bls_refuses_what_is_no_point(point: bytes) -> None:
    assert call(G1ADD, point + G1_ONE) == FAILURE
    assert call(G1ADD, bytes(128) + point) == FAILURE
    assert call(G1MSM, point + words(1)) == FAILURE
    assert call(BLS_PAIRING, point + G2_ONE) == FAILURE
    assert call(G2ADD, G2_ONE + point + bytes(128)) == FAILURE
    assert call(G2MSM, point + bytes(128) + words(1)) == FAILURE


@pytest.mark.parametrize("number", [G1ADD, G1MSM, G2ADD, G2MSM, BLS_PAIRING, MAP_FP, MAP_FP2])
@pytest.mark.parametrize("size", [0, 1, 63, 65, 127, 161, 255, 287, 289, 385, 511, 513])
def test_bls_refuses_other_sizes(number: int, size: int) -> None:
    assert call(number, bytes(size)) == FAILURE


@pytest.mark.parametrize("element", [BLS_P, BLS_P + 1, 2**381, 2**384 - 1, 2**384, 2**512 - 1])
def test_bls_maps_refuse_what_is_no_element(element: int) -> None:
    assert call(MAP_FP, fp(element)) == FAILURE
    assert call(MAP_FP2, fp(element, 0)) == FAILURE
    assert call(MAP_FP2, fp(0, element)) == FAILURE
    assert call(MAP_FP, fp(BLS_P - 1)).status == "success"


# ---- KZG


def point_evaluation_input(commitment: bytes, z: int, y: int, proof: bytes) -> bytes:
    versioned_hash = b"\1" + hashlib.sha256(commitment).digest()[1:]
    return versioned_hash + words(z, y) + commitment + proof


INFINITY = b"\xc0" + bytes(47)
GENERATOR = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)


def test_kzg_of_a_constant() -> None:
    """The polynomial 1 has the generator as commitment, and 1 everywhere."""
    for z in (0, 1, BLS_ORDER - 1):
        good = point_evaluation_input(GENERATOR, z, 1, INFINITY)
        assert call(POINT_EVALUATION, good).status == "success"
        for y in (0, 2, BLS_ORDER - 1):
            assert call(POINT_EVALUATION, point_evaluation_input(GENERATOR, z, y, INFINITY)) == (
                FAILURE
            )
    assert call(POINT_EVALUATION, point_evaluation_input(INFINITY, 3, 0, INFINITY))[0] == "success"


@pytest.mark.parametrize("z", [BLS_ORDER, BLS_ORDER + 1, 2**256 - 1])
def test_kzg_refuses_numbers_above_the_modulus(z: int) -> None:
    assert call(POINT_EVALUATION, point_evaluation_input(GENERATOR, z, 1, INFINITY)) == FAILURE
    assert call(POINT_EVALUATION, point_evaluation_input(INFINITY, 1, z, INFINITY)) == FAILURE


@pytest.mark.parametrize(
    "point",
    [
        bytes(48),
        b"\x80" + bytes(47),
        b"\xe0" + bytes(47),
        b"\xc0" + bytes(46) + b"\1",
        b"\xff" * 48,
    ],
)
def test_kzg_refuses_what_is_no_point(point: bytes) -> None:
    # b"\x80" and zeros is the point (0, 2), outside the group.
    assert call(POINT_EVALUATION, point_evaluation_input(point, 1, 1, INFINITY)) == FAILURE
    assert call(POINT_EVALUATION, point_evaluation_input(INFINITY, 1, 0, point)) == FAILURE


def compressed(point: Any) -> bytes:
    x, y = (int(each) for each in bls.normalize(point))
    sign = 0x20 if y > BLS_P // 2 else 0
    return bytes([0x80 | sign | x >> 376]) + (x % 2**376).to_bytes(47, "big")


def test_kzg_refuses_points_outside_the_group() -> None:
    """A point of order 11 pairs to one with everything, so that the equation would hold."""
    cofactor = 0x396C8C005555E1568C00AAAB0000AAAB
    assert cofactor % 121 == 0
    x = next(x for x in range(1, 99) if pow(x**3 + 4, (BLS_P - 1) // 2, BLS_P) == 1)
    point = bls.FQ(x), bls.FQ(pow(x**3 + 4, (BLS_P + 1) // 4, BLS_P)), bls.FQ(1)
    small = bls.multiply(point, cofactor // 121 * BLS_ORDER)
    assert not bls.is_inf(small)
    assert bls.is_inf(bls.multiply(small, 11))
    assert compressed(bls.G1) == GENERATOR
    for commitment in (GENERATOR, compressed(bls.add(bls.G1, small))):
        for proof in (small, bls.add(small, small)):
            data = point_evaluation_input(commitment, 5, 1, compressed(proof))
            assert call(POINT_EVALUATION, data) == FAILURE


# ---- P-256

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


def p256_input(message_hash: bytes, secret: int) -> bytes:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    r, s = utils.decode_dss_signature(key.sign(message_hash, PREHASHED))
    public = key.public_key().public_numbers()
    return message_hash + words(r, s, public.x, public.y)


@given(
    st.binary(min_size=32, max_size=32) | st.sampled_from([bytes(32), b"\xff" * 32]),
    st.integers(1, P256_ORDER - 1) | st.integers(1, 10),
    st.integers(0, 160 * 8 - 1),
)
def test_p256verify(message_hash: bytes, secret: int, flipped: int) -> None:
    data = p256_input(message_hash, secret)
    assert call(P256VERIFY, data) == ("success", 6900, YES)
    high_s = (P256_ORDER - int.from_bytes(data[64:96], "big")).to_bytes(32, "big")
    assert call(P256VERIFY, data[:64] + high_s + data[96:]).output == YES
    wrong = bytearray(data)
    wrong[flipped // 8] ^= 1 << flipped % 8
    assert call(P256VERIFY, bytes(wrong)) == ("success", 6900, b"")


@pytest.mark.parametrize("size", [0, 1, 159, 161, 320])
def test_p256verify_wants_160_bytes(size: int) -> None:
    data = p256_input(b"\5" * 32, 7).ljust(320, b"\0")[:size]
    assert call(P256VERIFY, data) == ("success", 6900, b"")


@pytest.mark.parametrize(
    ("place", "number"),
    [
        (1, 0), (1, P256_ORDER), (1, 2**256 - 1), (2, 0), (2, P256_ORDER), (2, 2**256 - 1),
        (3, P256_P), (3, 2**256 - 1), (4, P256_P), (4, 0), (3, 0),
    ],
)  # fmt: skip
def test_p256verify_refuses_numbers_out_of_range(place: int, number: int) -> None:
    data = p256_input(b"\5" * 32, 7)
    data = data[: place * 32] + words(number) + data[place * 32 + 32 :]
    assert call(P256VERIFY, data).output == b""


def test_p256verify_refuses_infinity() -> None:
    assert call(P256VERIFY, words(1, 1, 1, 0, 0)).output == b""


def test_p256verify_refuses_a_key_beside_the_curve() -> None:
    """With hash 0 and r = s = x the point is the key itself, on whatever curve it is."""
    public = ec.derive_private_key(11, ec.SECP256R1()).public_key().public_numbers()
    x = public.x
    assert call(P256VERIFY, words(0, x, x, x, public.y)).output == YES
    assert call(P256VERIFY, words(0, x, x, x, public.y + 1)).output == b""
    assert call(P256VERIFY, words(0, 5, 5, 5, 7)).output == b""


def test_p256verify_where_the_two_multiples_meet() -> None:
    """Signatures made so that hash/s G and r/s Q are the same point, or opposite."""
    secret = 11
    public = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    r = _x_of(22)  # R = u G + u G, u = 11
    s = r * pow(1, -1, P256_ORDER) % P256_ORDER  # u2 = r / s = 1
    message_hash = secret * s % P256_ORDER  # u1 = 11
    assert call(P256VERIFY, words(message_hash, r, s, public.x, public.y)).output == YES
    opposite = -secret * s % P256_ORDER
    assert call(P256VERIFY, words(opposite, r, s, public.x, public.y)).output == b""


def _x_of(scalar: int) -> int:
    point = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    return point.x % P256_ORDER
