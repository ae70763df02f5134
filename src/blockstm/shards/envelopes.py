"""A message with its proof: the receipt that tells of it, and the headers that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blockstm.errors import DecodeError, InputError, MessageError
from blockstm.ethereum import Header, Receipt
from blockstm.ethereum.blocks.receipt import bloom_of
from blockstm.ethereum.tries.list_proof import ListProver, proved_item
from blockstm.messages import brief, kind_of, said_by
from blockstm.shards.bridge import BRIDGE, message_in
from blockstm.shards.message import Message, Refusal

__all__ = ["Envelope", "envelopes_of", "refusal"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message, and what proves it to its receiver. Nothing of it needs to be trusted.

    Attributes:
        message: what it says; the proof has to say the same.
        receipt: the place of the receipt in its block.
        log: the place of the log in the receipt.
        nodes: of the trie of receipts, from the root towards the receipt.
        headers: of the sender, from that of the message's block on, to the one before the header
            that the receiver knows; empty where that is the message's own.
    """

    message: Message
    receipt: int
    log: int
    nodes: tuple[bytes, ...] = field(repr=False)
    headers: tuple[Header, ...] = field(default=(), repr=False)

    def check(self, known: Header) -> None:
        """Check the message against a header of its sender.

        Raises:
            MessageError: it is not proved by it; ``reason`` says why.
        """
        header = self._header(known)
        try:
            item = proved_item(header.receipts_root, self.receipt, self.nodes)
            receipt = Receipt.decode(item)
        except (DecodeError, InputError, TypeError) as error:
            raise refusal(Refusal.NOT_PROVED, f"block {header.number}: {said_by(error)}") from error
        logs = receipt.logs if receipt.succeeded else ()
        if type(self.log) is not int or not 0 <= self.log < len(logs):
            raise refusal(Refusal.NOT_PROVED, f"the receipt has no log {brief(self.log)}")
        told = message_in(self.message.sender, logs[self.log])
        if told != self.message:
            raise refusal(Refusal.NOT_PROVED, f"the log tells of {brief(told)}")

    def _header(self, known: Header) -> Header:
        """The header of the message's block, which leads to a known one."""
        after = known
        if not isinstance(self.headers, tuple):
            raise refusal(Refusal.MALFORMED, f"headers are a tuple, not {kind_of(self.headers)}")
        for header in reversed(self.headers):
            if not isinstance(header, Header):
                raise refusal(Refusal.MALFORMED, f"a header is no {kind_of(header)}")
            if after.parent_hash != header.hash:
                raise refusal(
                    Refusal.UNKNOWN_HEADER,
                    f"the header of block {header.number} does not lead to block {after.number}",
                )
            after = header
        return after


def refusal(reason: Refusal, detail: str) -> MessageError:
    """The error about a message."""
    return MessageError(f"the message is refused ({reason.replace('_', ' ')}): {detail}", reason)


def envelopes_of(sender: int, receipts: Sequence[Receipt], bloom: bytes) -> list[Envelope]:
    """The messages of a block, in order, each with its proof against that block's receipts root.

    Args:
        sender: the shard.
        receipts: of the block.
        bloom: of its logs; where it does not have the bridge, no receipt is looked at.
    """
    if not _may_have_messages(bloom):
        return []
    mentioning = getattr(receipts, "mentioning", None)  # those of a block that has just run
    may_tell = enumerate(receipts) if mentioning is None else mentioning(BRIDGE)
    found: list[tuple[Message, int, int]] = []
    for at, receipt in may_tell:
        for place, log in enumerate(receipt.logs):
            message = message_in(sender, log)
            if message is not None:
                found.append((message, at, place))
    if not found:
        return []
    encodings = getattr(receipts, "encodings", None) or [each.encode() for each in receipts]
    prover = ListProver(encodings)
    proofs = {at: prover.prove(at) for at in {at for _, at, _ in found}}
    return [Envelope(message, at, place, proofs[at]) for message, at, place in found]


def _may_have_messages(bloom: bytes) -> bool:
    ours = int.from_bytes(bloom_of([(BRIDGE, (), b"")]), "big")
    return int.from_bytes(bloom, "big") & ours == ours
