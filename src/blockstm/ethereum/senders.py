"""Who signed: senders and authorities recovered from signatures, in parallel, once for each.

One recovery by libsecp256k1 and one keccak, without the GIL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import NamedTuple, TypeVar

from eth_typing import Address

from blockstm._native.crypto.recovery import recover_addresses
from blockstm.cores import usable_cores
from blockstm.errors import DecodeError
from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.rlp import encode
from blockstm.ethereum.transaction import Authorization, Transaction
from blockstm.vm.evm.libraries import load_libraries

__all__ = ["recover_authorities", "recover_sender", "recover_senders"]

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SIGNATURES_PER_TASK_MIN = 16
_TASKS_PER_WORKER = 4  # so that none waits long for the last
_AUTHORIZATION_MAGIC = b"\x05"

T = TypeVar("T")


class Signature(NamedTuple):
    """What was signed and how; ``parity`` is 0 or 1."""

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

    ``workers`` threads share the work, by default as many as there are usable cores.
    ``high_s_allowed`` says whether s may be above half the curve's order: it may not from
    Homestead on (EIP-2).

    Raises:
        DecodeError: a signature belongs to no key; the message names ``place`` and index.
        ImportError: coincurve is not installed.
    """
    s_max = _CURVE_ORDER - 1 if high_s_allowed else _CURVE_ORDER // 2
    senders = _recover(
        transactions, lambda transaction: _of_transaction(transaction, s_max), workers
    )
    return [
        _known(sender, transactions[index], f"{place}[{index}]", s_max)
        for index, sender in enumerate(senders)
    ]


def recover_sender(transaction: Transaction, place: str) -> Address:
    """The sender of one transaction.

    Raises:
        DecodeError: the signature belongs to no key; the message names ``place``.
        ImportError: coincurve is not installed.
    """
    s_max = _CURVE_ORDER - 1
    [sender] = _recover([transaction], lambda each: _of_transaction(each, s_max), 1)
    return _known(sender, transaction, place, s_max)


def recover_authorities(
    transactions: Sequence[Transaction], workers: int | None = None
) -> list[tuple[Address | None, ...]]:
    """For each transaction, who signed each of its authorizations (EIP-7702).

    None for a signature that belongs to no key, or has an s above half the curve's order.
    ``workers`` threads share the work, by default as many as there are usable cores.

    Raises:
        ImportError: coincurve is not installed.
    """
    if not any(transaction.authorizations for transaction in transactions):
        return [()] * len(transactions)
    authorizations = [each for transaction in transactions for each in transaction.authorizations]
    authorities = iter(_recover(authorizations, _of_authorization, workers))
    return [tuple(islice(authorities, len(each.authorizations))) for each in transactions]


def _recover(
    signed: Sequence[T], signature_of: Callable[[T], Signature | None], workers: int | None
) -> list[Address | None]:
    """Who signed each; None where there is no signature or it belongs to no key."""
    load_libraries("secp256k1")

    def run(part: Sequence[T]) -> list[Address | None]:
        return _recover_part([signature_of(each) for each in part])

    workers = workers or usable_cores()
    tasks = min(workers * _TASKS_PER_WORKER, len(signed) // _SIGNATURES_PER_TASK_MIN)
    if min(workers, tasks) <= 1:
        return run(signed)
    size = -(-len(signed) // tasks)
    parts = [signed[start : start + size] for start in range(0, len(signed), size)]
    with ThreadPoolExecutor(min(workers, tasks), thread_name_prefix="blockstm-sender") as pool:
        return list(chain.from_iterable(pool.map(run, parts)))


def _recover_part(signatures: Sequence[Signature | None]) -> list[Address | None]:
    there = [signature for signature in signatures if signature is not None]
    addresses = iter(
        recover_addresses(
            b"".join(signature.message_hash for signature in there),
            b"".join(number.to_bytes(32, "big") for each in there for number in (each.r, each.s)),
            bytes(signature.parity for signature in there),
        )
    )
    found = (None if signature is None else next(addresses) for signature in signatures)
    return [None if address is None else Address(address) for address in found]


def _of_transaction(transaction: Transaction, s_max: int) -> Signature | None:
    parity, r, s = transaction.y_parity, transaction.r, transaction.s
    if parity is None or not _is_possible(r, s, s_max):
        return None
    return Signature(transaction.signing_hash, r, s, parity)


def _of_authorization(authorization: Authorization) -> Signature | None:
    parity, r, s = authorization.y_parity, authorization.r, authorization.s
    if parity not in (0, 1) or not _is_possible(r, s, _CURVE_ORDER // 2):
        return None
    message = encode([authorization.chain_id, authorization.address, authorization.nonce])
    return Signature(keccak(_AUTHORIZATION_MAGIC + message), r, s, parity)


def _is_possible(r: int, s: int, s_max: int) -> bool:
    return 0 < r < _CURVE_ORDER and 0 < s <= s_max


def _known(sender: Address | None, transaction: Transaction, place: str, s_max: int) -> Address:
    if sender is not None:
        return sender
    if transaction.y_parity is None or not _is_possible(transaction.r, transaction.s, s_max):
        raise DecodeError(f"{place}: no signature can have these numbers", place)
    raise DecodeError(f"{place}: the signature belongs to no key", place)
