"""What executing a block gave, compared with its header; requests and access lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.official import documents, official_chains, sample_blocks

from blockstm._native.wire.receipts import ReceiptColumns, flat_logs
from blockstm.errors import DecodeError, InvalidBlock
from blockstm.ethereum.blocks.access_list import ITEM_GAS, AccountAccess, BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, bloom_of, receipts_root
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.results import check_results, results_violation
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.requests import deposits, requests_hash, requests_of

DEPOSIT_EVENT = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
CONTRACT: Any = bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa")
PARTS = ((160, 48), (256, 32), (320, 8), (384, 96), (512, 8))


def _deposit_data() -> bytearray:
    """The event's data as the contract's ABI lays it out, each part filled with its number."""
    data = bytearray(576)
    for place, (offset, size) in enumerate(PARTS):
        data[32 * place : 32 * place + 32] = offset.to_bytes(32, "big")
        data[offset : offset + 32] = size.to_bytes(32, "big")
        data[offset + 32 : offset + 32 + size] = bytes([place + 1]) * size
    return data


def _receipt(*logs: Any) -> Receipt:
    return Receipt(2, True, 0, logs)


def test_deposits_are_cut_out_of_their_events() -> None:
    data = bytes(_deposit_data())
    deposit = (CONTRACT, (DEPOSIT_EVENT,), data)
    others = [
        (CONTRACT, (), b""),
        (CONTRACT, (bytes(32),), b""),
        (b"\1" * 20, (DEPOSIT_EVENT,), b""),
    ]
    expected = b"".join(bytes([i + 1]) * size for i, (_, size) in enumerate(PARTS))
    receipts = [_receipt(*others), _receipt(deposit, deposit), _receipt(deposit)]
    assert deposits(receipts) == b"\0" + expected * 3
    assert deposits(receipts, b"\2" * 20) == b"\0"  # type: ignore[arg-type]  # an address is bytes
    assert requests_of(receipts, b"w", b"c") == (b"\0" + expected * 3, b"\1w", b"\2c")
    assert requests_of([], b"", b"c") == (b"\2c",)
    assert requests_hash(requests_of([], b"", b"")) == requests_hash([b"\0", b"\1", b"\2"])


def test_only_receipts_with_a_deposit_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    deposit = (CONTRACT, (DEPOSIT_EVENT,), bytes(_deposit_data()))
    other = _receipt((b"\2" * 20, (CONTRACT + bytes(12),), b""))
    listed = [_receipt(), _receipt(deposit), other]
    logs = [flat_logs(each.logs) for each in listed]
    flat = FlatReceipts(ReceiptColumns(bytes(3), bytes([1, 1, 1]), [5, 5, 5], logs))
    made: list[Any] = []
    monkeypatch.setattr(
        FlatReceipts, "__getitem__", lambda self, place: made.append(place) or listed[place]
    )
    assert deposits(flat) == deposits(listed)
    assert made == [1, 2]  # the last only mentions the contract


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"",
        *(
            lambda data, at=at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            for offset in (*range(0, 160, 32), *(offset for offset, _ in PARTS))
            for at in (offset, offset + 31)
        ),
    ],
)
def test_a_deposit_laid_out_otherwise_makes_the_block_invalid(spoil: Any) -> None:
    log = (CONTRACT, (DEPOSIT_EVENT,), bytes(spoil(bytes(_deposit_data()))))
    with pytest.raises(InvalidBlock) as caught:
        deposits([_receipt(), _receipt(log)])
    assert (caught.value.reason, caught.value.index) == (Reason.DEPOSIT_LAYOUT, 1)


def _results() -> tuple[Header, dict[str, Any]]:
    """A header, and the results that it is of."""
    receipts = (_receipt((CONTRACT, (bytes(32),), b"data")), Receipt(0, False, 9, ()))
    access_list = BlockAccessList((AccountAccess(CONTRACT, ((1, ((0, 2),)),), (3,)),))
    header = next(
        block.header
        for block in map(Block.decode, sample_blocks())
        if block.header.block_access_list_hash is not None
    )
    header = replace(
        header,
        gas_used=9,
        receipts_root=receipts_root(receipts),
        logs_bloom=bloom_of(receipts[0].logs),
        requests_hash=requests_hash([b"\1w"]),
        block_access_list_hash=access_list.hash,
    )
    return header, {
        "gas_used": 9,
        "receipts": receipts,
        "state_root": header.state_root,
        "requests": (b"\1w",),
        "access_list": access_list,
    }


def test_results_that_are_the_headers() -> None:
    header, results = _results()
    check_results(header, **results)
    check_results(header, 9, results["receipts"])  # what is not known is not checked


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"gas_used": 10}, Reason.GAS_USED),
        ({"receipts": ()}, Reason.RECEIPTS_ROOT),
        ({"state_root": b"\1" * 32}, Reason.STATE_ROOT),
        ({"requests": (b"\1x",)}, Reason.REQUESTS_HASH),
        ({"requests": ()}, Reason.REQUESTS_HASH),
        ({"access_list": BlockAccessList()}, Reason.ACCESS_LIST_HASH),
    ],
)
def test_results_that_differ_are_named(changed: Any, reason: Reason) -> None:
    header, results = _results()
    with pytest.raises(InvalidBlock) as caught:
        check_results(header, **(results | changed))
    assert caught.value.reason == reason
    assert caught.value.index is None


def test_a_bloom_may_differ_where_receipts_do_not() -> None:
    header, results = _results()
    violation = results_violation(replace(header, logs_bloom=bytes(256)), **results)
    assert violation is not None
    assert violation.reason == Reason.LOGS_BLOOM


def test_an_access_list_has_an_item_for_so_much_gas() -> None:
    header, results = _results()
    assert results["access_list"].item_count == 3
    assert results_violation(replace(header, gas_limit=3 * ITEM_GAS), **results) is None
    violation = results_violation(replace(header, gas_limit=3 * ITEM_GAS - 1), **results)
    assert violation is not None
    assert violation.reason == Reason.ACCESS_LIST_TOO_LARGE


def _access_list(said: Any) -> BlockAccessList:
    return BlockAccessList.from_fields(Fields({"blockAccessList": _canonical(said)}, ""))


def _canonical(value: Any, name: str = "") -> Any:
    """The tests' numbers, without their leading zeros."""
    if isinstance(value, dict):
        return {key: _canonical(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_canonical(element, name) for element in value]
    return value if name in ("address", "newCode") else hex(int(value, 16))


def test_official_access_lists_are_those_that_their_headers_name() -> None:
    seen = 0
    for test in official_chains("eest-amsterdam-eip7928-only.tar.xz"):
        for official in test.blocks:
            if not official.is_valid:
                continue
            access_list = _access_list(official.members["blockAccessList"])
            header = Block.decode(official.encoding).header
            assert access_list.hash == header.block_access_list_hash, test.name
            assert access_list.item_count <= header.gas_limit // ITEM_GAS
            assert BlockAccessList.decode(access_list.encode()) == access_list
            assert _access_list(access_list.to_json()) == access_list
            seen += 1
    assert seen > 500


def test_official_access_lists_that_are_out_of_order_are_refused() -> None:
    refused = 0
    for path, document in documents("eest-amsterdam-eip7928-only.tar.xz", "_lists_invalid/"):
        if "duplicate" in path or "order" in path:
            for test in document.values():
                said = test["blocks"][0]["rlp_decoded"]["blockAccessList"]
                try:
                    _access_list(said)
                except DecodeError:
                    refused += 1
    assert refused > 5


ACCOUNT: Any = b"\x0a" * 20


@pytest.mark.parametrize(
    "value",
    [
        [[ACCOUNT, [], [], [], [], []], [ACCOUNT, [], [], [], [], []]],
        [[ACCOUNT, [], [], [], [], []], [b"\x09" * 20, [], [], [], [], []]],
        [[ACCOUNT, [], [2, 1], [], [], []]],
        [[ACCOUNT, [], [1, 1], [], [], []]],
        [[ACCOUNT, [[1, [[0, 5]]]], [1], [], [], []]],
        [[ACCOUNT, [[1, []]], [], [], [], []]],
        [[ACCOUNT, [[2, [[0, 5]]], [1, [[0, 5]]]], [], [], [], []]],
        [[ACCOUNT, [[1, [[1, 5], [1, 6]]]], [], [], [], []]],
        [[ACCOUNT, [], [], [[1, 5], [0, 6]], [], []]],
        [[ACCOUNT, [], [], [], [[0, 1], [0, 2]], []]],
        [[ACCOUNT, [], [], [], [], [[3, b""], [2, b""]]]],
        [[ACCOUNT, [], [], [], [[0, 2**64]], []]],
        [[ACCOUNT, [], [], [[2**32, 1]], [], []]],
        [[ACCOUNT, [], [], [[0, 1, 2]], [], []]],
        [[ACCOUNT, [], [], [], []]],
        [[b"", [], [], [], [], []]],
    ],
)
def test_an_access_list_has_one_form(value: Any) -> None:
    with pytest.raises(DecodeError):
        BlockAccessList.decode(encode(value))
