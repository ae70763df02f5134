"""Random signatures by the million: recovery side by side and one by one against libsecp256k1.

    python -m tests.crypto.long_recovery --seed 1 --signatures 10000000

Says how many were a signature by somebody and how many by nobody; stops at the first that differs
and names it. The same seed gives the same signatures, whatever the processor.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from hashlib import shake_256
from time import monotonic

from coincurve._libsecp256k1 import ffi, lib

from blockstm._native.crypto.hashes import keccak256_many
from blockstm._native.crypto.recovery import recover_addresses

BATCH = 2048
ONE_BY_ONE_EVERY = 8  # batches: the form without vectors takes as long as the library
REPORT_SECONDS = 60

_CONTEXT = lib.secp256k1_context_create(1)
_UNCOMPRESSED = 2


def random_batch(seed: int, index: int) -> tuple[bytes, bytes, bytes]:
    """Messages, signatures and parities as `recover_addresses` takes them."""
    stream = shake_256(f"{seed}/{index}".encode()).digest(97 * BATCH)
    parities = bytes(each & 1 for each in stream[96 * BATCH :])
    return stream[: 32 * BATCH], stream[32 * BATCH : 96 * BATCH], parities


def keys_by_libsecp256k1(messages: bytes, signatures: bytes, parities: bytes) -> Iterator[bytes]:
    """The public key behind each signature, 64 bytes; nothing where there is none."""
    signature, key = (
        ffi.new("secp256k1_ecdsa_recoverable_signature *"),
        ffi.new("secp256k1_pubkey *"),
    )
    out, size = ffi.new("unsigned char[65]"), ffi.new("size_t *", 65)
    parse = lib.secp256k1_ecdsa_recoverable_signature_parse_compact
    for place, parity in enumerate(parities):
        compact = signatures[64 * place : 64 * place + 64]
        message = messages[32 * place : 32 * place + 32]
        is_known = parse(_CONTEXT, signature, compact, parity) and lib.secp256k1_ecdsa_recover(
            _CONTEXT, key, signature, message
        )
        if is_known:
            lib.secp256k1_ec_pubkey_serialize(_CONTEXT, out, size, key, _UNCOMPRESSED)
        yield bytes(ffi.buffer(out))[1:] if is_known else b""


def check_batch(seed: int, index: int) -> int:
    """How many of a batch are somebody's; AssertionError where the two do not agree."""
    batch = random_batch(seed, index)
    keys = list(keys_by_libsecp256k1(*batch))
    digests = keccak256_many(keys)
    expected = [digest[12:] if key else None for key, digest in zip(keys, digests, strict=True)]
    forms = [True, False] if index % ONE_BY_ONE_EVERY == 0 else [True]
    for side_by_side in forms:
        found = recover_addresses(*batch, side_by_side=side_by_side)
        if found == expected:
            continue
        place = next(i for i in range(BATCH) if found[i] != expected[i])
        raise AssertionError(
            f"seed {seed}, batch {index}, signature {place}, {side_by_side=}: "
            f"{found[place]!r}, and by libsecp256k1 {expected[place]!r}"
        )
    return sum(map(bool, keys))


def main() -> None:
    """Run until as many real signatures were recovered as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--signatures", type=int, default=10_000_000)
    wanted = parser.parse_args()
    known = index = 0
    started = reported = monotonic()
    while known < wanted.signatures:
        known += check_batch(wanted.seed, index)
        index += 1
        if monotonic() - reported > REPORT_SECONDS or known >= wanted.signatures:
            reported = monotonic()
            nobody = index * BATCH - known
            print(
                f"seed {wanted.seed}: {known:,} signatures by somebody and {nobody:,} by nobody "
                f"are equal, {reported - started:,.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
