"""Keys and signatures for generated blocks: quick to make, and good for nothing else.

Recovering them takes what any takes: each has a key and a nonce of its own. Both follow a pattern
that everybody can guess, so that a signature is a handful of products in Python; no library signs
for a benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from blockstm._native.crypto.recovery import recover_addresses
from blockstm.types import Address

__all__ = ["Signer", "addresses_of_keys"]

_PRIME: Final = 2**256 - 2**32 - 977
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_GENERATOR: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_KEY_STEP: Final = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95

_Point = tuple[int, int]


def addresses_of_keys(keys: list[int], *, threads: int = 1) -> list[Address]:
    """The addresses whose transactions the keys sign.

    Recovery computes (s / r) R - (z / r) G: with R = G, z = 0 and s = key * r that is key * G.
    """
    r = _GENERATOR[0]
    signatures = b"".join(
        r.to_bytes(32, "big") + (key * r % _ORDER).to_bytes(32, "big") for key in keys
    )
    found = recover_addresses(bytes(32 * len(keys)), signatures, bytes(len(keys)), threads=threads)
    return [Address(cast(bytes, address)) for address in found]


class Signer:
    """Hands out keys, and signs with them; each nonce is used once. Belongs to one thread.

    >>> signer = Signer()
    >>> [key] = signer.new_keys(1)
    >>> parity, r, s = signer.sign(bytes(range(32)), key)
    >>> compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    >>> recover_addresses(bytes(range(32)), compact, bytes([parity])) == addresses_of_keys([key])
    True
    """

    def __init__(self) -> None:
        self._key_count = 0
        self._points = _multiples()

    def new_keys(self, count: int) -> list[int]:
        """Keys that were not handed out before."""
        first = self._key_count + 1
        self._key_count += count
        return [number * _KEY_STEP % _ORDER for number in range(first, first + count)]

    def sign(self, message_hash: bytes, key: int) -> tuple[int, int, int]:
        """Parity, r and s, of which s is up to half the order (EIP-2)."""
        nonce, (x, y) = next(self._points)
        r = x % _ORDER
        s = (int.from_bytes(message_hash, "big") + r * key) * pow(nonce, -1, _ORDER) % _ORDER
        parity = y % 2
        return (1 - parity, r, _ORDER - s) if s > _ORDER // 2 else (parity, r, s)


def _multiples() -> Iterator[tuple[int, _Point]]:
    """Twice the generator, three times, and so on, each with its number."""
    point, number = _doubled(_GENERATOR), 2
    while True:
        yield number, point
        point, number = _sum(point, _GENERATOR), number + 1


def _doubled(point: _Point) -> _Point:
    x, y = point
    return _along(3 * x * x * pow(2 * y, -1, _PRIME), point, x)


def _sum(left: _Point, right: _Point) -> _Point:
    slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, _PRIME)
    return _along(slope, left, right[0])


def _along(slope: int, start: _Point, other_x: int) -> _Point:
    """The third point of the curve on a line, mirrored."""
    x = (slope * slope - start[0] - other_x) % _PRIME
    return x, (slope * (start[0] - x) - start[1]) % _PRIME
