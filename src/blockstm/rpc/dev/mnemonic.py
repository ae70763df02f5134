"""Secret keys from words: a seed (BIP-39), and the accounts derived from it (BIP-32, BIP-44)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from unicodedata import normalize

from blockstm.ethereum.transition.signing import CURVE_ORDER, public_point

__all__ = ["keys_of"]

_ROUNDS: Final = 2048
_HARDENED: Final = 1 << 31
_ACCOUNTS: Final = (44 + _HARDENED, 60 + _HARDENED, _HARDENED, 0)  # m/44'/60'/0'/0


def keys_of(mnemonic: str, count: int) -> list[bytes]:
    """The first secret keys of a mnemonic, at m/44'/60'/0'/0/0 and on.

    Whether its words are of a list, and their checksum, is not asked.

    >>> keys_of("test test test test test test test test test test test junk", 1)[0].hex()[:8]
    'ac0974be'
    """
    words = normalize("NFKD", " ".join(mnemonic.split())).encode()
    seed = hashlib.pbkdf2_hmac("sha512", words, b"mnemonic", _ROUNDS)
    node = _halves(hmac.digest(b"Bitcoin seed", seed, "sha512"))
    for index in _ACCOUNTS:
        node = _child(*node, index)
    return [_child(*node, index)[0].to_bytes(32, "big") for index in range(count)]


def _halves(digest: bytes) -> tuple[int, bytes]:
    return int.from_bytes(digest[:32], "big"), digest[32:]


def _child(key: int, chain_code: bytes, index: int) -> tuple[int, bytes]:
    """The key and the chain code below a key (BIP-32)."""
    if index >= _HARDENED:
        parent = b"\0" + key.to_bytes(32, "big")
    else:
        x, y = public_point(key)
        parent = bytes([2 + (y & 1)]) + x.to_bytes(32, "big")
    tweak, below = _halves(hmac.digest(chain_code, parent + index.to_bytes(4, "big"), "sha512"))
    return (key + tweak) % CURVE_ORDER, below
