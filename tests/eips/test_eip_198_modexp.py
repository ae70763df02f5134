"""EIP-198 (Byzantium): big modular exponentiation, at the price that it had until EIP-2565."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, precompile, since
from tests.evm.world_blocks import words

MODEXP = 5
P = 2**256 - 2**32 - 977
UP_TO_BERLIN = since("byzantium", until="berlin")


def data(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return words(len(base), len(exponent), len(modulus)) + base + exponent + modulus


@pytest.mark.parametrize("fork", since("byzantium"))
def test_fermats_little_theorem(fork: str) -> None:
    """The EIP's first two examples; without a base, what follows is the exponent at once."""
    called = precompile(fork, MODEXP, data(b"\x03", words(P - 1), words(P)))
    assert (called.succeeded, called.output) == (True, words(1))
    called = precompile(fork, MODEXP, data(b"", words(P - 1), words(P)))
    assert (called.succeeded, called.output) == (True, words(0))


@pytest.mark.parametrize("fork", since("byzantium"))
def test_data_is_filled_up_with_zeros_and_cut(fork: str) -> None:
    """The EIP's last two examples: 3**65535 % 2**255 with a byte too many, and 31 too few."""
    expected = words(pow(3, 65535, 2**255))
    whole = data(b"\x03", b"\xff\xff", words(2**255))
    assert precompile(fork, MODEXP, whole + b"\x07").output == expected
    assert precompile(fork, MODEXP, whole[:-31]).output == expected


@pytest.mark.parametrize("fork", since("byzantium"))
def test_edges(fork: str) -> None:
    def result(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
        size = len(modulus)
        called = precompile(fork, MODEXP, data(base, exponent, modulus), output=size + 1)
        assert called.succeeded
        assert called.output[size:] == b"\0"  # it returns as many bytes as the modulus has
        return called.output[:size]

    assert result(b"\x02", b"\x05", b"\0\0\x64") == b"\0\0\x20"
    assert result(b"\0", b"\0", b"\x05") == b"\x01"  # 0**0 is 1
    assert result(b"\x07", b"", b"\x05") == b"\x01"
    assert result(b"\x07", b"\x03", b"\0\0") == b"\0\0"  # nothing is left modulo 0
    assert result(b"\x07", b"\0", b"\x01") == b"\0"
    assert result(b"\x07", b"\x03", b"") == b""


@pytest.mark.parametrize("fork", since("byzantium"))
@pytest.mark.parametrize(
    "lengths", [(0, 32, 2**256 - 1), (2**256 - 1, 32, 1), (1, 2**256 - 1, 1), (2**64, 0, 2**64)]
)
def test_lengths_that_nobody_can_pay_fail(fork: str, lengths: tuple[int, ...]) -> None:
    """The EIP's third example, and the like."""
    called = precompile(fork, MODEXP, words(*lengths, 2**256 - 2, 2**256 - 3))
    assert (called.succeeded, called.gas) == (False, 10_000_000)


# (bytes of the base, exponent, bytes of the modulus) → floor(complexity * bits / 20).
PRICES = {
    "Fermat": (1, words(P - 1), 32, 13_056),
    "one bit counts as one": (32, b"\x01", 32, 1024 // 20),
    "the exponent 0 too": (32, b"\0", 32, 1024 // 20),
    "no exponent too": (32, b"", 32, 1024 // 20),
    "two bits count as one": (32, b"\x03", 32, 1024 // 20),
    "255 is 7 bits": (32, b"\xff", 32, 1024 * 7 // 20),
    "256 is 8 bits": (32, b"\x01\x00", 32, 1024 * 8 // 20),
    "RSA of 4096 bits with 3": (512, b"\x03", 512, 5_580),
    "RSA of 4096 bits with 65537": (512, b"\x01\0\x01", 512, 89_292),
    "64 bytes": (64, b"\x03", 1, 4096 // 20),
    "65 bytes": (1, b"\x03", 65, (65 * 65 // 4 + 96 * 65 - 3072) // 20),
    "1024 bytes": (1024, b"\x03", 0, (1024 * 1024 // 4 + 96 * 1024 - 3072) // 20),
    "1025 bytes": (1025, b"\x03", 0, (1025 * 1025 // 16 + 480 * 1025 - 199_680) // 20),
    "100 bytes of exponent": (32, b"\0\0\x01" + bytes(97), 32, 1024 * (8 * 68 + 232) // 20),
    "its first 32 bytes are 0": (32, bytes(32) + b"\xff" * 68, 32, 1024 * 8 * 68 // 20),
    "33 bytes of exponent": (32, b"\x01" + bytes(32), 32, 1024 * (8 + 248) // 20),
    "nothing at all": (0, b"", 0, 0),
}


@pytest.mark.parametrize("name", PRICES)
def test_prices(name: str) -> None:
    base, exponent, modulus, price = PRICES[name]
    given = data(b"\x02" * base, exponent, b"\x05" * modulus)
    for fork in UP_TO_BERLIN:
        called = precompile(fork, MODEXP, given)
        assert (called.succeeded, called.gas) == (True, price)
        if price:
            assert not precompile(fork, MODEXP, given, gas=price - 1).succeeded
        assert precompile(fork, MODEXP, given, gas=price).succeeded


def test_the_price_changed_with_berlin() -> None:
    """EIP-2565 asks for 200 at the least, and for a third."""
    given = data(b"\x03", words(P - 1), words(P))
    assert precompile("istanbul", MODEXP, given).gas == 13_056
    assert precompile("berlin", MODEXP, given).gas == 16 * 255 // 3


@pytest.mark.parametrize("fork", before("byzantium"))
def test_there_was_nothing_at_its_address(fork: str) -> None:
    called = precompile(fork, MODEXP, data(b"\x03", b"\x01", b"\x05"))
    assert (called.succeeded, called.gas, called.output) == (True, 0, bytes(32))
