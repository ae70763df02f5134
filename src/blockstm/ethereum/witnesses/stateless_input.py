"""The stateless input of EIP-8025: an engine API request and its witness in SSZ, behind two bytes.

The two bytes are the schema: Amsterdam's, revision 1. Beside payload and witness it has the chain
id, and the public keys of the transactions' signers, which are compared with those that the
signatures give. Source: EIP-8025, "SSZ encoding"; execution-specs ``stateless_ssz.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.ssz import ByteList, ByteVector, Container, List, Number, Type
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.files.payloads import block_of_payload
from blockstm.ethereum.rules.requests import (
    BUILDER_DEPOSIT_REQUESTS,
    BUILDER_EXIT_REQUESTS,
    CONSOLIDATION_REQUESTS,
    DEPOSIT_REQUESTS,
    WITHDRAWAL_REQUESTS,
)
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.types import Hash32

__all__ = ["SCHEMA_ID", "StatelessInput", "decode_stateless_input", "is_stateless_input"]

SCHEMA_ID: Final = 0x1501
"""Amsterdam, revision 1: the schema that is known."""

_SCHEMA: Final = SCHEMA_ID.to_bytes(2, "big")
_BEGIN: Final = _SCHEMA + (20).to_bytes(4, "little")  # then the offset of the request
_KEY_SIZE: Final = 65
_UNCOMPRESSED: Final = 4

_U64, _U256, _HASH, _ADDRESS = Number(8), Number(32), ByteVector(32), ByteVector(20)
_PUBKEY, _SIGNATURE = ByteVector(48), ByteVector(96)

_WITHDRAWAL: Final = Container(
    {"index": _U64, "validatorIndex": _U64, "address": _ADDRESS, "amount": _U64}
)
_PAYLOAD: Final = Container(
    {
        "parentHash": _HASH,
        "feeRecipient": _ADDRESS,
        "stateRoot": _HASH,
        "receiptsRoot": _HASH,
        "logsBloom": ByteVector(BLOOM_SIZE),
        "prevRandao": _HASH,
        "blockNumber": _U64,
        "gasLimit": _U64,
        "gasUsed": _U64,
        "timestamp": _U64,
        "extraData": ByteList(32),
        "baseFeePerGas": _U256,
        "blockHash": _HASH,
        "transactions": List(ByteList()),
        "withdrawals": List(_WITHDRAWAL),
        "blobGasUsed": _U64,
        "excessBlobGas": _U64,
        "blockAccessList": ByteList(),
        "slotNumber": _U64,
    },
    is_progressive=True,
)
_CREDENTIALS: Final[dict[str, Type]] = {
    "pubkey": _PUBKEY,
    "withdrawalCredentials": _HASH,
    "amount": _U64,
}
_REQUESTS: Final = Container(
    {
        "deposits": List(Container({**_CREDENTIALS, "signature": _SIGNATURE, "index": _U64})),
        "withdrawals": List(
            Container({"sourceAddress": _ADDRESS, "validatorPubkey": _PUBKEY, "amount": _U64})
        ),
        "consolidations": List(
            Container({"sourceAddress": _ADDRESS, "sourcePubkey": _PUBKEY, "targetPubkey": _PUBKEY})
        ),
        "builderDeposits": List(Container({**_CREDENTIALS, "signature": _SIGNATURE})),
        "builderExits": List(Container({"sourceAddress": _ADDRESS, "pubkey": _PUBKEY})),
    },
    is_progressive=True,
)
_REQUEST_TYPES: Final = {
    "deposits": DEPOSIT_REQUESTS,
    "withdrawals": WITHDRAWAL_REQUESTS,
    "consolidations": CONSOLIDATION_REQUESTS,
    "builderDeposits": BUILDER_DEPOSIT_REQUESTS,
    "builderExits": BUILDER_EXIT_REQUESTS,
}
_NEW_PAYLOAD: Final = Container(
    {
        "executionPayload": _PAYLOAD,
        "versionedHashes": List(_HASH),
        "parentBeaconBlockRoot": _HASH,
        "executionRequests": _REQUESTS,
    }
)
_WITNESS: Final = Container(
    {
        "state": List(ByteList(1 << 10)),
        "codes": List(ByteList(1 << 16)),
        "headers": List(ByteList(1 << 10), 256),
    }
)
_INPUT: Final = Container(
    {
        "newPayloadRequest": _NEW_PAYLOAD,
        "witness": _WITNESS,
        "chainId": _U64,
        "publicKeys": List(ByteVector(_KEY_SIZE)),
    }
)


@dataclass(frozen=True, slots=True)
class StatelessInput:
    """What a stateless guest is fed with.

    Attributes:
        block: of the payload, with its access list.
        witness: of the block.
        chain_id: of the chain that it is on.
        request_root: ``hash_tree_root`` of the request, which a proof commits to.
    """

    block: Block
    witness: Witness
    chain_id: int
    request_root: Hash32


def is_stateless_input(data: bytes) -> bool:
    """Whether a file begins as the known schema does."""
    return data.startswith(_BEGIN)


def decode_stateless_input(data: bytes) -> StatelessInput:
    """Read a stateless input. Pure; safe from any thread.

    Raises:
        DecodeError: it is of another schema, or malformed; headers are not those of a chain that
            ends with the block's parent; or a public key is not the signer's. ``place`` says where.
        InvalidBlock: the payload has not the hash, or not the blobs, that the request says.
    """
    if data[:2] != _SCHEMA:
        found = f"0x{data[:2].hex()}" if data else "nothing"
        raise DecodeError(f"schema: expected 0x{_SCHEMA.hex()} (Amsterdam), not {found}", "schema")
    value = _INPUT.decode(data[2:], "")
    request = value["newPayloadRequest"]
    block = _block(request)
    _check_keys(block, value["publicKeys"])
    witness = _witness(value["witness"], block)
    root = Hash32(_NEW_PAYLOAD.root(request))
    return StatelessInput(block, witness, value["chainId"], root)


def _block(request: Mapping[str, Any]) -> Block:
    payload = request["executionPayload"]
    members: dict[str, Any] = {
        name: shown(value) for name, value in payload.items() if not isinstance(value, list)
    }
    members["transactions"] = [shown(each) for each in payload["transactions"]]
    members["withdrawals"] = [
        {name: shown(value) for name, value in each.items()} for each in payload["withdrawals"]
    ]
    return block_of_payload(
        members,
        blob_hashes=request["versionedHashes"],
        parent_beacon_block_root=request["parentBeaconBlockRoot"],
        execution_requests=_requests(request["executionRequests"]),
    )


def _requests(typed: Mapping[str, list[dict[str, Any]]]) -> list[bytes]:
    """The requests as the header commits to them: each list that has any, behind its type."""
    encoded = {name: b"".join(map(_encoded, each)) for name, each in typed.items()}
    return [_REQUEST_TYPES[name] + data for name, data in encoded.items() if data]


def _encoded(request: Mapping[str, Any]) -> bytes:
    """A request's members one behind the other: numbers are of 8 bytes."""
    return b"".join(
        each.to_bytes(8, "little") if isinstance(each, int) else each for each in request.values()
    )


