"""Who signed the authorizations of messages (EIP-7702)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blockstm.ethereum.blocks.transaction import Authorization
from blockstm.ethereum.calls.message import Message
from blockstm.ethereum.execution.senders import recover_authorities
from blockstm.types import Address

__all__ = ["authorities_of"]


@dataclass(frozen=True, slots=True)
class _Listed:
    authorizations: Sequence[Authorization]


def authorities_of(messages: Sequence[Message]) -> list[tuple[Address | None, ...]]:
    """For each message, the signer of each of its authorizations; None where there is none."""
    return recover_authorities([_Listed(each.authorizations or ()) for each in messages])
