"""A message from one shard to another, and why one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from blockstm.types import Address

__all__ = ["Message", "Refusal"]


class Refusal(StrEnum):
    """Why a message, or what leads to it, is refused; `MessageError.reason`."""

    MALFORMED = auto()
    """It is no message, or no proof."""
    UNKNOWN_SHARD = auto()
    """Its sender is none of the network's shards, or the receiver itself."""
    OTHER_SHARD = auto()
    """It is for another shard."""
    UNKNOWN_HEADER = auto()
    """The header that it is proved by is none of the sender's that the receiver knows."""
    UNTRUSTED_HEADER = auto()
    """It follows the known one, and ``trust`` does not take it for true."""
    NOT_PROVED = auto()
    """The receipts root of the header does not have it."""
    REPLAYED = auto()
    """It was received before."""
    OUT_OF_ORDER = auto()
    """One of the same sender that comes before it was not received."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one shard sends to another: a log of its bridge.

    Attributes:
        sender, receiver: shards, by their numbers.
        sequence: how many the sender had sent to this receiver before.
        recipient: who gets it.
        value: that it brings, in wei.
        data: that the recipient is called with.
    """

    sender: int
    receiver: int
    sequence: int
    recipient: Address
    value: int
    data: bytes
