"""Keys that sign what tests hand in; no test of its own.

By eth-keys, which asks libsecp256k1 where coincurve has a wheel for this Python, and signs in
Python elsewhere.
"""

from __future__ import annotations

from functools import cached_property

from eth_keys.datatypes import PrivateKey

__all__ = ["Key"]


class Key:
    """A private key of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)

    @cached_property
    def address(self) -> bytes:
        """Whose transactions it signs."""
        return bytes(self._key.public_key.to_canonical_address())

    @cached_property
    def public(self) -> bytes:
        """The public key, uncompressed: 4, x, y."""
        return b"\4" + bytes(self._key.public_key.to_bytes())

    def sign(self, hash_: bytes) -> tuple[int, int, int]:
        """r, s and the parity of y."""
        signature = self._key.sign_msg_hash(hash_)
        return signature.r, signature.s, signature.v
