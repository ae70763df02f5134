"""Execution payloads (engine API): every official block there and back, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.ethereum.official import documents, official_chain

from blockstm import execute_block
from blockstm.cli.fixtures import values
from blockstm.errors import DecodeError, InputError, InvalidBlock
from blockstm.ethereum import (
    AccountState,
    Block,
    Reason,
    block_of_payload,
    payload_of_block,
)
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.codecs.fields import Fields

AMSTERDAM = "eest-amsterdam-glamsterdam-devnet-8.tar.xz"
ARCHIVES = {
    "eest-shanghai.tar.xz": "",
    "eest-cancun.tar.xz": "blob_txs",
    "eest-prague.tar.xz": "eip7685",
    AMSTERDAM: "eip8282",
}


@cache
def blocks(archive: str) -> tuple[tuple[Block, Any], ...]:
    """Valid blocks of an archive with their lists, and the test that each is the first of."""
    found = []
    for path, document in documents(archive, ARCHIVES[archive]):
        for name, test in document.items() if "blockchain_tests/" in path else ():
            case = official_chain(f"{path}:{name}", test)
            first = case.blocks[0]
            block = Block.decode(first.encoding) if first.is_valid else None
            if block is None or block.header.base_fee_per_gas is None or block.header.difficulty:
                continue
            if "blockAccessList" in first.members:
                listed = BlockAccessList.from_fields(Fields(first.members, ""))
                block = replace(block, access_list=listed)
            found.append((block, (case.chain, case.genesis.header, test)))
            if len(found) == 60:
                return tuple(found)
    return tuple(found)


def requests_of(block: Block, test: Any) -> Any:
    """The requests of a block, which only running it tells."""
    if block.header.requests_hash is None:
        return None
    return run(block, test).requests


def run(block: Block, test: Any) -> Any:
    chain, parent, document = test
    state = AccountState(values.accounts(document["pre"], ""))
    return execute_block(block, state, vm="evm", chain=chain, parent=parent, workers=1)


def beside(block: Block, test: Any) -> dict[str, Any]:
    """The other parameters of engine_newPayload."""
    hashes = [f"0x{h.hex()}" for each in block.transactions for h in each.blob_hashes]
    root, requests = block.header.parent_beacon_block_root, requests_of(block, test)
    return {
        "blob_hashes": None if root is None else hashes,
        "parent_beacon_block_root": None if root is None else f"0x{root.hex()}",
        "execution_requests": None if requests is None else [f"0x{r.hex()}" for r in requests],
    }


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_block_goes_there_and_back(archive: str) -> None:
    assert len(blocks(archive)) > 10
    for block, test in blocks(archive):
        payload = payload_of_block(block)
        assert block_of_payload(payload, **beside(block, test)) == block
        assert payload["blockHash"] == f"0x{block.hash.hex()}"


def test_the_shape_is_the_forks() -> None:
    shapes = [
        {"withdrawals"},
        {"withdrawals", "blobGasUsed", "excessBlobGas"},
        {"withdrawals", "blobGasUsed", "excessBlobGas"},
        {"withdrawals", "blobGasUsed", "excessBlobGas", "blockAccessList", "slotNumber"},
    ]
    every = shapes[-1]
    for archive, shape in zip(ARCHIVES, shapes, strict=True):
        block = blocks(archive)[-1][0]
        assert payload_of_block(block).keys() & every == shape


def amsterdam() -> tuple[dict[str, Any], dict[str, Any]]:
    """A payload with requests, and what comes beside it."""
    for block, test in blocks(AMSTERDAM):
        others = beside(block, test)
        if others["execution_requests"] and block.transactions:
            return payload_of_block(block), others
    raise AssertionError("no block with requests")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("blockHash", "0x12"),
        ("blockNumber", "three"),
        ("gasUsed", "0x01"),
        ("timestamp", "0x1" + "0" * 16),
        ("logsBloom", "0x00"),
        ("transactions", {}),
        ("transactions", ["0x"]),
        ("transactions", ["0x05c0"]),
        ("withdrawals", [{}]),
        ("blobGasUsed", None),
        ("slotNumber", None),
        ("blockAccessList", None),
        ("blockAccessList", "0x80"),
        ("blockAccessList", "0xc101"),
        ("parentHash", None),
    ],
)
def test_what_is_malformed_is_named(member: str, value: Any) -> None:
    payload, others = amsterdam()
    with pytest.raises(DecodeError, match=f"executionPayload.{member}") as caught:
        block_of_payload(payload | {member: value}, **others)
    assert caught.value.place.startswith(f"executionPayload.{member}")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"parent_beacon_block_root": None}, "parentBeaconBlockRoot"),
        ({"parent_beacon_block_root": "0x00"}, "parentBeaconBlockRoot"),
        ({"execution_requests": None}, "executionRequests"),
        ({"execution_requests": ["0x00"]}, "executionRequests[0]"),
        ({"execution_requests": ["0x0101", "0x0001"]}, "executionRequests[1]"),
        ({"execution_requests": ["0x0101", "0x0102"]}, "executionRequests[1]"),
        ({"execution_requests": "0x0101"}, "executionRequests"),
        ({"blob_hashes": ["0x01"]}, "expectedBlobVersionedHashes[0]"),
        ({"blob_hashes": [7]}, "expectedBlobVersionedHashes[0]"),
    ],
)
def test_what_comes_beside_it_is_checked_too(change: dict[str, Any], place: str) -> None:
    payload, others = amsterdam()
    with pytest.raises(DecodeError) as caught:
        block_of_payload(payload, **others | change)
    assert caught.value.place == place


def test_a_payload_of_another_fork_takes_nothing_beside_it() -> None:
    block, _ = blocks("eest-shanghai.tar.xz")[0]
    payload = payload_of_block(block)
    assert block_of_payload(payload) == block
    with pytest.raises(DecodeError, match="parentBeaconBlockRoot"):
        block_of_payload(payload, parent_beacon_block_root=bytes(32))
    with pytest.raises(DecodeError, match="executionRequests"):
        block_of_payload(payload, execution_requests=[])


def test_another_hash_and_other_blobs_are_invalid() -> None:
    payload, others = amsterdam()
    with pytest.raises(InvalidBlock) as caught:
        block_of_payload(payload | {"gasUsed": "0x1"}, **others)
    assert caught.value.reason == Reason.BLOCK_HASH
    with pytest.raises(InvalidBlock, match=r"blob 0 .* is none, .* says 0x01") as caught:
        block_of_payload(payload, **others | {"blob_hashes": [b"\x01" + bytes(31)]})
    assert caught.value.reason == Reason.BLOB_HASHES


def test_a_list_in_a_wrong_form_is_the_blocks_fault() -> None:
    block, test = next(each for each in blocks(AMSTERDAM) if each[0].transactions)
    assert block.access_list is not None
    backwards = BlockAccessList(block.access_list.accounts[::-1])
    header = replace(block.header, block_access_list_hash=backwards.hash)
    wrong = replace(block, header=header, hash=header.hash, access_list=backwards)
    others = beside(block, test)
    with pytest.raises(InvalidBlock, match="ascending") as caught:
        run(block_of_payload(payload_of_block(wrong), **others), test)
    assert caught.value.reason == Reason.ACCESS_LIST_FORM


def test_what_is_no_payload_is_refused() -> None:
    block, _ = blocks(AMSTERDAM)[0]
    with pytest.raises(InputError, match="access_list"):
        payload_of_block(replace(block, access_list=None))
    before_london = replace(block.header, base_fee_per_gas=None)
    with pytest.raises(InputError, match="before Paris"):
        payload_of_block(replace(block, header=before_london))
    with pytest.raises(DecodeError, match="executionPayload"):
        block_of_payload([])  # type: ignore[arg-type]  # what JSON may hold
