"""Execution layer requests: what a block asks of the beacon chain (EIP-7685, from Prague on)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from eth_typing import Address, Hash32

from blockstm.ethereum.receipt import Log, Receipt

__all__ = ["deposits", "requests_hash"]

_DEPOSIT_CONTRACT = Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))
_DEPOSIT_EVENT = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
_DEPOSIT_TYPE = b"\x00"
# Where the event's data holds public key, credentials, amount, signature and index (EIP-6110).
_DEPOSIT_PARTS = ((192, 240), (288, 320), (352, 360), (416, 512), (544, 552))


def deposits(receipts: Iterable[Receipt]) -> bytes:
    """The deposits that the transactions made on mainnet, behind their request type."""
    logs = (log for receipt in receipts for log in receipt.logs if _is_deposit(log))
    return _DEPOSIT_TYPE + b"".join(log[2][i:j] for log in logs for i, j in _DEPOSIT_PARTS)


def requests_hash(requests: Iterable[bytes]) -> Hash32:
    """The hash that the header names; a request that is only its type does not count."""
    digests = (sha256(request).digest() for request in requests if len(request) > 1)
    return Hash32(sha256(b"".join(digests)).digest())


def _is_deposit(log: Log) -> bool:
    address, topics, _ = log
    return address == _DEPOSIT_CONTRACT and topics[:1] == (_DEPOSIT_EVENT,)
