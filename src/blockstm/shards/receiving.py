"""Messages checked against what a shard knows of the others, before anything is done with them.

What a shard knows of the others are their headers of the block before. Each of its own blocks
commits to their hashes (``parent_beacon_block_root``, which EIP-4788 also makes readable to
contracts), so that a shard which begins again knows which ones it had taken for true, and follows
each other shard by the hashes that its headers have of those before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blockstm.ethereum import Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief, kind_of
from blockstm.shards.bridge import RECEIVED_SLOT, SHARDS_MAX
from blockstm.shards.envelopes import Envelope, refusal
from blockstm.shards.message import Message, Refusal
from blockstm.types import Address, Hash32

__all__ = ["Inbox", "anchor", "check_headers", "received_slot"]


def anchor(hashes: Sequence[bytes]) -> Hash32:
    """What a block says of the blocks before it, of all shards in order."""
    return keccak(b"".join(hashes))


def check_headers(headers: Sequence[Header], before: Sequence[bytes], number: int) -> None:
    """Check that headers stand on blocks that are known.

    Args:
        headers: of each shard, in order.
        before: the hashes of the blocks that they stand on; of the first headers, their own.
        number: of all of them.

    Raises:
        MessageError: one does not.
    """
    if len(headers) != len(before):
        raise refusal(Refusal.MALFORMED, f"{len(headers)} headers of {len(before)} shards")
    for shard, (header, known) in enumerate(zip(headers, before, strict=True)):
        if not isinstance(header, Header):
            raise refusal(Refusal.MALFORMED, f"a header is no {kind_of(header)}")
        stands_on = header.hash if number == 0 else header.parent_hash
        if header.number != number or stands_on != known:
            raise refusal(
                Refusal.UNKNOWN_HEADER,
                f"shard {shard}: block {header.number} does not follow the known one",
            )


@dataclass(frozen=True, slots=True)
class Inbox:
    """What a shard receives in one block.

    Attributes:
        shard: the receiver.
        headers: of all shards, that it knows.
        received: how many messages it has received of each shard.
    """

    shard: int
    headers: Sequence[Header]
    received: Sequence[int]

    def checked(self, envelopes: Sequence[Envelope]) -> list[list[Message]]:
        """The messages of each sender, in the order in which they are received.

        Raises:
            MessageError: one is refused; ``reason`` says why. None of them is received then.
        """
        by_sender: dict[int, dict[int, Message]] = {}
        for envelope in envelopes:
            message = self._checked(envelope)
            told = by_sender.setdefault(message.sender, {})
            if message.sequence in told:
                raise refusal(Refusal.REPLAYED, f"message {message.sequence} is there twice")
            told[message.sequence] = message
        return [self._in_order(sender, by_sender[sender]) for sender in sorted(by_sender)]

    def _checked(self, envelope: Envelope) -> Message:
        message = envelope.message if isinstance(envelope, Envelope) else None
        if not isinstance(message, Message) or not _is_whole(message):
            raise refusal(Refusal.MALFORMED, f"no message: {brief(envelope)}")
        sender = message.sender
        if not 0 <= sender < len(self.headers) or sender == self.shard:
            raise refusal(Refusal.UNKNOWN_SHARD, f"there is no shard {sender} to receive from")
        if message.receiver != self.shard:
            raise refusal(Refusal.OTHER_SHARD, f"it is for shard {message.receiver}")
        if message.sequence < self.received[sender]:
            raise refusal(
                Refusal.REPLAYED,
                f"message {message.sequence} of shard {sender} was received before",
            )
        envelope.check(self.headers[sender])
        return message

    def _in_order(self, sender: int, messages: dict[int, Message]) -> list[Message]:
        first = self.received[sender]
        for sequence in range(first, first + len(messages)):
            if sequence not in messages:
                raise refusal(
                    Refusal.OUT_OF_ORDER, f"message {sequence} of shard {sender} comes first"
                )
        return [messages[sequence] for sequence in sorted(messages)]


def _is_whole(message: Message) -> bool:
    numbers = (message.sender, message.receiver, message.sequence, message.value)
    return (
        all(type(each) is int and 0 <= each < 1 << 256 for each in numbers)
        and max(message.receiver, message.sender) < 1 << 64
        and type(message.recipient) in (bytes, Address)
        and len(message.recipient) == 20
        and type(message.data) is bytes
    )


def received_slot(sender: int) -> int:
    """The slot of the bridge that tells how many messages of a sender were received."""
    assert sender < SHARDS_MAX
    return RECEIVED_SLOT + sender
