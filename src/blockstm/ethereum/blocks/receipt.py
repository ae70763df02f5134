"""Receipts: what a block commits to about each of its transactions (Yellow Paper 4.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from blockstm._native.wire.receipts import flat_logs, logs_bloom
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.header import BLOOM_SIZE
from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.codecs.fields import Fields, parse_hash, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.members import RECEIPT, check_members
from blockstm.ethereum.codecs.rlp import Item, Items, check_encoding, encode
from blockstm.ethereum.tries.list_root import list_root
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = [
    "Log",
    "Receipt",
    "bloom_of",
    "contract_address",
    "receipts_bloom",
    "receipts_root",
]

Log = tuple[Address, tuple[bytes, ...], bytes]
"""Address, up to 4 topics of 32 bytes, data."""

_TOPICS_MAX: Final = 4
_LEGACY_LIST: Final = 0xC0
_MEMBERS: Final = (
    *("type", "status", "root", "cumulativeGasUsed", "gasUsed", "contractAddress"),
    *("logsBloom", "logs"),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt: since Byzantium with a status, before it with a state root (EIP-658).

    Attributes:
        type: the transaction's type.
        succeeded: whether it was not reverted and did not run out of gas; of a receipt with a
            state root, which does not say, True.
        cumulative_gas_used: by the block up to and with this transaction, in gas.
        logs: in order.
        state_root: of the state after the transaction; None since Byzantium, and where the state
            that the block ran on is partial.
        gas_used: by this transaction alone, after refunds, in gas; None of a receipt that was
            decoded from RLP, which does not say.
        contract_address: of the contract that the transaction creates, whether or not it
            succeeded; None of a call, and of a receipt that was decoded from RLP.
        extra: what receipts of a type of a chain's own have beside this, by JSON names, in order.
            `from_fields` reads those that it is told the names of.

    Gas and contract address are not committed to and take no part in equality.
    """

    type: int
    succeeded: bool
    cumulative_gas_used: int
    logs: tuple[Log, ...]
    state_root: Hash32 | None = None
    gas_used: int | None = field(default=None, compare=False)
    contract_address: Address | None = field(default=None, compare=False)
    extra: tuple[tuple[str, int], ...] = ()

    @classmethod
    def decode(
        cls,
        encoding: bytes,
        place: str = "receipt",
        *,
        own_types: Mapping[int, Sequence[str]] | None = None,
    ) -> Receipt:
        """Read a receipt as the receipts trie holds it (EIP-2718).

        ``own_types`` are those of a chain's own, with the names of what their receipts have beside.

        Raises:
            DecodeError: ``encoding`` is of no receipt, or not the only encoding of it.
            InputError: ``own_types`` are no mapping of numbers to names.
        """
        own_types = {} if own_types is None else own_types
        if not isinstance(own_types, Mapping) or not all(map(_are_names, own_types.values())):
            raise InputError(f"own_types are a mapping of int to names, not {brief(own_types)}")
        check_encoding(encoding, place)
        kind: int = TransactionType.LEGACY
        names: Sequence[str] = ()
        payload = encoding
        if encoding[:1] < bytes((_LEGACY_LIST,)):
            kind, payload = encoding[0] if encoding else 0, encoding[1:]
            if kind in own_types:
                names = own_types[kind]
            elif not TransactionType.LEGACY < kind <= TransactionType.SET_CODE:
                raise DecodeError(f"{place}: no transaction type {kind} is known", place)
        items = Items(payload, place)
        outcome = items.data("status")
        if outcome not in (b"", b"\x01") and len(outcome) != 32:
            where = items.place_of("status")
            raise DecodeError(f"{where}: expected a status or a state root", where)
        gas_used = items.quantity("cumulativeGasUsed", 64)
        bloom = items.data("logsBloom", BLOOM_SIZE)
        logs = tuple(map(_log_from, items.lists("logs")))
        extra = tuple((name, items.quantity(name)) for name in names)
        items.end()
        if bloom != bloom_of(logs):
            where = items.place_of("logsBloom")
            raise DecodeError(f"{where}: it is not the bloom of the logs", where)
        root = Hash32(outcome) if len(outcome) == 32 else None
        return cls(kind, outcome != b"", gas_used, logs, root, extra=extra)

    @classmethod
    def from_fields(
        cls, fields: Fields, kind: int | None = None, *, extra_names: Sequence[str] = ()
    ) -> Receipt:
        """Read a JSON-RPC receipt of a transaction of type ``kind``, by default its own ``type``.

        ``extra_names`` are those of what receipts of its type have beside the usual, in order:
        other members that a node gives mean nothing to it.

        Raises:
            DecodeError: a member is missing or malformed.
            InputError: ``extra_names`` are none.
        """
        if not _are_names(extra_names):
            raise InputError(f"extra_names are a tuple of str, not {brief(extra_names)}")
        if kind is None:
            kind = fields.quantity_or_none("type", 7) or TransactionType.LEGACY
        succeeded = fields.quantity_or_none("status", 1)
        return cls(
            kind,
            True if succeeded is None else bool(succeeded),  # no status before Byzantium
            fields.quantity("cumulativeGasUsed", 64),
            tuple(_log(Fields(*element)) for element in fields.elements("logs")),
            fields.hash_or_none("root") if succeeded is None else None,
            fields.quantity_or_none("gasUsed", 64),
            fields.address_or_none("contractAddress"),
            tuple((name, fields.quantity(name)) for name in extra_names),
        )

    @property
    def bloom(self) -> bytes:
        """The Bloom filter over the addresses and topics of the logs, 256 bytes."""
        return bloom_of(self.logs)

    def encode(self) -> bytes:
        """The encoding that the receipts trie holds (EIP-2718).

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, RECEIPT, "receipt")
        logs: list[Item] = [[address, topics, data] for address, topics, data in self.logs]
        outcome: Item = int(self.succeeded) if self.state_root is None else self.state_root
        extra = [number for _, number in self.extra]
        payload = encode([outcome, self.cumulative_gas_used, self.bloom, logs, *extra])
        return bytes([self.type]) + payload if self.type else payload

    def to_json(self) -> dict[str, Any]:
        """The members of a JSON-RPC receipt that it knows.

        Raises:
            InputError: a member is of the wrong kind or out of range, or ``extra`` has the name of
                another one.
        """
        check_members(self, RECEIPT, "receipt")
        names = [*_MEMBERS, *(name for name, _ in self.extra)]
        if len(set(names)) < len(names):
            raise InputError(f"receipt.extra has a name of its own each, not {brief(self.extra)}")
        members: dict[str, Any] = {"type": shown(self.type)}
        if self.state_root is None:
            members["status"] = shown(int(self.succeeded))
        else:
            members["root"] = shown(self.state_root)
        members["cumulativeGasUsed"] = shown(self.cumulative_gas_used)
        if self.gas_used is not None:
            members["gasUsed"] = shown(self.gas_used)
        if self.contract_address is not None:
            members["contractAddress"] = shown(self.contract_address)
        members["logsBloom"] = shown(self.bloom)
        members["logs"] = [
            {"address": shown(address), "topics": [*map(shown, topics)], "data": shown(data)}
            for address, topics, data in self.logs
        ]
        return members | {name: shown(number) for name, number in self.extra}


def contract_address(
    transaction: Transaction, sender: Address, nonce: int | None = None
) -> Address | None:
    """The address of the contract that a transaction creates; None for any other (YP 7).

    ``nonce`` is the sender's before it; None: the transaction says it.
    """
    if transaction.to is not None:
        return None
    nonce = transaction.nonce if nonce is None else nonce
    return Address(keccak(encode([sender, nonce]))[12:])


def receipts_root(receipts: Sequence[Receipt]) -> Hash32:
    """The root that the header names."""
    root: Hash32 | None = getattr(receipts, "root", None)  # some have it at hand
    return list_root([receipt.encode() for receipt in receipts]) if root is None else root


def receipts_bloom(receipts: Sequence[Receipt]) -> bytes:
    """The Bloom filter over the logs of all receipts, 256 bytes."""
    bloom: bytes | None = getattr(receipts, "bloom", None)  # some have it at hand
    return bloom_of(log for each in receipts for log in each.logs) if bloom is None else bloom


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The Bloom filter over logs: three of 2,048 bits for each address and topic."""
    return logs_bloom(flat_logs(logs))


def _are_names(names: object) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(each, str) for each in names)


def _log(fields: Fields) -> Log:
    topics = tuple(parse_hash(*topic) for topic in fields.elements("topics"))
    return fields.address("address"), topics, fields.data("data")


def _log_from(items: Items) -> Log:
    address = items.address("address")
    topics = tuple(items.items("topics").hashes())
    data = items.data("data")
    items.end()
    if len(topics) > _TOPICS_MAX:
        where = items.place_of("topics")
        raise DecodeError(f"{where}: {len(topics)} topics, not up to {_TOPICS_MAX}", where)
    return address, topics, data
