"""Secret keys from words: a seed (BIP-39), and the accounts derived from it (BIP-32, BIP-44)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from unicodedata import normalize

from blockstm.errors import ConfigError
from blockstm.ethereum.transition.signing import CURVE_ORDER, public_point
from blockstm.messages import brief

__all__ = ["keys_at", "keys_of"]

_ROUNDS: Final = 2048
_HARDENED: Final = 1 << 31
_ACCOUNTS: Final = "m/44'/60'/0'/0"


def keys_of(mnemonic: str, count: int) -> list[bytes]:
    """The first secret keys of a mnemonic, at m/44'/60'/0'/0/0 and on.

    Whether its words are of a list, and their checksum, is not asked.

    >>> keys_of("test test test test test test test test test test test junk", 1)[0].hex()[:8]
    'ac0974be'
    """
    return keys_at(mnemonic, _ACCOUNTS, count)


def keys_at(mnemonic: str, path: str, count: int) -> list[bytes]:
    """The first secret keys below a path, such as ``m/44'/60'/0'/0``.

    Raises:
        ConfigError: it is no path.
    """
    words = normalize("NFKD", " ".join(mnemonic.split())).encode()
    seed = hashlib.pbkdf2_hmac("sha512", words, b"mnemonic", _ROUNDS)
    node = _halves(hmac.digest(b"Bitcoin seed", seed, "sha512"))
    for index in _indices(path):
        node = _child(*node, index)
    return [_child(*node, index)[0].to_bytes(32, "big") for index in range(count)]


def _indices(path: str) -> list[int]:
    if not re.fullmatch(r"m(/[0-9]{1,9}'?)*", path):
        raise ConfigError(f"a path of keys is like m/44'/60'/0'/0, not {brief(path)}")
    steps = path.split("/")[1:]
    return [int(each.rstrip("'")) + _HARDENED * each.endswith("'") for each in steps]


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
