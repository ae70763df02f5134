"""Execution payloads: blocks as the engine API passes them between a beacon node and a client.

`block_of_payload` takes what ``engine_newPayloadV1`` to ``V5`` have as parameters: the payload,
whose shape is ``ExecutionPayloadV1`` (Paris), ``V2`` (Shanghai), ``V3`` (Cancun to Osaka) or ``V4``
(Amsterdam), and beside it what the header commits to and the payload leaves out. Source: the
execution-apis, ``src/engine``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.fields import Fields, parse_data, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.tries.list_root import list_root
from blockstm.kinds import check_kind
from blockstm.types import BlockNumber, Hash32

__all__ = ["block_of_payload", "payload_of_block"]

_PAYLOAD: Final = "executionPayload"
_BLOB_HASHES: Final = "expectedBlobVersionedHashes"
_BEACON_ROOT: Final = "parentBeaconBlockRoot"
_REQUESTS: Final = "executionRequests"
_HASH_SIZE: Final = 32


def block_of_payload(
    payload: Mapping[str, Any],
    *,
    blob_hashes: Sequence[str | bytes] | None = None,
    parent_beacon_block_root: str | bytes | None = None,
    execution_requests: Sequence[str | bytes] | None = None,
) -> Block:
    """The block of an execution payload. Pure; safe from any thread.

    Its access list (from Amsterdam on) comes along as `Block.access_list`, in canonical form or
    not: executing the block compares it.

    Args:
        payload: the JSON object.
        blob_hashes: ``expectedBlobVersionedHashes``, of all blobs in order; None: not compared.
        parent_beacon_block_root: from Cancun on, and not before.
        execution_requests: from Prague on, and not before: each a type and at least one byte,
            by ascending type (EIP-7685).

    Raises:
        DecodeError: something is missing, malformed, or of another fork than the rest; ``place``
            says what.
        InvalidBlock: the block has not the hash that the payload says (`Reason.BLOCK_HASH`), or
            not these blobs (`Reason.BLOB_HASHES`).
    """
    fields = Fields(payload, _PAYLOAD)
    encodings = [parse_data(*element) for element in fields.elements("transactions")]
    transactions = tuple(
        Transaction.decode(encoding, f"{fields.place_of('transactions')}[{index}]")
        for index, encoding in enumerate(encodings)
    )
    header = _header(
        fields,
        list_root(encodings),
        withdrawals := _withdrawals(fields),
        _beacon_root(fields, parent_beacon_block_root),
        _requests_hash(fields, execution_requests),
    )
    listed = _access_list(fields)
    block_hash = fields.hash("blockHash")
    block = Block(block_hash, header, transactions, withdrawals, access_list=listed)
    if header.hash != block.hash:
        detail = (
            f"its header hashes to 0x{header.hash.hex()}, the payload says 0x{block.hash.hex()}"
        )
        raise Violation(Reason.BLOCK_HASH, detail).error()
    if blob_hashes is not None:
        _check_blobs(block, blob_hashes)
    return block


def payload_of_block(block: Block) -> dict[str, Any]:
    """The execution payload of a block: the JSON object, of the shape that its fork has.

    Raises:
        InputError: the block is from before Paris, or it has the hash of an access list and not the
            list (`Block.access_list`).
    """
    check_kind(block, Block, "block")
    header = block.header
    if header.difficulty or header.base_fee_per_gas is None:
        raise InputError(f"block {header.number} is from before Paris, and no payload")
    if header.block_access_list_hash is not None and block.access_list is None:
        raise InputError("a payload from Amsterdam on needs the block's access_list, which is None")
    members: dict[str, int | bytes | None] = {
        "parentHash": header.parent_hash,
        "feeRecipient": header.coinbase,
        "stateRoot": header.state_root,
        "receiptsRoot": header.receipts_root,
        "logsBloom": header.logs_bloom,
        "prevRandao": header.mix_hash,
        "blockNumber": header.number,
        "gasLimit": header.gas_limit,
        "gasUsed": header.gas_used,
        "timestamp": header.timestamp,
        "extraData": header.extra_data,
        "baseFeePerGas": header.base_fee_per_gas,
        "blockHash": block.hash,
        "blobGasUsed": header.blob_gas_used,
        "excessBlobGas": header.excess_blob_gas,
        "blockAccessList": None if block.access_list is None else block.access_list.encode(),
        "slotNumber": header.slot_number,
    }
    payload: dict[str, Any] = {n: shown(value) for n, value in members.items() if value is not None}
    payload["transactions"] = [shown(each.encode()) for each in block.transactions]
    if block.withdrawals is not None:
        payload["withdrawals"] = [each.to_json() for each in block.withdrawals]
    return payload


def _header(
    fields: Fields,
    transactions_root: Hash32,
    withdrawals: tuple[Withdrawal, ...] | None,
    beacon_root: Hash32 | None,
    requests: Hash32 | None,
) -> Header:
    has_blobs = _has_blobs(fields)
    has_list = _has_access_list(fields)
    return Header(
        parent_hash=fields.hash("parentHash"),
        ommers_hash=NO_OMMERS_HASH,
        coinbase=fields.address("feeRecipient"),
        state_root=fields.hash("stateRoot"),
        transactions_root=transactions_root,
        receipts_root=fields.hash("receiptsRoot"),
        logs_bloom=fields.data("logsBloom", BLOOM_SIZE),
        difficulty=0,
        number=BlockNumber(fields.quantity("blockNumber", 64)),
        gas_limit=fields.quantity("gasLimit", 64),
        gas_used=fields.quantity("gasUsed", 64),
        timestamp=fields.quantity("timestamp", 64),
        extra_data=fields.data("extraData"),
        mix_hash=fields.hash("prevRandao"),
        nonce=bytes(8),
        base_fee_per_gas=fields.quantity("baseFeePerGas"),
        withdrawals_root=None
        if withdrawals is None
        else list_root([each.encode() for each in withdrawals]),
        blob_gas_used=fields.quantity("blobGasUsed", 64) if has_blobs else None,
        excess_blob_gas=fields.quantity("excessBlobGas", 64) if has_blobs else None,
        parent_beacon_block_root=beacon_root,
        requests_hash=requests,
        block_access_list_hash=keccak(fields.data("blockAccessList")) if has_list else None,
        slot_number=fields.quantity("slotNumber", 64) if has_list else None,
    )


def _has_blobs(fields: Fields) -> bool:
    return _has_both(fields, "blobGasUsed", "excessBlobGas", needs="withdrawals")


def _has_access_list(fields: Fields) -> bool:
    return _has_both(fields, "blockAccessList", "slotNumber", needs="blobGasUsed")


def _has_both(fields: Fields, first: str, second: str, *, needs: str) -> bool:
    """Whether the payload has two members that came with one fork, after ``needs``."""
    if first not in fields and second not in fields:
        return False
    for name in (first, second, needs):
        if name not in fields:
            place = fields.place_of(name)
            raise DecodeError(f"{place}: missing, where a payload has {first} or {second}", place)
    return True


def _withdrawals(fields: Fields) -> tuple[Withdrawal, ...] | None:
    elements = fields.elements_or_none("withdrawals")
    if elements is None:
        return None
    return tuple(Withdrawal.from_fields(Fields(*element)) for element in elements)


def _access_list(fields: Fields) -> BlockAccessList | None:
    if "blockAccessList" not in fields:
        return None
    place = fields.place_of("blockAccessList")
    return BlockAccessList.decode(fields.data("blockAccessList"), place, canonical=False)


def _beacon_root(fields: Fields, root: str | bytes | None) -> Hash32 | None:
    if _has_blobs(fields) != (root is not None):
        raise _of_another_fork(_BEACON_ROOT, "blobGasUsed", root)
    return None if root is None else Hash32(_bytes(root, _BEACON_ROOT, _HASH_SIZE))


def _requests_hash(fields: Fields, requests: Sequence[str | bytes] | None) -> Hash32 | None:
    """From Prague on; a payload alone does not tell Prague from Cancun."""
    if requests is None:
        if _has_access_list(fields):
            raise _of_another_fork(_REQUESTS, "blockAccessList", requests)
        return None
    if not _has_blobs(fields):
        raise _of_another_fork(_REQUESTS, "blobGasUsed", requests)
    listed = _each(requests, _REQUESTS)
    before = -1
    for index, request in enumerate(listed):
        place = f"{_REQUESTS}[{index}]"
        if len(request) < 2:
            raise DecodeError(f"{place}: expected a type and what is requested", place)
        if request[0] <= before:
            what = f"type {request[0]} behind type {before}"
            raise DecodeError(f"{place}: {what}, expected ascending types", place)
        before = request[0]
    return requests_hash(listed)


def _check_blobs(block: Block, expected: Sequence[str | bytes]) -> None:
    wanted = _each(expected, _BLOB_HASHES, _HASH_SIZE)
    found = [hash_ for each in block.transactions for hash_ in each.blob_hashes]
    if found == wanted:
        return
    place = next(
        (n for n, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(wanted)),
    )
    ours, theirs = (
        f"0x{listed[place].hex()}" if place < len(listed) else "none" for listed in (found, wanted)
    )
    detail = f"blob {place} of its transactions is {ours}, {_BLOB_HASHES} says {theirs}"
    raise Violation(Reason.BLOB_HASHES, detail).error()


def _of_another_fork(name: str, member: str, value: object) -> DecodeError:
    given = "missing" if value is None else "given"
    beside = "with" if value is None else "without"
    return DecodeError(f"{name}: {given} beside a payload {beside} {member}", name)


def _each(listed: object, place: str, size: int | None = None) -> list[bytes]:
    if isinstance(listed, str | bytes) or not isinstance(listed, Sequence):
        raise DecodeError(f"{place}: expected a list of data", place)
    return [_bytes(each, f"{place}[{index}]", size) for index, each in enumerate(listed)]


def _bytes(value: object, place: str, size: int | None = None) -> bytes:
    """Bytes as they are, or as data."""
    return parse_data(shown(value) if isinstance(value, bytes) else value, place, size)
