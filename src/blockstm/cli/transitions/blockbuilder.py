"""``blockstm b11r``: a block's RLP put together of its parts; a stand-in for ``evm b11r``.

Nothing is executed or checked: roots and gas are what the header says. What the header leaves out
is empty or, of ommers, computed.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

from blockstm.cli.transitions.failures import (
    CONFIG,
    JSON,
    RLP,
    TransitionFailure,
    exit_status,
    failing,
)
from blockstm.cli.transitions.files import (
    STDERR,
    STDIN,
    STDOUT,
    Outputs,
    add_file_options,
    read_document,
    read_stdin,
)
from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_bytes
from blockstm.ethereum.codecs.rlp import encode_list
from blockstm.ethereum.transition import transactions_from_rlp
from blockstm.ethereum.tries.list_root import list_root
from blockstm.types import Address, BlockNumber, Hash32

__all__ = ["add_parser", "main"]

_INPUTS: Final = (
    ("header", "header.json", "the header"),
    ("ommers", "", "a list of the headers of ommers, as RLP"),
    ("txs", "txs.rlp", "the list of transactions, as RLP"),
    ("withdrawals", "", "the withdrawals"),
)


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``b11r`` to the subcommands; its arguments go to `main`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "b11r",
        help="put a block together of header, transactions, ommers, withdrawals",
        description="Puts a block together, and writes its RLP and its hash. Nothing is checked.",
        allow_abbrev=False,
    )
    add_file_options(
        parser,
        (
            (f"--input.{name}", name, default, f"{text}: stdin, or a file")
            for name, default, text in _INPUTS
        ),
    )
    parser.add_argument("--output.basedir", dest="basedir", default="", metavar="FOLDER")
    add_file_options(
        parser, [("--output.block", "block", "block.json", "stdout, stderr, or a file")]
    )
    parser.add_argument(
        "--seal.clique", dest="clique", default="", metavar="FILE", help="is not supported"
    )
    parser.add_argument("--verbosity", type=int, default=3, metavar="N", help="changes nothing")
    return parser


def main(args: argparse.Namespace) -> int:
    """Put the block together; the exit status."""
    return exit_status(lambda: _make(args))


def _make(args: argparse.Namespace) -> None:
    if args.clique:
        raise TransitionFailure(CONFIG, "sealing a block with clique is not supported")
    sources = {name: getattr(args, name) for name, _, _ in _INPUTS}
    given = read_stdin() if STDIN in sources.values() else {}
    parts = {
        name: given.get(name) if source == STDIN else read_document(source, name)
        for name, source in sources.items()
        if source
    }
    with failing():
        block = _block(parts)
        document = {"rlp": shown(block.encode()), "hash": shown(block.hash)}
    streams = {STDOUT: sys.stdout, STDERR: sys.stderr}
    if args.block in streams:
        print(json.dumps(document, indent=2), file=streams[args.block])
    elif args.block:
        Outputs(args.basedir).write(args.block, json.dumps(document, indent=1))


def _block(parts: dict[str, Any]) -> Block:
    transactions = []
    for each in transactions_from_rlp(loose_bytes(parts.get("txs") or "0xc0", "txs"), "txs"):
        if each.transaction is None:
            raise TransitionFailure(RLP, f"unable to decode transaction: {each.error}")
        transactions.append(each.transaction)
    fields = LooseFields({"ommers": parts.get("ommers") or []}, "")
    ommers = tuple(
        Header.decode(loose_bytes(value, place), place)
        for value, place in fields.elements("ommers")
    )
    withdrawals = None
    if parts.get("withdrawals") is not None:
        listed = LooseFields({"withdrawals": parts["withdrawals"]}, "").elements("withdrawals")
        withdrawals = tuple(_withdrawal(LooseFields(*each)) for each in listed)
    if parts.get("header") is None:
        raise TransitionFailure(JSON, "header: missing")
    header = _header(LooseFields(parts["header"], "header"), ommers)
    return Block(header.hash, header, tuple(transactions), withdrawals, ommers)


def _withdrawal(fields: LooseFields) -> Withdrawal:
    return Withdrawal(
        fields.number("index", bits=64),
        fields.number("validatorIndex", bits=64),
        Address(fields.loose_bytes("address", 20)),
        fields.number("amount", bits=64),
    )


def _header(fields: LooseFields, ommers: tuple[Header, ...]) -> Header:
    for name in ("stateRoot", "number", "gasLimit", "timestamp"):
        fields.member(name)  # or it is missing

    def given(name: str, default: Hash32) -> Hash32:
        return fields.loose_hash(name) if name in fields else default

    def number(name: str, bits: int = 64) -> int | None:
        return fields.number(name, bits=bits) if name in fields else None

    def root(name: str) -> Hash32 | None:
        return fields.loose_hash(name) if name in fields else None

    nothing = list_root([])
    header = Header(
        parent_hash=fields.loose_hash("parentHash"),
        ommers_hash=given("sha3Uncles", keccak(encode_list([each.encode() for each in ommers]))),
        coinbase=fields.loose_address("miner"),
        state_root=fields.loose_hash("stateRoot"),
        transactions_root=given("transactionsRoot", nothing),
        receipts_root=given("receiptsRoot", nothing),
        logs_bloom=fields.loose_bytes("logsBloom", BLOOM_SIZE),
        difficulty=fields.number("difficulty"),
        number=BlockNumber(fields.number("number", bits=64)),
        gas_limit=fields.number("gasLimit", bits=64),
        gas_used=fields.number("gasUsed", bits=64),
        timestamp=fields.number("timestamp", bits=64),
        extra_data=fields.loose_bytes("extraData"),
        mix_hash=fields.loose_hash("mixHash"),
        nonce=fields.loose_bytes("nonce", 8),
        base_fee_per_gas=number("baseFeePerGas", 256),
        withdrawals_root=root("withdrawalsRoot"),
        blob_gas_used=number("blobGasUsed"),
        excess_blob_gas=number("excessBlobGas"),
        parent_beacon_block_root=root("parentBeaconBlockRoot"),
        requests_hash=root("requestsHash"),
        block_access_list_hash=root("blockAccessListHash"),
        slot_number=number("slotNumber"),
    )
    if Header.decode(header.encode(), "header") != header:
        raise DecodeError("header: no fork's headers have these members", "header")
    return header
