"""A blob transaction as it is sent: with its blobs, commitments and proofs (EIP-4844, EIP-7594)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from blockstm.errors import DecodeError
from blockstm.ethereum import Transaction
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.ethereum.codecs.rlp import Items, check_encoding

__all__ = ["Sidecar", "decode_sent"]

_BLOB_SIZE: Final = 4096 * 32
_POINT_SIZE: Final = 48
_HASH_VERSION: Final = b"\x01"
_CELLS: Final = 128
_PLACE: Final = "transaction"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is sent along with a blob transaction and is in no block.

    Attributes:
        version: 0: a proof for each blob; 1: one for each cell of each blob.
    """

    version: int
    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


def decode_sent(encoding: bytes) -> tuple[Transaction, Sidecar | None]:
    """A transaction as ``eth_sendRawTransaction`` has it, and its sidecar if it has one.

    The commitments are compared with the hashes that the transaction names. The proofs are not
    verified: that needs a trusted setup, which only what passes blobs on needs.

    Raises:
        DecodeError: it is no transaction, or a blob transaction without its blobs.
    """
    if encoding[:1] != bytes([TransactionType.BLOB]):
        return Transaction.decode(encoding), None
    check_encoding(encoding, _PLACE)
    items = Items(encoding[1:], _PLACE)
    if not items.next_is_list():
        raise DecodeError(f"{_PLACE}: a blob transaction is sent with its blobs", _PLACE)
    inner = items.items("payload")
    transaction = Transaction.decode(encoding[:1] + inner.encoding)
    version = 0 if items.next_is_list() else items.quantity("version", 8)
    if version > 1:
        raise DecodeError(f"{_PLACE}: no sidecar has version {version}", _PLACE)
    blobs = _parts(items, "blobs", _BLOB_SIZE)
    commitments = _parts(items, "commitments", _POINT_SIZE)
    proofs = _parts(items, "proofs", _POINT_SIZE)
    items.end()
    sidecar = Sidecar(version, blobs, commitments, proofs)
    _check(transaction, sidecar)
    return transaction, sidecar


def _parts(items: Items, name: str, size: int) -> tuple[bytes, ...]:
    listed = items.items(name)
    found: list[bytes] = []
    while listed:
        found.append(listed.data(f"{name}[{len(found)}]", size))
    return tuple(found)


def _check(transaction: Transaction, sidecar: Sidecar) -> None:
    count = len(transaction.blob_hashes)
    proofs = count * (_CELLS if sidecar.version else 1)
    if (len(sidecar.blobs), len(sidecar.proofs)) != (count, proofs):
        raise DecodeError(f"{_PLACE}: not the blobs and proofs of {count} hashes", _PLACE)
    hashes = tuple(_HASH_VERSION + sha256(each).digest()[1:] for each in sidecar.commitments)
    if hashes != tuple(map(bytes, transaction.blob_hashes)):
        raise DecodeError(f"{_PLACE}: the commitments are not those that it names", _PLACE)
