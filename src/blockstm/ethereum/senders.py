"""Who signed: senders recovered from signatures, in parallel, once per transaction.

libsecp256k1, called through coincurve, releases the GIL while it works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from eth_typing import Address

from blockstm.cores import usable_cores
from blockstm.errors import DecodeError
from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.transaction import Transaction

__all__ = ["recover_sender", "recover_senders"]

_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_TRANSACTIONS_PER_TASK_MIN = 16


def recover_senders(
    transactions: Sequence[Transaction], place: str = "transactions", workers: int | None = None
) -> list[Address]:
    """The sender of each transaction.

    ``workers`` threads share the work, by default as many as there are usable cores.

    Raises:
        DecodeError: a signature belongs to no key; the message names ``place`` and index.
        ImportError: coincurve is not installed.
    """
    recover = _recoverer()

    def run(index: int) -> Address:
        return recover_sender(transactions[index], f"{place}[{index}]", recover)

    workers = workers or usable_cores()
    workers = min(workers, len(transactions) // _TRANSACTIONS_PER_TASK_MIN)
    if workers <= 1:
        return [run(index) for index in range(len(transactions))]
    with ThreadPoolExecutor(workers, thread_name_prefix="blockstm-sender") as pool:
        return list(pool.map(run, range(len(transactions))))


def recover_sender(
    transaction: Transaction, place: str, recover: Callable[[bytes, bytes], bytes] | None = None
) -> Address:
    """The sender of one transaction; ``recover`` gives the public key, 65 bytes."""
    recover = recover or _recoverer()
    parity, r, s = transaction.y_parity, transaction.r, transaction.s
    if parity is None or not (0 < r < _CURVE_ORDER and 0 < s < _CURVE_ORDER):
        raise DecodeError(f"{place}: no signature can have these numbers", place)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = recover(signature, transaction.signing_hash)
    except Exception as error:  # coincurve raises a bare Exception
        raise DecodeError(f"{place}: the signature belongs to no key", place) from error
    return Address(keccak(key[1:])[12:])


def _recoverer() -> Callable[[bytes, bytes], bytes]:
    try:
        from coincurve import PublicKey
    except ImportError as error:
        message = "recovering senders needs coincurve: pip install 'blockstm[pyevm]'"
        raise ImportError(message) from error

    def recover(signature: bytes, message_hash: bytes) -> bytes:
        key: Any = PublicKey.from_signature_and_message(signature, message_hash, hasher=None)
        return bytes(key.format(compressed=False))

    return recover
