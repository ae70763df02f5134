"""MODEXP against Python's ``pow``, its gas against the formulas of each EIP, and its lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evm.precompile_inputs import FAILURE, MODEXP, Called, call, words

HUGE = [2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**128, 2**256 - 1]


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return words(len(base), len(exponent), len(modulus)) + base + exponent + modulus


def expected_output(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    b, e, m = (int.from_bytes(number, "big") for number in (base, exponent, modulus))
    return (pow(b, e, m) if m else 0).to_bytes(len(modulus), "big")


def expected_gas(fork: str, base_size: int, exponent: bytes, modulus_size: int) -> int:
    """The formulas of EIP-198, EIP-2565 and EIP-7883."""
    longest = max(base_size, modulus_size)
    squared_words = ((longest + 7) // 8) ** 2
    head = int.from_bytes(exponent[:32], "big").bit_length()
    per_byte = 16 if fork == "osaka" else 8
    iterations = max(1, per_byte * max(0, len(exponent) - 32) + max(0, head - 1))
    if fork == "osaka":
        return max(500, (16 if longest <= 32 else 2 * squared_words) * iterations)
    if fork == "berlin":
        return max(200, squared_words * iterations // 3)
    if longest <= 64:
        complexity = longest**2
    elif longest <= 1024:
        complexity = longest**2 // 4 + 96 * longest - 3072
    else:
        complexity = longest**2 // 16 + 480 * longest - 199680
    return complexity * iterations // 20


sizes = st.integers(0, 70) | st.sampled_from([31, 32, 33, 64, 65, 96, 256])
numbers = sizes.flatmap(lambda size: st.binary(min_size=size, max_size=size))
numbers |= st.integers(0, 40).map(bytes)
numbers |= st.tuples(st.integers(0, 40).map(bytes), numbers).map(b"".join)


@given(numbers, numbers, numbers, st.sampled_from(["byzantium", "berlin", "osaka"]))
def test_modexp_is_pow(base: bytes, exponent: bytes, modulus: bytes, fork: str) -> None:
    data = modexp_input(base, exponent, modulus)
    gas = expected_gas(fork, len(base), exponent, len(modulus))
    expected = Called("success", gas, expected_output(base, exponent, modulus))
    assert call(MODEXP, data, fork) == expected
    assert call(MODEXP, data + b"\7more", fork) == expected
    assert call(MODEXP, data, fork, gas=gas) == expected
    if gas:
        assert call(MODEXP, data, fork, gas=gas - 1).status == "failure"


PRIMES = [
    0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47,  # BN254's fields
    0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001,
    2**256 - 2**32 - 977,  # secp256k1's
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    2**256 - 2**224 + 2**192 + 2**96 - 1,  # P-256's
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001,  # scalars of BLS12-381
    2**255 - 19,
    3,
]


@given(st.sampled_from(PRIMES), st.integers(0, 2**256 - 1), st.integers(-3, 3), st.integers(-3, 3))
def test_inverses_modulo_primes(prime: int, base: int, beside: int, modulus_beside: int) -> None:
    """Powers by a prime less 2, which are inverses, and powers near them, which are not."""
    modulus = max(prime + modulus_beside, 0) % 2**256
    exponent = max(prime - 2 + beside, 0)
    for number in (base, base % prime, 0, 1, prime - 1, prime, 2**256 - 1):
        data = words(32, 32, 32, number, exponent, modulus)
        expected = pow(number, exponent, modulus) if modulus else 0
        assert call(MODEXP, data).output == words(expected)


@given(
    st.integers(0, 2**256 - 1),
    st.integers(0, 256).flatmap(lambda bits: st.integers(0, 2**bits - 1)),
    st.integers(1, 256).flatmap(lambda bits: st.integers(0, 2**bits - 1)),
    st.sampled_from([32, 40]),
)
def test_modexp_of_words(base: int, exponent: int, modulus: int, size: int) -> None:
    """Moduli of any size, odd and even, in words and in what is longer by zeros."""
    numbers = base.to_bytes(size, "big"), exponent.to_bytes(size, "big"), words(modulus)
    expected = pow(base, exponent, modulus) if modulus else 0
    assert call(MODEXP, modexp_input(*numbers)).output == words(expected)


@given(numbers, numbers, numbers, st.integers(1, 300))
def test_the_input_goes_on_as_zeros(
    base: bytes, exponent: bytes, modulus: bytes, missing: int
) -> None:
    data = modexp_input(base, exponent, modulus)
    cut = data[: max(96, len(data) - missing)]
    assert call(MODEXP, cut) == call(MODEXP, cut.ljust(len(data), b"\0"))


@pytest.mark.parametrize("size", [1024, 1025, 2000])
@pytest.mark.parametrize("fork", ["byzantium", "berlin"])
def test_gas_of_long_numbers(fork: str, size: int) -> None:
    base, exponent, modulus = b"\2" * size, b"\3" * 40, b"\5" * (size - 1)
    expected = expected_output(base, exponent, modulus)
    gas = expected_gas(fork, size, exponent, size - 1)
    assert call(MODEXP, modexp_input(base, exponent, modulus), fork) == ("success", gas, expected)


@pytest.mark.parametrize("place", range(3))
def test_osaka_refuses_lengths_above_1024(place: int) -> None:
    sizes = [1, 1, 1]
    sizes[place] = 1024
    assert call(MODEXP, words(*sizes) + bytes([3]) * 1026).status == "success"
    sizes[place] = 1025
    assert call(MODEXP, words(*sizes) + bytes([3]) * 1027) == FAILURE
    assert call(MODEXP, words(*sizes) + bytes([3]) * 1027, "prague").status == "success"


@pytest.mark.parametrize("fork", ["byzantium", "berlin", "osaka"])
@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize("place", [0, 2])
def test_what_nobody_can_pay_is_refused_at_once(fork: str, size: int, place: int) -> None:
    sizes = [1, 1, 1]
    sizes[place] = size
    assert call(MODEXP, words(*sizes), fork) == FAILURE
    assert call(MODEXP, words(*sizes), fork, gas=10**15) == ("failure", 10**15, b"")


def test_gas_does_not_wrap() -> None:
    """The product of the lengths is 2 ** 128, which no machine's number holds."""
    assert call(MODEXP, words(2**35, 2**61 + 32, 0), "berlin") == FAILURE
    assert call(MODEXP, words(2**35, 2**61 + 32, 0), "byzantium") == FAILURE


@pytest.mark.parametrize("size", HUGE)
def test_an_exponent_without_numbers_costs_nothing_before_osaka(size: int) -> None:
    assert call(MODEXP, words(0, size, 0), "byzantium") == ("success", 0, b"")
    assert call(MODEXP, words(0, size, 0), "berlin") == ("success", 200, b"")
    assert call(MODEXP, words(0, size, 0), "osaka") == FAILURE
    assert call(MODEXP, words(1, size, 0), "berlin") == FAILURE
    assert call(MODEXP, words(0, size, 1), "berlin") == FAILURE


def test_a_base_too_long_to_read_hides_the_exponent() -> None:
    # The exponent's first bytes would stand beyond any input: they are zeros.
    data = words(2**20, 32, 0) + b"\xff" * 64
    longest_words = 2**17
    assert call(MODEXP, data, "berlin", gas=10**11).gas_used == longest_words**2 // 3


def test_numbers_longer_than_a_machine_holds_are_no_crash() -> None:
    done = call(MODEXP, words(0, 0, 2**27), "berlin", gas=2**62)
    assert done.status == "no memory"
    assert done.output == b""
