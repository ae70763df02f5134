"""A block with its transactions, ommers and withdrawals: from RLP and JSON, to RLP and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from blockstm._native.wire.transaction_list import TransactionList, decode_listed
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList, read_access_list
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.own_transaction import decode_own
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.chains.rules import NO_RULES, OwnTransactionType, Rules
from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.members import check_members, hash32, sequence
from blockstm.ethereum.codecs.rlp import Items, encode_list, list_size
from blockstm.ethereum.tries.list_root import list_root
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.types import Address, Hash32

__all__ = ["Block", "Withdrawal"]

_LIST = 0xC0


@dataclass(frozen=True, slots=True)
class Block:
    """A block.

    Attributes:
        hash: what the source says the block's hash is; RLP says nothing but the header, and
            then it is the header's.
        header: see `Header`.
        transactions: in order.
        withdrawals: in order; None before Shanghai.
        ommers: headers of side blocks; None where the source has only their hashes.
        transaction_hashes: what the source says the transactions hash to; none where it does
            not say.
        senders: who the source says sent them: None where it does not say of one, empty where
            it does not say of any.
        access_list: the list of what it touches (EIP-7928) as it came with the block, in canonical
            form or not; None where none came. It is compared with what the block does.
    """

    hash: Hash32
    header: Header
    transactions: tuple[Transaction, ...]
    withdrawals: tuple[Withdrawal, ...] | None = None
    ommers: tuple[Header, ...] | None = ()
    transaction_hashes: tuple[Hash32, ...] = ()
    senders: tuple[Address | None, ...] = ()
    access_list: BlockAccessList | None = None
    _listed: TransactionList | None = field(default=None, init=False, repr=False, compare=False)

    if not TYPE_CHECKING:  # a checker would take any name for a member's

        def __getattr__(self, name: str) -> Any:
            """Called where a member is not there yet: transactions of a block that was decoded."""
            if name != "transactions":
                return object.__getattribute__(self, name)  # raises what it has raised
            made = object.__getattribute__(self, "_listed").transactions
            object.__setattr__(self, "transactions", made)
            return made

    @classmethod
    def from_fields(cls, fields: Fields) -> Block:
        """Read a JSON-RPC block with full transactions, or a node's whole answer that has one.

        Raises:
            DecodeError: something is missing or malformed, or the transactions are there by
                their hashes alone.
        """
        fields = fields.answer()
        header = Header.from_fields(fields)
        transactions = [_transaction_at(*element) for element in fields.elements("transactions")]
        withdrawals = fields.elements_or_none("withdrawals")
        if (withdrawals is None) != (header.withdrawals_root is None):
            raise _unmatched_withdrawals(fields.place_of("withdrawals"))
        return cls(
            fields.hash("hash"),
            header,
            tuple(Transaction.from_fields(each) for each in transactions),
            None
            if withdrawals is None
            else tuple(Withdrawal.from_fields(Fields(*e)) for e in withdrawals),
            _ommers(fields),
            tuple(each.hash("hash") for each in transactions),
            tuple(each.address_or_none("from") for each in transactions),
            read_access_list(fields),
        )

    @classmethod
    def decode(cls, encoding: bytes, place: str = "block", *, rules: Rules = NO_RULES) -> Block:
        """Read a block as it travels between nodes.

        ``rules`` are those of its chain, which may have types of transactions of its own.

        Raises:
            DecodeError: ``encoding`` is of no block, or not the only encoding of it.
            InputError: ``rules`` are none.
        """
        check_kind(rules, Rules, "rules")
        items = Items(encoding, place)
        header = Header.from_items(items.items("header"))
        listed = _transactions_from(items.items("transactions"), rules.types)
        ommers = tuple(map(Header.from_items, items.lists("ommers")))
        withdrawals = None
        if items:
            withdrawals = tuple(map(Withdrawal.from_items, items.lists("withdrawals")))
        items.end()
        if (withdrawals is None) != (header.withdrawals_root is None):
            raise _unmatched_withdrawals(items.place_of("withdrawals"))
        if not listed.is_unread:
            return cls(header.hash, header, tuple(listed.transactions), withdrawals, ommers)
        block = cls(header.hash, header, (), withdrawals, ommers)
        object.__setattr__(block, "_listed", listed)
        object.__delattr__(block, "transactions")  # until somebody asks
        return block

    def encode(self) -> bytes:
        """The block's RLP.

        Raises:
            DecodeError: what the block was read from has only the hashes of its ommers.
            InputError: a member is of the wrong kind or out of range.
        """
        body = self._body_parts()
        return encode_list([self.header.encode(), *body])

    def encode_body(self) -> bytes:
        """The block's RLP without its header and what says how long it is.

        Raises:
            DecodeError, InputError: see `encode`.
        """
        return b"".join(self._body_parts())

    def _body_parts(self) -> list[bytes]:
        """The encodings of what stands behind the header, once it is known that there are some."""
        if self.ommers is None:
            raise DecodeError(
                "ommers: a block cannot be encoded without the headers of its ommers", "ommers"
            )
        self._check_kinds()
        return [self.transaction_list.encode(), *self._parts_behind_transactions()]

    def _parts_behind_transactions(self) -> list[bytes]:
        parts = [encode_list([each.encode() for each in self.ommers or ()])]
        if self.withdrawals is not None:
            parts.append(encode_list([each.encode() for each in self.withdrawals]))
        return parts

    def to_json(self) -> dict[str, Any]:
        """A JSON-RPC block with full transactions; ommers as headers under ``ommers``.

        Raises:
            InputError: a member is not what it should be.
        """
        self._check_kinds()
        members = self.header.to_json() | {"hash": shown(self.hash)}
        members["transactions"] = [
            each.to_json() | {"hash": shown(each.hash)} for each in self.transactions
        ]
        for transaction, sender in zip(members["transactions"], self.senders, strict=False):
            if sender is not None:
                transaction["from"] = shown(sender)
        if self.ommers is not None:
            members["ommers"] = [ommer.to_json() for ommer in self.ommers]
            members["uncles"] = [shown(ommer.hash) for ommer in self.ommers]
        if self.withdrawals is not None:
            members["withdrawals"] = [each.to_json() for each in self.withdrawals]
        if self.access_list is not None:
            members["blockAccessList"] = self.access_list.to_json()
        return members

    def _check_kinds(self) -> None:
        """Raise unless the members are of the classes that can encode themselves."""
        check_members(self, {"hash": hash32}, "block")
        check_kind(self.header, Header, "block.header")
        if not self.has_unread_transactions:  # else asking for them makes an object of each
            sequence(self.transactions, Transaction, "block.transactions")
        if self.withdrawals is not None:
            sequence(self.withdrawals, Withdrawal, "block.withdrawals")
        if self.ommers is not None:
            sequence(self.ommers, Header, "block.ommers")
        if self.access_list is not None:
            check_kind(self.access_list, BlockAccessList, "block.access_list")

    @property
    def transaction_list(self) -> TransactionList:
        """The encodings of the transactions, for what reads them natively.

        Raises:
            InputError: a member of one is of the wrong kind or out of range.
        """
        if self._listed is not None:
            return self._listed
        listed = TransactionList(self.transactions, _encoded)
        if type(self.transactions) is tuple:  # nothing else of a block could change
            object.__setattr__(self, "_listed", listed)
        return listed

    @property
    def has_unread_transactions(self) -> bool:
        """Whether its transactions were decoded with it, and nobody has asked for one yet."""
        return self._listed is not None and self._listed.is_unread

    @property
    def encoded_size(self) -> int:
        """The length of the block's RLP, in bytes; unknown ommers count for none.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        around = sum(map(len, [self.header.encode(), *self._parts_behind_transactions()]))
        return list_size(around + self.transaction_list.list_size())

    @property
    def transactions_root(self) -> Hash32:
        """The root of the transactions."""
        return Hash32(self.transaction_list.root())

    @property
    def withdrawals_root(self) -> Hash32 | None:
        """The root of the withdrawals; None before Shanghai."""
        if self.withdrawals is None:
            return None
        return list_root([withdrawal.encode() for withdrawal in self.withdrawals])

    @property
    def ommers_hash(self) -> Hash32 | None:
        """The hash of the ommers' headers; None where they are not known."""
        if self.ommers is None:
            return None
        return keccak(encode_list([ommer.encode() for ommer in self.ommers]))