def _check_keys(block: Block, keys: list[bytes]) -> None:
    """Compare the public keys with the signers, whose addresses are the keys' hashes."""
    place = "publicKeys"
    if len(keys) != len(block.transactions):
        what = f"{len(keys)} keys of {len(block.transactions)} transactions"
        raise DecodeError(f"{place}: {what}", place)
    senders = find_senders(block.transactions, 1, high_s_allowed=False)
    for index, (key, sender) in enumerate(zip(keys, senders, strict=True)):
        if sender is not None and (key[0] != _UNCOMPRESSED or keccak(key[1:])[12:] != sender):
            place = f"{place}[{index}]"
            raise DecodeError(f"{place}: it is not the key that signed the transaction", place)


def _witness(value: Mapping[str, list[bytes]], block: Block) -> Witness:
    encodings = value["headers"]
    if not encodings or keccak(encodings[-1]) != block.header.parent_hash:
        place = "witness.headers"
        raise DecodeError(f"{place}: the last is not the header of the block's parent", place)
    headers = tuple(
        Header.decode(each, f"witness.headers[{index}]") for index, each in enumerate(encodings)
    )
    for index, (before, header) in enumerate(pairwise(headers)):
        if header.parent_hash != before.hash:
            place = f"witness.headers[{index + 1}]"
            raise DecodeError(f"{place}: its parent is not the header before it", place)
    root = headers[-1].state_root
    return Witness(root, tuple(value["state"]), tuple(value["codes"]), headers)
