"""`Shard`: one chain of a network, the next block of it, what it receives and what it sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from blockstm.chain import Chain
from blockstm.errors import InputError, InternalError, UsageError
from blockstm.ethereum import BlockAttributes, Candidate, Header, Transaction, build_block
from blockstm.ethereum.rules.fees import base_fee_on
from blockstm.ethereum.transition.signing import sign
from blockstm.ethereum.tries.state_trie import TrieAccount
from blockstm.messages import brief
from blockstm.shards.bridge import AUTHORITY_KEY, BRIDGE, delivery_data, delivery_gas
from blockstm.shards.envelopes import Envelope, envelopes_of, refusal
from blockstm.shards.message import Message, Refusal
from blockstm.shards.network import AUTHORITY, SECONDS, Network
from blockstm.shards.receiving import Inbox, anchor, check_headers, received_slot
from blockstm.types import Address, Hash32

__all__ = ["Round", "Shard", "ShardBlock"]

_COINBASE: Final = Address(bytes(18) + b"\x5b\x02")


@dataclass(frozen=True, slots=True)
class Round:
    """What a shard is given for its next block.

    Attributes:
        number: of the block.
        before: the hashes of the blocks that the ``headers`` stand on, of all shards in order; of
            the first headers, their own.
        headers: of all shards, of the blocks before this one.
        envelopes: messages for this shard, with their proofs, in any order.
        transactions: signed, for this shard's chain id.

    Raises:
        InputError: an attribute is of the wrong kind. Of what kind headers and envelopes are, is
            checked with what they say.
    """

    number: int
    before: Sequence[Hash32]
    headers: Sequence[Header]
    envelopes: Sequence[Envelope] = ()
    transactions: Sequence[Transaction] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if type(self.number) is not int or self.number < 0:
            raise InputError(f"a block's number is an int from 0 on, not {brief(self.number)}")
        for name in ("before", "headers", "envelopes", "transactions"):
            given: Any = getattr(self, name)
            if not isinstance(given, Sequence) or isinstance(given, str | bytes):
                raise InputError(f"{name} are a list or a tuple, not {brief(given)}")
        check_kind(self.transactions)
        for each in self.before:
            if not isinstance(each, bytes) or len(each) != 32:
                raise InputError(f"a block's hash is 32 bytes, not {brief(each)}")


def check_kind(transactions: Sequence[Any]) -> None:
    """Refuse what is no transaction.

    Raises:
        InputError: one is none.
    """
    for each in transactions:
        if not isinstance(each, Transaction):
            raise InputError(f"a transaction is a blockstm.ethereum.Transaction, not {brief(each)}")


@dataclass(frozen=True, slots=True)
class ShardBlock:
    """A block of a shard.

    Attributes:
        shard: whose block it is.
        header: of the block.
        envelopes: the messages that it sends, in order, with their proofs.
        transactions: how many it has, but for the deliveries.
        deliveries: how many transactions deliver what it received, one for each sender.
    """

    shard: int
    header: Header = field(repr=False)
    envelopes: Sequence[Envelope] = field(default=(), repr=False)
    transactions: int = 0
    deliveries: int = 0

    @property
    def number(self) -> int:
        """Of the block."""
        return int(self.header.number)


class Shard:
    """A chain of a network, in memory or in a folder; `Shard.in_memory` or `Shard.open` begins it.

    Each block takes the messages that it is given, each once and in the order of its sender, then
    transactions. A block that is there already is not made again: `advance` gives it as it is, so
    that a request whose answer was lost can be repeated.

    Thread-safety: one thread at a time advances it; any may read.
    """

    def __init__(self, network: Network, index: int, chain: Chain, workers: int | None) -> None:
        """For `in_memory` and `open`."""
        self.network = network
        self.index = index
        self._chain = chain
        self._workers = workers

    @classmethod
    def in_memory(cls, network: Network, index: int, *, workers: int | None = None) -> Self:
        """A shard that ends with the process.

        Raises:
            ConfigError: the network has no such shard.
        """
        chain = Chain.in_memory(network.genesis(index), workers=workers)
        return cls(network, index, chain, workers)

    @classmethod
    def open(
        cls, folder: str | Path, network: Network, index: int, *, workers: int | None = None
    ) -> Self:
        """A shard in a folder, which goes on where it ended, however that was.

        Raises:
            ConfigError: the network has no such shard.
            MissingExtra, StoreError: see `blockstm.chain.Chain.open`.
        """
        chain = Chain.open(folder, network.genesis(index), workers=workers)
        return cls(network, index, chain, workers)

    # ---- the next block

    def advance(
        self, given: Round, *, trust: Callable[[int, Header], bool] | None = None
    ) -> ShardBlock:
        """Make the next block, execute and verify it, and keep it.

        Args:
            given: its messages are all received, or the block is refused; of its transactions those
                that fit.
            trust: asked of each header of another shard, with the shard's number, once it is
                known to link and before any message is received: whether it is true. None: what
                links is believed.

        Raises:
            MessageError: a message or a header is refused; the chain is as it was. So it is where
                ``trust`` raises.
            UsageError: the block is further ahead than the next, or it is no `Round`.
            StoreError: it cannot be kept.
        """
        if not isinstance(given, Round):
            raise InputError(f"a shard advances by a Round, not {brief(given)}")
        head = self._chain.head
        if given.number <= head.number:
            return self.block(given.number)
        if given.number > head.number + 1:
            raise UsageError(
                f"shard {self.index} is at block {head.number}: block {brief(given.number)} is not "
                "the next"
            )
        self._check_known(given, head.header)
        if trust is not None:
            self._check_trusted(given.headers, trust)
        state = self._chain.state_at(head.hash)
        received = [
            state.storage(BRIDGE, received_slot(each)) for each in range(self.network.shards)
        ]
        messages = Inbox(self.index, given.headers, received).checked(given.envelopes)
        account = state.account(AUTHORITY)
        deliveries = self._deliveries(messages, account.nonce if account else 0)
        built = build_block(
            head.header,
            [*deliveries, *given.transactions],
            state,
            attributes=BlockAttributes(
                timestamp=given.number * SECONDS,
                coinbase=_COINBASE,
                parent_beacon_block_root=anchor([each.hash for each in given.headers]),
            ),
            chain=self._chain.spec,
            block_hashes=state.block_hashes,
            order=partial(_without_deliveries_of_others, len(deliveries)),
            workers=self._workers,
        )
        receipts = built.executed.receipts
        are_in = all(each.index >= len(deliveries) for each in built.rejected)
        if not are_in or not all(each.succeeded for each in receipts[: len(deliveries)]):
            raise InternalError("a delivery of messages that are proved does not succeed")
        self._chain.import_block(built.block)
        header = built.block.header
        return ShardBlock(
            self.index,
            header,
            envelopes_of(self.index, receipts, header.logs_bloom),
            len(receipts) - len(deliveries),
            len(deliveries),
        )

    def _check_known(self, given: Round, head: Header) -> None:
        """Check the headers against what this shard's own blocks say of the others.

        Raises:
            MessageError: a header does not follow from what is known.
        """
        if head.number == 0:
            is_known = tuple(given.before) == self.network.first_hashes()
        else:
            is_known = anchor(given.before) == head.parent_beacon_block_root
        if not is_known:
            raise refusal(
                Refusal.UNKNOWN_HEADER,
                f"shard {self.index} at block {head.number} had taken other blocks for true",
            )
        check_headers(given.headers, given.before, int(head.number))
        if given.headers[self.index].hash != head.hash:
            raise refusal(Refusal.UNKNOWN_HEADER, f"shard {self.index} has another head itself")

    def _check_trusted(
        self, headers: Sequence[Header], trust: Callable[[int, Header], bool]
    ) -> None:
        """Ask whether headers of the others are true.

        Raises:
            MessageError: one is not.
        """
        for shard, header in enumerate(headers):
            if shard != self.index and not trust(shard, header):
                raise refusal(
                    Refusal.UNTRUSTED_HEADER,
                    f"shard {shard}: block {header.number} is not taken for true",
                )

    def _deliveries(self, messages: Sequence[Sequence[Message]], nonce: int) -> list[Transaction]:
        base_fee = base_fee_on(self._chain.spec, self._chain.head.header)
        return [
            self._delivery(of_sender, nonce + index, base_fee)
            for index, of_sender in enumerate(messages)
        ]

    def _delivery(self, messages: Sequence[Message], nonce: int, base_fee: int) -> Transaction:
        chain_id = int(self._chain.spec.chain_id)
        unsigned = Transaction(
            type=2,
            nonce=nonce,
            gas=delivery_gas(messages),
            to=BRIDGE,
            value=0,
            data=delivery_data(messages),
            v=0,
            r=0,
            s=0,
            chain_id=chain_id,
            max_fee_per_gas=base_fee,
            max_priority_fee_per_gas=0,
        )
        return sign(unsigned, AUTHORITY_KEY, chain_id, protected=True)

    # ---- reading

    @property
    def chain(self) -> Chain:
        """The chain: blocks, receipts, states."""
        return self._chain

    @property
    def number(self) -> int:
        """Of the newest block."""
        return int(self._chain.head.number)

    def block(self, number: int) -> ShardBlock:
        """A block as `advance` gave it.

        Raises:
            UnknownBlock: there is none of this number.
        """
        block = self._chain.block(number)
        deliveries = sum(sender == AUTHORITY for sender in block.senders)
        bloom = block.header.logs_bloom
        receipts = self._chain.receipts(number) if any(bloom) else ()
        return ShardBlock(
            self.index,
            block.header,
            envelopes_of(self.index, receipts, bloom),
            len(block.transactions) - deliveries,
            deliveries,
        )

    def account(self, address: bytes) -> TrieAccount | None:
        """The account at an address, after the newest block; None where there is none."""
        return self._chain.state_at(self._chain.head.hash).account(Address(address))

    def close(self) -> None:
        """Close the chain; may be called twice."""
        self._chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _without_deliveries_of_others(
    count: int, candidates: Sequence[Candidate]
) -> Sequence[Candidate]:
    """The first so many, and those that are not the authority's: a delivery without a proof."""
    return [each for each in candidates if each.index < count or each.sender != AUTHORITY]
