"""How blocks, receipts and numbers stand in a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from blockstm.ethereum import Block, Receipt
from blockstm.ethereum.blocks.receipt import contract_address
from blockstm.ethereum.chains.rules import NO_RULES, Rules
from blockstm.ethereum.codecs.rlp import Items, encode, encode_list
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.types import Address, BlockNumber, Hash32

__all__ = [
    "decode_block",
    "decode_hashes",
    "decode_number",
    "decode_receipts",
    "encode_number",
    "encode_places",
    "encode_receipts",
]

_HASH_SIZE = 32
_ADDRESS_SIZE = 20
_NUMBER_SIZE = 8
_INDEX_SIZE = 4


def encode_number(number: int) -> bytes:
    """A block's number as a key."""
    return number.to_bytes(_NUMBER_SIZE, "big")


def decode_number(encoded: bytes) -> BlockNumber:
    """The number of a key."""
    return BlockNumber(int.from_bytes(encoded[:_NUMBER_SIZE], "big"))


def encode_places(number: int, count: int) -> list[bytes]:
    """Where each of a block's transactions stands."""
    block = encode_number(number)
    return [block + index.to_bytes(_INDEX_SIZE, "big") for index in range(count)]


def decode_hashes(encoded: bytes) -> list[Hash32]:
    """Hashes one behind the other."""
    places = range(0, len(encoded), _HASH_SIZE)
    return [Hash32(encoded[place : place + _HASH_SIZE]) for place in places]


def decode_block(
    header: bytes, body: bytes, senders: bytes, block_hash: Hash32, rules: Rules = NO_RULES
) -> Block:
    """The block that was encoded by its parts, of a chain with these rules of its own.

    Raises:
        DecodeError: they are of no block.
    """
    block = Block.decode(encode_list([header, body]), rules=rules)
    places = range(0, len(senders), _ADDRESS_SIZE)
    known = tuple(Address(senders[place : place + _ADDRESS_SIZE]) for place in places)
    return Block(
        block_hash,
        block.header,
        block.transactions,
        block.withdrawals,
        block.ommers,
        senders=known,
    )


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Receipts as the receipts trie holds them, as one list."""
    if isinstance(receipts, FlatReceipts):
        return receipts.encode_list()
    return encode([each.encode() for each in receipts])


def decode_receipts(encoded: bytes, block: Block, rules: Rules = NO_RULES) -> tuple[Receipt, ...]:
    """The receipts of a block, with the gas that each took and the contract that it made.

    Which contract a prepaid transaction made, only its execution knows.

    Raises:
        DecodeError: they are none.
    """
    return tuple(_receipts(encoded, block, rules))


def _receipts(encoded: bytes, block: Block, rules: Rules) -> Iterator[Receipt]:
    items = Items(encoded, "receipts")
    types = rules.types
    total = 0
    for index, (transaction, sender) in enumerate(
        zip(block.transactions, block.senders, strict=True)
    ):
        of = types.get(transaction.type)
        names = () if of is None else tuple(of.receipt_members(transaction, 0, block.header))
        place = f"receipts[{index}]"
        found = Receipt.decode(
            items.data(f"[{index}]"), place, own_types={transaction.type: names} if of else None
        )
        created = None
        if sender is not None and (of is None or not of.is_prepaid):
            created = contract_address(transaction, sender)
        yield replace(
            found,
            gas_used=found.cumulative_gas_used - total,
            contract_address=created,
        )
        total = found.cumulative_gas_used
    items.end()
