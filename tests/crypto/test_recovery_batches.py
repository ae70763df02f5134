"""Recovery side by side and one by one equals libsecp256k1: every lane, every length, the edges."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crypto.signatures import (
    ORDER,
    Signed,
    joined,
    random_signature,
    signer_by_libsecp256k1,
)

from blockstm._native.crypto.recovery import recover_addresses

PRIME = 2**256 - 2**32 - 977
G_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
G_Y_IS_ODD = 0
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72
BETA = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE
CHUNK = 128  # signatures that share an inversion

numbers = st.integers(0, 2**256 - 1)
near = st.integers(-3, 3)
edges = st.builds(
    lambda base, by: (base + by) % 2**256,
    st.sampled_from(
        [0, ORDER, ORDER // 2, PRIME, PRIME - ORDER, G_X, G_X * BETA % PRIME, 2**255, 2**128]
    ),
    near,
)  # fmt: skip
words = numbers | edges


def check(signatures: list[Signed]) -> None:
    """Both ways find whom libsecp256k1 finds."""
    expected = [signer_by_libsecp256k1(each) for each in signatures]
    assert recover_addresses(*joined(signatures)) == expected
    assert recover_addresses(*joined(signatures), side_by_side=False) == expected


def signed(message: int, r: int, s: int, parity: int = G_Y_IS_ODD) -> Signed:
    return Signed(message.to_bytes(32, "big"), r, s, parity)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.builds(signed, words, words, words, st.integers(0, 3)), max_size=20))
def test_any_numbers_are_recovered_as_libsecp256k1_does(signatures: list[Signed]) -> None:
    check(signatures)


@pytest.mark.parametrize("count", [*range(1, 34), CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_batches_of_every_length(count: int) -> None:
    random = Random(count)
    check([random_signature(random) for _ in range(count)])


@pytest.mark.parametrize("lane", range(8))
def test_what_is_special_is_so_in_every_lane(lane: int) -> None:
    """Each special case at each lane of a vector of ordinary signatures, which stay right."""
    random = Random(lane)
    for special in SPECIAL:
        batch = [random_signature(random) for _ in range(8)]
        batch[lane] = special
        check(batch)


def test_vectors_of_nothing_but_special_cases() -> None:
    check(SPECIAL * 9)
    check(SPECIAL[:3])


def with_scalars(of_generator: int, of_point: int) -> Signed:
    """A signature by R = G whose key is ``of_generator`` G + ``of_point`` R."""
    s = of_point * G_X % ORDER
    message = -of_generator * G_X % ORDER
    return signed(message, G_X, s)


HALF = ORDER // 2
SPECIAL = [
    signed(0, G_X, 1),  # a message of zero: no multiple of the generator
    signed(ORDER, G_X, 1),
    signed(ORDER + 1, G_X, 1),
    signed(2**256 - 1, G_X, 1),
    signed(1, G_X, 1, 1),  # the other y
    signed(1, 0, 1),
    signed(1, 1, 0),
    signed(1, ORDER, 1),
    signed(1, ORDER - 1, ORDER - 1),
    signed(1, 1, ORDER),
    signed(1, G_X, HALF),
    signed(1, G_X, HALF + 1),
    signed(1, PRIME - ORDER, 1),  # r + n is p
    signed(1, PRIME - ORDER - 1, 1),
    signed(1, 5, 1),  # x of no point
    signed(1, G_X, 1, 2),
    # Points that meet in the sum: R is G, so that multiples of both are equal or opposite.
    *(with_scalars(a, b) for a in (1, 2, 3, 255, 256, 257) for b in (1, 2, 3, -1 % ORDER)),
    *(with_scalars(-b % ORDER, b) for b in (1, 2, 3, 15, 16, HALF, ORDER - 1)),  # infinity
    *(with_scalars(b, b) for b in (1, 15, 16, 17, HALF, LAMBDA, ORDER - 1)),
    # Scalars that the endomorphism splits into small halves.
    *(with_scalars(1, (b + c * LAMBDA) % ORDER) for b in (0, 1, 2, -1) for c in (1, 2, -1)),
    *(with_scalars(256**i * 2 % ORDER, 16**i % ORDER) for i in range(0, 32, 5)),
]  # fmt: skip


def test_special_cases_are_what_they_say() -> None:
    """Some belong to nobody for the sum is infinity, and the message of zero to somebody."""
    assert signer_by_libsecp256k1(SPECIAL[0]) is not None
    assert signer_by_libsecp256k1(with_scalars(ORDER - 2, 2)) is None
    assert signer_by_libsecp256k1(with_scalars(2, 2)) is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_long_run_of_random_signatures(seed: int) -> None:
    random = Random(seed)
    for _ in range(250):
        check([random_signature(random) for _ in range(1000)])
