"""Senders and authorities recovered from signatures, in parallel, once for each.

What was signed is read off a transaction's encoding natively, hashed and recovered, many side by
side and in as many threads as asked for, all without the GIL. A sender that was recovered before
is known by the transaction's hash, wherever that was: in a prepared block, or in a pool of
transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol, cast

from blockstm._native.crypto.hashes import keccak256_many
from blockstm._native.crypto.recovery import recover_addresses
from blockstm._native.wire.signers import kept_encodings, may_be_signed, recover_signers
from blockstm.cores import usable_cores
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.transaction import Authorization, Transaction, TransactionType
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Address

__all__ = [
    "Authorized",
    "address_of_key",
    "find_senders",
    "recover_authorities",
    "recover_sender",
    "recover_senders",
    "signature_violation",
]

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_GENERATOR_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
_AUTHORIZATION_MAGIC = b"\x05"


def address_of_key(secret_key: bytes, place: str = "secretKey") -> Address:
    """The address whose transactions a secret key signs.

    Raises:
        DecodeError: it is no number from 1 to the curve's order - 1.
    """
    number = int.from_bytes(secret_key, "big")
    if len(secret_key) != 32 or not 0 < number < _CURVE_ORDER:
        raise DecodeError(f"{place}: not the 32 bytes of a key", place)
    # Recovery computes (s / r) R - (z / r) G: with R = G, z = 0 and s = key * r that is key * G.
    s = number * _GENERATOR_X % _CURVE_ORDER
    signature = _GENERATOR_X.to_bytes(32, "big") + s.to_bytes(32, "big")
    [address] = recover_addresses(bytes(32), signature, bytes(1))
    return Address(cast(bytes, address))


class Authorized(Protocol):
    """What carries authorizations: a transaction, a message."""

    @property
    def authorizations(self) -> Sequence[Authorization]: ...


class Signature(NamedTuple):
    """A signing hash and its signature; ``parity`` is 0 or 1."""

    message_hash: bytes
    r: int
    s: int
    parity: int


def recover_senders(
    transactions: Sequence[Transaction],
    place: str = "transactions",
    workers: int | None = None,
    *,
    high_s_allowed: bool = True,
) -> list[Address]:
    """The sender of each transaction.

    ``workers`` threads share the work, by default as many as there are usable cores. Those that are
    known from before are not recovered again. ``high_s_allowed`` says whether s may be above half
    the curve's order: it may not from Homestead on (EIP-2).

    Raises:
        DecodeError: a signature belongs to no key; the message names ``place`` and index.
    """
    senders = find_senders(transactions, workers, high_s_allowed=high_s_allowed)
    violation = signature_violation(transactions, senders, high_s_allowed=high_s_allowed)
    if violation is not None:
        raise _nobody(f"{place}[{violation.index}]", violation)
    return cast(list[Address], senders)


def recover_sender(transaction: Transaction, place: str) -> Address:
    """The sender of one transaction.

    Raises:
        DecodeError: the signature belongs to no key; the message names ``place``.
    """
    senders = find_senders([transaction], 1)
    violation = signature_violation([transaction], senders)
    if violation is not None:
        raise _nobody(place, violation)
    return cast(Address, senders[0])


def signature_violation(
    transactions: Sequence[Transaction],
    senders: Sequence[Address | None],
    *,
    high_s_allowed: bool = True,
) -> Violation | None:
    """The violation of the first transaction without a sender; None where there is no such."""
    if None not in senders:
        return None
    index = senders.index(None)
    transaction = transactions[index]
    s_max = _CURVE_ORDER - 1 if high_s_allowed else _CURVE_ORDER // 2
    if transaction.y_parity is None or not _is_possible(transaction.r, transaction.s, s_max):
        return Violation(Reason.SIGNATURE, "no signature can have these numbers", index)
    return Violation(Reason.SIGNATURE, "the signature belongs to no key", index)


def recover_authorities(
    transactions: Sequence[Authorized], workers: int | None = None
) -> list[tuple[Address | None, ...]]:
    """For each transaction, the signer of each of its authorizations (EIP-7702).

    None for a signature that belongs to no key, or has an s above half the curve's order.
    ``workers`` threads share the work, by default as many as there are usable cores.
    """
    if not any(transaction.authorizations for transaction in transactions):
        return [()] * len(transactions)
    authorizations = [each for transaction in transactions for each in transaction.authorizations]
    signatures = list(map(_of_authorization, authorizations))
    authorities = iter(_recover(signatures, workers or usable_cores()))
    return [tuple(islice(authorities, len(each.authorizations))) for each in transactions]


def find_senders(
    transactions: Sequence[Transaction],
    workers: int | None = None,
    *,
    high_s_allowed: bool = True,
) -> list[Address | None]:
    """The sender of each; None where nobody can have signed it; see `recover_senders`."""
    threads = workers or usable_cores()
    encodings = _encodings(transactions)
    hashes = keccak256_many(encodings)
    senders = KNOWN_SENDERS.find(hashes)
    if senders.count(None) == len(senders):  # each step at once: nobody else gets the GIL meanwhile
        recovered = recover_signers(encodings, high_s_allowed, threads)
        KNOWN_SENDERS.add(hashes, recovered)
        return recovered
    if not high_s_allowed:  # a known sender may have signed with a high s
        allowed = may_be_signed(encodings, high_s_allowed)
        senders = [sender if may else None for sender, may in zip(senders, allowed, strict=True)]
    if None not in senders:
        return senders
    places = [place for place, sender in enumerate(senders) if sender is None]
    recovered = recover_signers([encodings[each] for each in places], high_s_allowed, threads)
    for place, address in zip(places, recovered, strict=True):
        senders[place] = address
    KNOWN_SENDERS.add([hashes[place] for place in places], recovered)
    return senders


def _encodings(transactions: Sequence[Transaction]) -> list[bytes]:
    kept = kept_encodings(transactions)
    return (
        [
            _encoding(transaction) if encoding is None else encoding
            for encoding, transaction in zip(kept, transactions, strict=True)
        ]
        if None in kept
        else cast(list[bytes], kept)
    )


def _encoding(transaction: Transaction) -> bytes:
    """Of a transaction made by hand; nothing where nobody can have signed it.

    v alone does not tell that it is not of the chain that such a transaction names.
    """
    if transaction.type == TransactionType.LEGACY and transaction.y_parity is None:
        return b""
    try:
        return transaction.encode()
    except InputError:  # a member that none can have
        return b""


def _recover(signatures: Sequence[Signature | None], threads: int) -> list[Address | None]:
    """The signer of each; None where there is no signature or it belongs to no key."""
    there = [signature for signature in signatures if signature is not None]
    addresses = iter(
        recover_addresses(
            b"".join(signature.message_hash for signature in there),
            b"".join(number.to_bytes(32, "big") for each in there for number in (each.r, each.s)),
            bytes(signature.parity for signature in there),
            threads=threads,
        )
    )
    found = (None if signature is None else next(addresses) for signature in signatures)
    return [None if address is None else Address(address) for address in found]


def _of_authorization(authorization: Authorization) -> Signature | None:
    parity, r, s = authorization.y_parity, authorization.r, authorization.s
    if parity not in (0, 1) or not _is_possible(r, s, _CURVE_ORDER // 2):
        return None
    message = encode([authorization.chain_id, authorization.address, authorization.nonce])
    return Signature(keccak(_AUTHORIZATION_MAGIC + message), r, s, parity)


def _is_possible(r: int, s: int, s_max: int) -> bool:
    return 0 < r < _CURVE_ORDER and 0 < s <= s_max


def _nobody(place: str, violation: Violation) -> DecodeError:
    return DecodeError(f"{place}: {violation.detail}", place)
