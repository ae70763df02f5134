"""The EVM's word against Python's integers: every operation, edge values first."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm._native.lab import words

BITS = 256
SIZE = 1 << BITS
MAX = SIZE - 1
SIGN = 1 << (BITS - 1)
LIMB = 1 << 64


def signed(word: int) -> int:
    return word - SIZE if word & SIGN else word


def unsigned(number: int) -> int:
    return number % SIZE


def sdiv(a: int, b: int) -> int:
    if b == 0:
        return 0
    quotient = abs(signed(a)) // abs(signed(b))
    return unsigned(quotient if (a & SIGN) == (b & SIGN) else -quotient)


def smod(a: int, b: int) -> int:
    if b == 0:
        return 0
    remainder = abs(signed(a)) % abs(signed(b))
    return unsigned(-remainder if a & SIGN else remainder)


def signextend(position: int, word: int) -> int:
    if position > 30:
        return word
    sign = 1 << (8 * position + 7)
    low = word & (2 * sign - 1)
    return unsigned(low - 2 * sign) if low & sign else low


def address(word: int) -> int:
    return word % (1 << 160)


UNARY: dict[str, Callable[[int], int]] = {
    "not": lambda a: MAX - a,
    "neg": lambda a: unsigned(-a),
    "iszero": lambda a: int(a == 0),
    "fits_u64": lambda a: int(a < LIMB),
    "clz": lambda a: BITS - a.bit_length(),
    "bit_length": lambda a: a.bit_length(),
    "byte_length": lambda a: (a.bit_length() + 7) // 8,
    "address": address,
}

BINARY: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: unsigned(a + b),
    "sub": lambda a, b: unsigned(a - b),
    "mul": lambda a, b: unsigned(a * b),
    "div": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0,
    "sdiv": sdiv,
    "smod": smod,
    "exp": lambda a, b: pow(a, b, SIZE),
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "eq": lambda a, b: int(a == b),
    "lt": lambda a, b: int(a < b),
    "gt": lambda a, b: int(a > b),
    "le": lambda a, b: int(a <= b),
    "ge": lambda a, b: int(a >= b),
    "slt": lambda a, b: int(signed(a) < signed(b)),
    "sgt": lambda a, b: int(signed(a) > signed(b)),
    "shl": lambda a, b: unsigned(b << a) if a < BITS else 0,
    "shr": lambda a, b: b >> a if a < BITS else 0,
    "sar": lambda a, b: unsigned(signed(b) >> min(a, BITS)),
    "byte": lambda a, b: b.to_bytes(32, "big")[a] if a < 32 else 0,
    "signextend": signextend,
}

TERNARY: dict[str, Callable[[int, int, int], int]] = {
    "addmod": lambda a, b, m: (a + b) % m if m else 0,
    "mulmod": lambda a, b, m: a * b % m if m else 0,
}

EDGE_LIMBS = (0, 1, 2, LIMB // 2 - 1, LIMB // 2, LIMB // 2 + 1, LIMB - 2, LIMB - 1)

# The words that programs meet most, and one of each kind that an implementation treats apart.
EDGE_WORDS = sorted(
    {
        *range(34),
        *(
            value % SIZE
            for bit in (
                7,
                8,
                31,
                32,
                63,
                64,
                65,
                127,
                128,
                129,
                159,
                160,
                191,
                192,
                193,
                254,
                255,
                256,
            )
            for value in ((1 << bit) - 1, 1 << bit, (1 << bit) + 1, -(1 << bit), -(1 << bit) - 1)
        ),
        10**18,
        # Moduli: secp256k1, its order, BN254, its order, curve 25519.
        SIZE - (1 << 32) - 977,
        SIZE - 432420386565659656852420866394968145599,
        21888242871839275222246405745257275088696311157297823662689037894645226208583,
        21888242871839275222246405745257275088548364400416034343698204186575808495617,
        (1 << 255) - 19,
    }
)


def from_limbs(limbs: list[int]) -> int:
    return sum(limb << (64 * place) for place, limb in enumerate(limbs))


limb_values = st.one_of(st.sampled_from(EDGE_LIMBS), st.integers(0, LIMB - 1))
word_values = st.one_of(
    st.sampled_from(EDGE_WORDS),
    st.lists(limb_values, max_size=4).map(from_limbs),
    st.integers(0, MAX),
)


@st.composite
def divisions(draw: st.DrawFn) -> tuple[int, int]:
    """A dividend that is a multiple of the divisor, or nearly: there digits need correcting."""
    divisor = draw(word_values)
    if divisor == 0:
        return draw(word_values), 0
    quotient = draw(word_values) % (MAX // divisor + 1)
    room = MAX - quotient * divisor
    rest = draw(st.sampled_from([0, 1, divisor - 1, divisor // 2])) % divisor
    return quotient * divisor + min(rest, room), divisor


@pytest.mark.parametrize("operation", UNARY)
def test_one_operand_edges(operation: str) -> None:
    expected = UNARY[operation]
    for a in EDGE_WORDS:
        assert words.unary(operation, a) == expected(a), hex(a)


@pytest.mark.parametrize("operation", BINARY)
def test_two_operand_edges(operation: str) -> None:
    expected = BINARY[operation]
    for a, b in product(EDGE_WORDS, repeat=2):
        assert words.binary(operation, a, b) == expected(a, b), (hex(a), hex(b))


@pytest.mark.parametrize("operation", TERNARY)
def test_three_operand_edges(operation: str) -> None:
    expected = TERNARY[operation]
    some = EDGE_WORDS[::7]
    for a, b, modulus in product(some, some, EDGE_WORDS):
        got = words.ternary(operation, a, b, modulus)
        assert got == expected(a, b, modulus), (hex(a), hex(b), hex(modulus))


@pytest.mark.parametrize("operation", UNARY)
def test_one_operand(operation: str) -> None:
    @given(word_values)
    def holds(a: int) -> None:
        assert words.unary(operation, a) == UNARY[operation](a)

    holds()


@pytest.mark.parametrize("operation", BINARY)
def test_two_operands(operation: str) -> None:
    @settings(max_examples=60)
    @given(word_values, word_values)
    def holds(a: int, b: int) -> None:
        assert words.binary(operation, a, b) == BINARY[operation](a, b)

    holds()


@pytest.mark.parametrize("operation", TERNARY)
def test_three_operands(operation: str) -> None:
    @settings(max_examples=200)
    @given(word_values, word_values, word_values)
    def holds(a: int, b: int, modulus: int) -> None:
        assert words.ternary(operation, a, b, modulus) == TERNARY[operation](a, b, modulus)

    holds()


@settings(max_examples=400)
@given(divisions())
def test_division_where_digits_need_correcting(case: tuple[int, int]) -> None:
    dividend, divisor = case
    expected = divmod(dividend, divisor) if divisor else (0, 0)
    assert words.divmod_words(dividend, divisor) == expected


@settings(max_examples=200)
@given(word_values, word_values, word_values, st.sampled_from([0, 1, 2, -1, -2]))
def test_products_next_to_a_multiple_of_the_modulus(
    left: int, right: int, modulus: int, offset: int
) -> None:
    """left * right = -1, 0, 1 ... modulo a divisor of what is next to the product."""
    if modulus == 0:
        return
    left = left // modulus * modulus
    assert words.ternary("mulmod", left, right, modulus) == 0
    shifted = unsigned(left + offset)
    assert words.ternary("mulmod", shifted, right, modulus) == shifted * right % modulus


def random_limb(rng: random.Random) -> int:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(EDGE_LIMBS)
    if kind == 1:
        return rng.getrandbits(rng.randrange(1, 65))
    return rng.getrandbits(64)


def random_words(rng: random.Random) -> Iterator[int]:
    while True:
        yield from_limbs([random_limb(rng) for _ in range(rng.randrange(1, 5))])


def test_many_divisions() -> None:
    """Hypothesis looks for simple cases; this meets each branch many times."""
    rng = random.Random(7)
    source = random_words(rng)
    for _ in range(20_000):
        a, b, m = next(source), next(source), next(source)
        if rng.randrange(3) == 0:  # next to a multiple
            a = unsigned(next(source) * b + rng.choice([-1, 0, 1, b - 1]))
        assert words.divmod_words(a, b) == (divmod(a, b) if b else (0, 0)), (hex(a), hex(b))
        for operation, expected in TERNARY.items():
            got = words.ternary(operation, a, b, m)
            assert got == expected(a, b, m), (operation, hex(a), hex(b), hex(m))


def test_a_modulus_that_stays() -> None:
    """What is remembered of one modulus is not used for another."""
    rng = random.Random(11)
    source = random_words(rng)
    moduli = [next(source) for _ in range(3)] + [MAX, MAX - 1, SIGN, EDGE_WORDS[-9]]
    for _ in range(3_000):
        modulus = rng.choice(moduli)
        for _ in range(rng.randrange(1, 5)):
            a, b = next(source), next(source)
            got = words.ternary("mulmod", a, b, modulus)
            assert got == TERNARY["mulmod"](a, b, modulus), (hex(a), hex(b), hex(modulus))


@given(st.binary(max_size=32))
def test_bytes_are_big_endian(data: bytes) -> None:
    assert words.load(data) == int.from_bytes(data, "big")
