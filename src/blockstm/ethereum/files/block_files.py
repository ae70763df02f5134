"""Block files: a block with everything that executing it reads.

The format, as JSON, plain or compressed with gzip or xz::

    {"block": a JSON-RPC block with full transactions,
     "pre_state": {address: {"balance", "nonce", "code" or "code_hash", "storage": {slot: value}}},
     "block_hashes": {number: hash},
     "ommers": [JSON-RPC headers],           (optional, before Paris)
     "receipts": [JSON-RPC receipts]}        (optional)

An account that ``pre_state`` does not name does not exist; a slot not named is zero. ``pre_state``
may also be what go-ethereum's ``prestateTracer`` gives, for one transaction or for a whole block,
and each of ``block``, ``pre_state`` and ``receipts`` a node's whole answer that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.codecs.fields import Fields, answer_in, parse_hash, parse_quantity, shown
from blockstm.ethereum.codecs.json_files import read_json, write_json
from blockstm.ethereum.files.pre_state import parse_pre_state
from blockstm.kinds import check_kind
from blockstm.state.accounts import Account, AccountState
from blockstm.types import Address, Hash32

__all__ = [
    "BlockFile",
    "block_document",
    "parse_block_file",
    "read_block_file",
    "write_block_file",
]


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
    if "block" not in fields and ("transactions" in fields or "jsonrpc" in fields):
        raise DecodeError(
            'block: missing; a block file is {"block": ..., "pre_state": ...}', "block"
        )
    block = Block.from_fields(fields.fields("block"))
    ommers = fields.elements_or_none("ommers")
    if ommers is not None:
        block = replace(block, ommers=tuple(Header.from_fields(Fields(*e)) for e in ommers))
    return BlockFile(
        block,
        parse_pre_state(fields.member("pre_state"), fields.place_of("pre_state"), block),
        _block_hashes(fields),
        _receipts(fields, block),
    )


def block_document(file: BlockFile) -> dict[str, Any]:
    """The document of a block file, which `parse_block_file` reads.

    Raises:
        InputError, DecodeError: the block is none that can be written, see `Block.to_json`.
    """
    check_kind(file, BlockFile, "file")
    document: dict[str, Any] = {
        "block": file.block.to_json(),
        "pre_state": {shown(address): _members(each) for address, each in file.accounts.items()},
        "block_hashes": {shown(number): shown(each) for number, each in file.block_hashes.items()},
    }
    if file.block.ommers:
        document["ommers"] = [
            each.to_json() | {"hash": shown(each.hash)} for each in file.block.ommers
        ]
    if file.receipts is not None:
        document["receipts"] = [each.to_json() for each in file.receipts]
    return document


def _members(account: Account) -> dict[str, Any]:
    members: dict[str, Any] = {"balance": shown(account.balance), "nonce": shown(account.nonce)}
    if account.code is None:
        members["code_hash"] = shown(account.code_hash)
    else:
        members["code"] = shown(account.code)
    return members | {
        "storage": {_word(slot): _word(value) for slot, value in account.storage.items()}
    }


def _word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()


def write_block_file(file: BlockFile, path: str | Path) -> None:
    """Write a ``.json``, ``.json.gz`` or ``.json.xz`` file.

    Raises:
        OSError: it cannot be written.
        ConfigError: its name ends in none of these.
        InputError, DecodeError: see `block_document`.
    """
    write_json(block_document(file), path)


def _block_hashes(fields: Fields) -> dict[int, Hash32]:
    if "block_hashes" not in fields:
        return {}
    return {
        parse_quantity(number, place, 64): parse_hash(value, place)
        for number, value, place in fields.fields("block_hashes").items()
    }


def _receipts(fields: Fields, block: Block) -> tuple[Receipt, ...] | None:
    if "receipts" not in fields:
        return None
    answer = answer_in(fields.member("receipts"), fields.place_of("receipts"))
    elements = Fields({"receipts": answer}, fields.place).elements("receipts")
    if len(elements) != len(block.transactions):
        place = fields.place_of("receipts")
        raise DecodeError(f"{place}: not one receipt per transaction", place)
    return tuple(
        Receipt.from_fields(Fields(*element), transaction.type)
        for element, transaction in zip(elements, block.transactions, strict=True)
    )
