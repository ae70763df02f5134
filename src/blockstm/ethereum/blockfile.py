"""Block files: a block with everything that executing it reads.

The format, as JSON, plain or compressed with gzip or xz::

    {"block": a JSON-RPC block with full transactions,
     "pre_state": {address: {"balance", "nonce", "code" or "code_hash", "storage": {slot: value}}},
     "block_hashes": {number: hash},
     "ommers": [JSON-RPC headers],           (optional, before Paris)
     "receipts": [JSON-RPC receipts]}        (optional)

An account that ``pre_state`` does not name does not exist; a slot not named is zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eth_typing import Address, Hash32

from blockstm.errors import DecodeError
from blockstm.ethereum.block import Block
from blockstm.ethereum.fields import (
    Fields,
    parse_address,
    parse_hash,
    parse_quantity,
    parse_word,
)
from blockstm.ethereum.hashing import keccak
from blockstm.ethereum.header import Header
from blockstm.ethereum.jsonfile import read_json
from blockstm.ethereum.receipt import Receipt
from blockstm.state.accounts import Account, AccountState

__all__ = ["BlockFile", "parse_block_file", "read_block_file"]


@dataclass(frozen=True, slots=True)
class BlockFile:
    """A block and what executing it reads.

    Attributes:
        block: the block.
        accounts: all accounts that there are for this block.
        block_hashes: number → hash, of the blocks that BLOCKHASH may ask for.
        receipts: what others found the transactions to do; None where the file has none.
    """

    block: Block
    accounts: Mapping[Address, Account]
    block_hashes: Mapping[int, Hash32]
    receipts: tuple[Receipt, ...] | None = None

    def state(self) -> AccountState:
        """A new state of the accounts, which are not all that there are on the chain."""
        return AccountState(self.accounts, partial=True)


def read_block_file(path: str | Path) -> BlockFile:
    """Read a ``.json``, ``.json.gz`` or ``.json.xz`` file.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is not the JSON or compressed JSON that its name says, or not a block.
    """
    return parse_block_file(read_json(path, "block file"))


def parse_block_file(document: object) -> BlockFile:
    """The block file that a parsed JSON document is.

    Raises:
        DecodeError: something is missing or malformed; the message names the place.
    """
    fields = Fields(document, "")
    block = Block.from_fields(fields.fields("block"))
    ommers = fields.elements_or_none("ommers")
    if ommers is not None:
        block = replace(block, ommers=tuple(Header.from_fields(Fields(*e)) for e in ommers))
    return BlockFile(
        block,
        _accounts(fields.fields("pre_state")),
        _block_hashes(fields),
        _receipts(fields, block),
    )


def _accounts(fields: Fields) -> dict[Address, Account]:
    accounts = {}
    for name, value, place in fields.items():
        address = parse_address(name, place)
        if address in accounts:
            raise DecodeError(f"{place}: this account is there twice", place)
        accounts[address] = _account(Fields(value, place))
    return accounts


def _account(fields: Fields) -> Account:
    if "code" in fields:
        code: bytes | None = fields.data("code")
        code_hash = keccak(code or b"")
    else:
        code, code_hash = None, fields.hash("code_hash")
    storage = {
        parse_word(slot, place): parse_word(value, place)
        for slot, value, place in fields.fields("storage").items()
    }
    return Account(
        fields.quantity("balance"), fields.quantity("nonce", 64), code, code_hash, storage
    )


def _block_hashes(fields: Fields) -> dict[int, Hash32]:
    if "block_hashes" not in fields:
        return {}
    return {
        parse_quantity(number, place, 64): parse_hash(value, place)
        for number, value, place in fields.fields("block_hashes").items()
    }


def _receipts(fields: Fields, block: Block) -> tuple[Receipt, ...] | None:
    elements = fields.elements_or_none("receipts")
    if elements is None:
        return None
    if len(elements) != len(block.transactions):
        place = fields.place_of("receipts")
        raise DecodeError(f"{place}: not one receipt per transaction", place)
    return tuple(
        Receipt.from_fields(Fields(*element), transaction.type)
        for element, transaction in zip(elements, block.transactions, strict=True)
    )