def _encoded(transaction: Any) -> bytes:
    check_kind(transaction, Transaction, "a transaction of a block")
    encoding: bytes = transaction.encode()
    if type(encoding) is not bytes or not encoding:
        raise InputError(
            f"the encoding of a transaction is bytes, at least one, not {brief(encoding)}"
        )
    return encoding


def _transaction_at(value: object, place: str) -> Fields:
    if isinstance(value, str | bytes):
        raise DecodeError(
            f"{place}: a hash in place of a transaction; ask the node for full transactions "
            "(the second parameter of eth_getBlockByNumber is true)",
            place,
        )
    return Fields(value, place)


def _transactions_from(
    items: Items, own_types: Mapping[int, OwnTransactionType]
) -> TransactionList:
    """Each is a list, or bytes that start with a type (EIP-2718)."""
    listed: TransactionList = items.rest_by(partial(decode_listed, Transaction))
    if not items:
        return listed
    transactions = list(listed.transactions)
    # The first that is left is of a chain's own, or none: then it is read for the words.
    while items:
        transactions.append(_transaction_from(items, len(transactions), own_types))
        transactions += items.rest_by(partial(decode_listed, Transaction)).transactions
    return TransactionList(tuple(transactions))


def _transaction_from(
    items: Items, index: int, own_types: Mapping[int, OwnTransactionType]
) -> Transaction:
    place = items.place_of(f"[{index}]")
    if items.next_is_list():
        return Transaction.decode(items.items(f"[{index}]").encoding, place)
    encoding = items.data(f"[{index}]")
    if encoding[:1] >= bytes((_LIST,)):
        raise DecodeError(f"{place}: a transaction without a type is no bytes", place)
    if encoding and encoding[0] in own_types:
        return decode_own(own_types, encoding, place)
    return Transaction.decode(encoding, place)


def _unmatched_withdrawals(place: str) -> DecodeError:
    return DecodeError(f"{place}: withdrawals and withdrawalsRoot belong together", place)


def _ommers(fields: Fields) -> tuple[Header, ...] | None:
    elements = fields.elements_or_none("ommers")
    if elements is not None:
        return tuple(Header.from_fields(Fields(*element)) for element in elements)
    return None if fields.elements_or_none("uncles") else ()
