"""A small, valid block file, made here, to be spoilt by tests. No test of its own."""

from __future__ import annotations

import copy
from typing import Any

from eth_keys.datatypes import PrivateKey

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import bloom_of, receipts_root
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import parse_block_file
from blockstm.reference import execute_block

KEY = PrivateKey(b"\x01" * 32)
SENDER = KEY.public_key.to_canonical_address()
RECEIVER, COINBASE = b"\x22" * 20, b"\xcb" * 20
# Logs one word of its call data: PUSH1 0 CALLDATALOAD PUSH1 0 MSTORE PUSH1 32 PUSH1 0 LOG0
LOGGER, LOGGER_CODE = b"\x33" * 20, bytes.fromhex("60003560005260206000a0")
NO_OMMERS_HASH = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
NUMBER = 15_000_000  # Arrow Glacier


def hex_of(value: int | bytes) -> str:
    """A quantity, or data."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def signed_transaction(nonce: int, to: bytes, data: bytes = b"") -> dict[str, Any]:
    """A dynamic-fee transaction of `SENDER` as JSON."""
    members = {
        "type": hex_of(2),
        "chainId": hex_of(1),
        "nonce": hex_of(nonce),
        "maxPriorityFeePerGas": hex_of(2),
        "maxFeePerGas": hex_of(100),
        "gas": hex_of(100_000),
        "to": hex_of(to),
        "value": hex_of(5),
        "input": hex_of(data),
        "accessList": [],
        "yParity": hex_of(0),
        "r": hex_of(1),
        "s": hex_of(1),
    }
    unsigned = Transaction.from_fields(Fields(members, "transaction"))
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    members |= {"yParity": hex_of(signature.v), "r": hex_of(signature.r), "s": hex_of(signature.s)}
    transaction = Transaction.from_fields(Fields(members, "transaction"))
    return members | {"hash": hex_of(transaction.hash), "from": hex_of(SENDER)}


def block_document() -> dict[str, Any]:
    """A block file of three transactions that matches its header, receipts included."""
    document: dict[str, Any] = {
        "block": {
            **_header(),
            "transactions": [
                signed_transaction(0, RECEIVER),
                signed_transaction(1, LOGGER, b"\x01" * 32),
                signed_transaction(2, LOGGER, b"\x02" * 32),
            ],
            "uncles": [],
        },
        "pre_state": {
            hex_of(SENDER): _account(10**9),
            hex_of(LOGGER): _account(0, 1, LOGGER_CODE),
        },
        "block_hashes": {},
    }
    return seal(document)


def seal(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the header and the receipts that executing it gives."""
    document = copy.deepcopy(document)
    header = document["block"]
    file = parse_block_file(document)
    run = prepare_file(file, "py-evm", workers=1).run(execute_block)
    header["transactionsRoot"] = hex_of(file.block.transactions_root)
    header["gasUsed"] = hex_of(run.result.gas_used)
    header["receiptsRoot"] = hex_of(receipts_root(run.receipts))
    header["logsBloom"] = hex_of(bloom_of(log for each in run.receipts for log in each.logs))
    header["hash"] = hex_of(Block.from_fields(Fields(header, "block")).header.hash)
    document["receipts"] = [
        {
            "status": hex_of(int(receipt.succeeded)),
            "cumulativeGasUsed": hex_of(receipt.cumulative_gas_used),
            "logs": [
                {
                    "address": hex_of(log[0]),
                    "topics": [hex_of(topic) for topic in log[1]],
                    "data": hex_of(log[2]),
                }
                for log in receipt.logs
            ],
        }
        for receipt in run.receipts
    ]
    return document


def _account(balance: int, nonce: int = 0, code: bytes = b"") -> dict[str, Any]:
    return {
        "balance": hex_of(balance),
        "nonce": hex_of(nonce),
        "code": hex_of(code),
        "storage": {},
    }


def _header() -> dict[str, Any]:
    return {
        "hash": hex_of(bytes(32)),
        "parentHash": hex_of(keccak(b"parent")),
        "sha3Uncles": NO_OMMERS_HASH,
        "miner": hex_of(COINBASE),
        "stateRoot": hex_of(EMPTY_TRIE_ROOT),
        "transactionsRoot": hex_of(EMPTY_TRIE_ROOT),
        "receiptsRoot": hex_of(EMPTY_TRIE_ROOT),
        "logsBloom": hex_of(bytes(256)),
        "difficulty": hex_of(1),
        "number": hex_of(NUMBER),
        "gasLimit": hex_of(30_000_000),
        "gasUsed": hex_of(0),
        "timestamp": hex_of(1_655_000_000),
        "extraData": "0x",
        "mixHash": hex_of(bytes(32)),
        "nonce": hex_of(bytes(8)),
        "baseFeePerGas": hex_of(7),
    }
