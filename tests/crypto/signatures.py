"""Signatures to recover, and who libsecp256k1 says signed them; no test of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest
from tests.keys import Key

from blockstm.ethereum import Transaction
from blockstm.ethereum.codecs.hashing import keccak

__all__ = [
    "ORDER",
    "Signed",
    "joined",
    "random_signature",
    "signed_transactions",
    "signer_by_libsecp256k1",
]

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_UNCOMPRESSED = 2


class Signed(NamedTuple):
    """A message's hash and its signature, as they come."""

    message: bytes
    r: int
    s: int
    parity: int


def joined(signatures: Sequence[Signed]) -> tuple[bytes, bytes, bytes]:
    """The arguments of `recover_addresses`."""
    return (
        b"".join(each.message for each in signatures),
        b"".join(number.to_bytes(32, "big") for each in signatures for number in (each.r, each.s)),
        bytes(each.parity for each in signatures),
    )


def random_signature(random: Random) -> Signed:
    """Numbers of which about half are a signature by somebody."""
    return Signed(
        random.randbytes(32),
        random.getrandbits(256),
        random.getrandbits(256),
        random.getrandbits(1),
    )


@cache
def _library() -> tuple[Any, Any, Any]:
    """Of coincurve: what makes C values, the functions, a context."""
    module = pytest.importorskip("coincurve._libsecp256k1", reason="no wheel for this Python")
    return module.ffi, module.lib, module.lib.secp256k1_context_create(1)


def signer_by_libsecp256k1(signed: Signed) -> bytes | None:
    """Whose signature it is; None if nobody's. Skips where the library has no wheel."""
    ffi, lib, context = _library()
    if signed.parity > 1:
        return None
    signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
    key = ffi.new("secp256k1_pubkey *")
    compact = signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big")
    parse = lib.secp256k1_ecdsa_recoverable_signature_parse_compact
    if not parse(context, signature, compact, signed.parity):
        return None
    if not lib.secp256k1_ecdsa_recover(context, key, signature, signed.message):
        return None
    out, size = ffi.new("unsigned char[65]"), ffi.new("size_t *", 65)
    lib.secp256k1_ec_pubkey_serialize(context, out, size, key, _UNCOMPRESSED)
    return keccak(bytes(ffi.buffer(out))[1:])[12:]


def signed_transactions(count: int) -> tuple[list[Transaction], list[bytes]]:
    """Transactions by as many keys, and the senders."""
    keys = [Key((place + 1).to_bytes(32, "big")) for place in range(count)]
    return [_signed(key, place) for place, key in enumerate(keys)], [key.address for key in keys]


def _signed(key: Key, nonce: int) -> Transaction:
    unsigned = Transaction(
        type=2, nonce=nonce, gas=21_000, to=bytes(20), value=1, data=b"",
        v=0, r=0, s=0, chain_id=1, max_fee_per_gas=7,
    )  # fmt: skip
    r, s, v = key.sign(unsigned.signing_hash)
    return replace(unsigned, v=v, r=r, s=s)
