"""Senders and authorities recovered from signatures, in parallel, once for each.

What was signed is read off encodings natively, hashed and recovered, many side by side and in as
many threads as asked for, all without the GIL. A sender that was recovered before is known by the
transaction's hash, wherever that was: in a prepared block, or in a pool of transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Protocol, cast

from blockstm._native.crypto.recovery import recover_addresses
from blockstm._native.wire import signers
from blockstm._native.wire.signers import Senders
from blockstm._native.wire.transaction_list import TransactionList
from blockstm.cores import usable_cores
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.own_transaction import OwnTransaction
from blockstm.ethereum.blocks.transaction import Authorization, Transaction, TransactionType
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.kinds import check_kind, check_sequence
from blockstm.messages import brief
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
    return cast(list[Address], list(senders))


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
    transactions: Sequence[Transaction] | TransactionList,
    senders: Senders | MixedSenders,
    *,
    high_s_allowed: bool = True,
) -> Violation | None:
    """The violation of the first transaction without a sender; None where there is no such."""
    index = senders.first_unknown
    if index is None:
        return None
    transaction = transactions[index]
    s_max = _CURVE_ORDER - 1 if high_s_allowed else _CURVE_ORDER // 2
    if transaction.y_parity is None or not _is_possible(transaction.r, transaction.s, s_max):
        return Violation(Reason.SIGNATURE, "no signature can have these numbers", index)
    return Violation(Reason.SIGNATURE, "the signature belongs to no key", index)


def recover_authorities(
    transactions: Sequence[Authorized] | TransactionList, workers: int | None = None
) -> list[tuple[Address | None, ...]]:
    """For each transaction, the signer of each of its authorizations (EIP-7702).

    None for a signature that belongs to no key, or has an s above half the curve's order.
    ``workers`` threads share the work, by default as many as there are usable cores.
    """
    threads = workers or usable_cores()
    if isinstance(transactions, TransactionList):
        found: list[tuple[Address | None, ...]] = [()] * len(transactions)
        for place, each in signers.recover_authorities(transactions, threads).items():
            found[place] = each
        return found
    check_sequence(transactions, "transactions")
    for index, carrier in enumerate(transactions):
        if not hasattr(carrier, "authorizations"):
            raise InputError(
                f"transactions[{index}] is a transaction or a message, not {brief(carrier)}"
            )
    listed = [_authorization(each) for one in transactions for each in one.authorizations]
    recovered = iter(signers.recover_authorization_signers(listed, threads) if listed else ())
    return [tuple(islice(recovered, len(each.authorizations))) for each in transactions]


def find_senders(
    transactions: Sequence[Transaction] | TransactionList,
    workers: int | None = None,
    *,
    high_s_allowed: bool = True,
) -> Senders | MixedSenders:
    """The sender of each; None where nobody can have signed it; see `recover_senders`."""
    threads = workers or usable_cores()
    if not isinstance(transactions, TransactionList):
        _check_transactions(transactions)
        transactions = TransactionList(transactions, _encoding)
    elif not transactions.all_decoded:
        # One made by hand may name another chain than its encoding shows.
        transactions = TransactionList(transactions.transactions, _encoding)
    if max(transactions.types, default=0) > TransactionType.SET_CODE:
        return _mixed(transactions.transactions, high_s_allowed, threads)
    return signers.find_senders(transactions, KNOWN_SENDERS, high_s_allowed, threads)


def _check_transactions(transactions: Sequence[Transaction]) -> None:
    check_sequence(transactions, "transactions")
    for index, each in enumerate(transactions):
        check_kind(each, Transaction, f"transactions[{index}]")


class MixedSenders(tuple[Address | None, ...]):
    """The senders of transactions of which some are of a chain's own, and say it."""

    __slots__ = ()

    @property
    def first_unknown(self) -> int | None:
        """The first place without a sender; None where there is none."""
        return self.index(None) if None in self else None


def _mixed(transactions: Sequence[Transaction], high_s_allowed: bool, threads: int) -> MixedSenders:
    signed = [each for each in transactions if not isinstance(each, OwnTransaction)]
    listed = TransactionList(signed, _encoding)
    found = iter(signers.find_senders(listed, KNOWN_SENDERS, high_s_allowed, threads))
    return MixedSenders(
        each.sender if isinstance(each, OwnTransaction) else next(found) for each in transactions
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


def _authorization(authorization: Authorization) -> bytes:
    """Its encoding; nothing where nobody can have signed it."""
    try:
        return encode(authorization.rlp_items())
    except InputError:  # a member that none can have
        return b""


def _is_possible(r: int, s: int, s_max: int) -> bool:
    return 0 < r < _CURVE_ORDER and 0 < s <= s_max


def _nobody(place: str, violation: Violation) -> DecodeError:
    return DecodeError(f"{place}: {violation.detail}", place)
