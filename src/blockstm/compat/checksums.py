"""Addresses as text: in mixed case (EIP-55), or as they come."""

from __future__ import annotations

from functools import lru_cache

from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief

__all__ = ["address_of", "checksummed"]

_ADDRESS_SIZE = 20
_EIGHT = 8


@lru_cache(maxsize=4096)
def address_of(text: str) -> bytes:
    """The 20 bytes of an address in hexadecimal, with or without 0x, in any case.

    Raises:
        TypeError: it is none.
    """
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError):
        address = b""
    if len(address) != _ADDRESS_SIZE:
        raise TypeError(f"an address is a string of 40 hexadecimal digits, not {brief(text)}")
    return address


def checksummed(address: bytes) -> str:
    """An address in mixed case (EIP-55)."""
    digits = address.hex()
    hashed = keccak(digits.encode()).hex()
    pairs = zip(digits, hashed, strict=False)
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= _EIGHT else digit for digit, nibble in pairs
    )
