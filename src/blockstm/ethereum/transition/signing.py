"""A transaction signed by a secret key, in plain Python: for the few that tools hand in unsigned.

Deterministic (RFC 6979), with the low s that Homestead asks for. A signature takes a millisecond
that depends on the key: this is for test keys, not for anybody's money.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from blockstm.ethereum.blocks.transaction import Transaction, TransactionType

__all__ = ["CURVE_ORDER", "public_point", "sign", "sign_hash"]

_FIELD: Final = 2**256 - 2**32 - 977
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_GENERATOR: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_Point = tuple[int, int]


def sign(transaction: Transaction, key: bytes, chain_id: int, *, protected: bool) -> Transaction:
    """A transaction with its signature.

    Args:
        transaction: whose signature is not read.
        key: a secret key, 32 bytes that are a number from 1 to the curve's order - 1.
        chain_id: of the chain that it is signed for.
        protected: whether a legacy one names the chain (EIP-155).
    """
    is_legacy = transaction.type == TransactionType.LEGACY
    named = chain_id if protected or not is_legacy else None
    unsigned = replace(transaction, chain_id=named)
    parity, r, s = sign_hash(unsigned.signing_hash, key)
    v = parity
    if is_legacy:
        v += 27 if named is None else 35 + 2 * named
    return replace(unsigned, v=v, r=r, s=s)


def sign_hash(message_hash: bytes, key: bytes) -> tuple[int, int, int]:
    """The parity, r and s of a signature of a hash."""
    secret, message = int.from_bytes(key, "big"), int.from_bytes(message_hash, "big")
    for nonce in _nonces(message_hash, key):
        x, y = public_point(nonce)
        r = x % CURVE_ORDER
        s = pow(nonce, -1, CURVE_ORDER) * (message + r * secret) % CURVE_ORDER
        if r and s and x < CURVE_ORDER:
            is_high = s > CURVE_ORDER // 2
            return (y & 1) ^ is_high, r, CURVE_ORDER - s if is_high else s
    raise AssertionError("RFC 6979 gives nonces without end")


def _nonces(message_hash: bytes, key: bytes) -> Iterator[int]:
    import hmac  # they load OpenSSL, which what is signed already does without
    from hashlib import sha256

    reduced = (int.from_bytes(message_hash, "big") % CURVE_ORDER).to_bytes(32, "big")
    chain, secret = b"\1" * 32, bytes(32)
    for mark in (b"\0", b"\1"):
        secret = hmac.digest(secret, chain + mark + key + reduced, sha256)
        chain = hmac.digest(secret, chain, sha256)
    while True:
        chain = hmac.digest(secret, chain, sha256)
        candidate = int.from_bytes(chain, "big")
        if 0 < candidate < CURVE_ORDER:
            yield candidate
        secret = hmac.digest(secret, chain + b"\0", sha256)
        chain = hmac.digest(secret, chain, sha256)


def public_point(number: int) -> _Point:
    """The point of a secret key: so many times the generator, the sum of its doubles that the
    number has bits for.

    In coordinates x/z², y/z³, so that one division at the end will do.
    """
    x, y, z = 0, 1, 0
    for bit, (other_x, other_y) in enumerate(_doubles()):
        if number >> bit & 1:
            x, y, z = _sum(x, y, z, other_x, other_y)
    inverse = pow(z, -1, _FIELD)
    return x * inverse**2 % _FIELD, y * inverse**3 % _FIELD


@cache
def _doubles() -> tuple[_Point, ...]:
    """The generator doubled 0 to 255 times."""
    points = [_GENERATOR]
    for _ in range(255):
        x, y = points[-1]
        slope = 3 * x * x * pow(2 * y, -1, _FIELD)
        double = (slope * slope - 2 * x) % _FIELD
        points.append((double, (slope * (x - double) - y) % _FIELD))
    return tuple(points)


def _sum(x: int, y: int, z: int, other_x: int, other_y: int) -> tuple[int, int, int]:
    """Of two points that are neither the same nor each other's negative."""
    if not z:
        return other_x, other_y, 1
    z2 = z * z % _FIELD
    run = (other_x * z2 - x) % _FIELD
    rise = (other_y * z2 * z - y) % _FIELD
    run2 = run * run % _FIELD
    run3 = run2 * run % _FIELD
    middle = x * run2 % _FIELD
    new_x = (rise * rise - run3 - 2 * middle) % _FIELD
    return new_x, (rise * (middle - new_x) - y * run3) % _FIELD, z * run % _FIELD
