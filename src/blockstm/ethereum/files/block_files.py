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

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.codecs.fields import Fields, answer_in, parse_hash, parse_quantity
from blockstm.ethereum.codecs.json_files import read_json
from blockstm.ethereum.files.pre_state import parse_pre_state
from blockstm.state.accounts import Account, AccountState
from blockstm.types import Address, Hash32

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
