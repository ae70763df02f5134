"""Each rule of a transaction by itself, at its edge and in the forks on both sides.

The EVM refuses most of these too, and a block would not tell who did: so the rules are asked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address, Hash32
from tests.ethereum.official import sample_blocks

from blockstm.ethereum import Authorization, Block, Header, Reason
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.rules.fees import blob_base_fee
from blockstm.ethereum.rules.intrinsic_gas import intrinsic_gas
from blockstm.ethereum.rules.transaction_rules import transactions_violation
from blockstm.vm.forks import (
    AMSTERDAM,
    BERLIN,
    CANCUN,
    FRONTIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    OSAKA,
    PARIS,
    PRAGUE,
    SHANGHAI,
    SPURIOUS_DRAGON,
    TANGERINE_WHISTLE,
    Fork,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CAP, LIMIT, EXCESS = 2**24, 10**9, 20_000_000
TO = Address(b"\1" * 20)
BLOB = Hash32(b"\1" + bytes(31))
HEADER: Header = replace(
    Block.decode(sample_blocks()[0]).header,
    gas_limit=LIMIT,
    base_fee_per_gas=7,
    excess_blob_gas=EXCESS,
)
WISH = Authorization(chain_id=1, address=TO, nonce=0, y_parity=0, r=1, s=1)
KINDS: tuple[dict[str, Any], ...] = (
    {"v": 27, "gas_price": 7},
    {"v": 0, "chain_id": 1, "gas_price": 7},
    {"v": 0, "chain_id": 1, "max_fee_per_gas": 7},
    {"v": 0, "chain_id": 1, "max_fee_per_gas": 7, "blob_hashes": (BLOB,)},
    {"v": 0, "chain_id": 1, "max_fee_per_gas": 7, "authorizations": (WISH,)},
)


def reason(fork: Fork, kind: int, *more: dict[str, Any], **members: Any) -> Reason | None:
    """Why transactions of a type may not be in a block; ``more`` are those behind the first."""
    blob_fee = blob_base_fee(EXCESS, fork.blobs) if fork.blobs is not None else 0
    usual = {"nonce": 0, "gas": 200_000, "to": TO, "value": 1, "data": b"", "r": 1, "s": 1}
    usual |= {"max_fee_per_blob_gas": blob_fee} if kind == 3 else {}
    listed = [
        Transaction(**{"type": kind, **usual, **KINDS[kind], **each}) for each in (members, *more)
    ]
    return reason_in(HEADER, fork, listed)


def reason_in(header: Header, fork: Fork, listed: list[Transaction]) -> Reason | None:
    violation = transactions_violation(listed, header, fork, 1)
    return None if violation is None else violation.reason


@pytest.mark.parametrize(
    ("kind", "before", "since"),
    [(1, ISTANBUL, BERLIN), (2, BERLIN, LONDON), (3, SHANGHAI, CANCUN), (4, CANCUN, PRAGUE)],
)
def test_a_type_comes_with_its_fork(kind: int, before: Fork, since: Fork) -> None:
    assert reason(before, kind) is Reason.TYPE_NOT_SUPPORTED
    assert reason(since, kind) is None


@pytest.mark.parametrize(
    ("fork", "kind", "members", "expected"),
    [
        (FRONTIER, 0, {"v": 28}, None),
        (FRONTIER, 0, {"v": 26}, Reason.SIGNATURE),
        (TANGERINE_WHISTLE, 0, {"v": 37, "chain_id": 1}, Reason.SIGNATURE),
        (SPURIOUS_DRAGON, 0, {"v": 37, "chain_id": 1}, None),
        (SPURIOUS_DRAGON, 0, {"v": 39, "chain_id": 2}, Reason.CHAIN_ID),
        (BERLIN, 1, {"chain_id": 2}, Reason.CHAIN_ID),
        (BERLIN, 1, {"chain_id": None}, Reason.CHAIN_ID),
        (OSAKA, 2, {"chain_id": 0}, Reason.CHAIN_ID),
        (OSAKA, 0, {"r": 0}, Reason.SIGNATURE),
        (OSAKA, 0, {"r": ORDER - 1}, None),
        (OSAKA, 0, {"r": ORDER}, Reason.SIGNATURE),
        (OSAKA, 0, {"s": 0}, Reason.SIGNATURE),
        (OSAKA, 2, {"s": 0}, Reason.SIGNATURE),
        (FRONTIER, 0, {"s": ORDER - 1}, None),
        (FRONTIER, 0, {"s": ORDER}, Reason.SIGNATURE),
        (HOMESTEAD, 0, {"s": ORDER // 2}, None),
        (HOMESTEAD, 0, {"s": ORDER // 2 + 1}, Reason.SIGNATURE),
        (AMSTERDAM, 2, {"s": ORDER // 2}, None),
        (AMSTERDAM, 2, {"s": ORDER // 2 + 1}, Reason.SIGNATURE),
        (FRONTIER, 0, {"nonce": 2**64 - 2}, None),
        (FRONTIER, 0, {"nonce": 2**64 - 1}, Reason.NONCE_IS_MAX),
    ],
)
def test_who_signed_it_and_for_what(
    fork: Fork, kind: int, members: dict[str, Any], expected: Reason | None
) -> None:
    assert reason(fork, kind, **members) is expected


@pytest.mark.parametrize(
    ("fork", "size", "expected"),
    [
        (PARIS, 49_153, None),
        (SHANGHAI, 49_152, None),
        (SHANGHAI, 49_153, Reason.INITCODE_TOO_LARGE),
        (OSAKA, 49_152, None),
        (OSAKA, 49_153, Reason.INITCODE_TOO_LARGE),
        (AMSTERDAM, 131_072, None),
        (AMSTERDAM, 131_073, Reason.INITCODE_TOO_LARGE),
    ],
)
def test_how_long_initcode_may_be(fork: Fork, size: int, expected: Reason | None) -> None:
    assert reason(fork, 0, to=None, data=bytes(size), gas=CAP) is expected
    assert reason(fork, 0, data=bytes(size), gas=CAP) is None


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        (2, {"max_priority_fee_per_gas": 7}, None),
        (2, {"max_priority_fee_per_gas": 8}, Reason.PRIORITY_FEE_ABOVE_FEE_CAP),
        (2, {"max_fee_per_gas": 6}, Reason.FEE_CAP_BELOW_BASE_FEE),
        (0, {"gas_price": 6}, Reason.FEE_CAP_BELOW_BASE_FEE),
        (2, {"gas": 2**17, "max_fee_per_gas": 2**239 - 1}, None),
        (2, {"gas": 2**17, "max_fee_per_gas": 2**239}, Reason.FEE_OVERFLOW),
        (0, {"gas": 2**17, "gas_price": 2**239 - 1}, None),
        (0, {"gas": 2**17, "gas_price": 2**239}, Reason.FEE_OVERFLOW),
    ],
)
def test_what_it_may_pay(kind: int, members: dict[str, Any], expected: Reason | None) -> None:
    assert reason(PRAGUE, kind, **members) is expected
    assert reason(AMSTERDAM, kind, **members) is expected


@pytest.mark.parametrize("kind", [2, 3])
@pytest.mark.parametrize("fork", [CANCUN, AMSTERDAM])
def test_where_gas_is_free_it_may_pay_nothing(fork: Fork, kind: int) -> None:
    """A base fee of 0 stays what it is while blocks use less than their target (EIP-1559)."""
    members = {**KINDS[kind], "max_fee_per_gas": 0, "max_fee_per_blob_gas": 10**9 * (kind == 3)}
    usual = {"nonce": 0, "gas": 200_000, "to": TO, "value": 0, "data": b"", "r": 1, "s": 1}
    listed = [Transaction(**{"type": kind, **usual, **members})]
    assert reason_in(replace(HEADER, base_fee_per_gas=0), fork, listed) is None
    dear = replace(HEADER, base_fee_per_gas=1)
    assert reason_in(dear, fork, listed) is Reason.FEE_CAP_BELOW_BASE_FEE


def test_what_blobs_it_may_have() -> None:
    assert PRAGUE.blobs is not None
    fee = blob_base_fee(EXCESS, PRAGUE.blobs)
    assert fee > 1
    cases: list[tuple[dict[str, Any], Reason | None]] = [
        ({"to": None}, Reason.BLOB_TRANSACTION_CREATES),
        ({"blob_hashes": ()}, Reason.NO_BLOBS),
        ({"blob_hashes": (BLOB, Hash32(bytes(32)))}, Reason.BLOB_HASH_VERSION),
        ({"blob_hashes": (Hash32(b"\2" * 32), BLOB)}, Reason.BLOB_HASH_VERSION),
        ({"blob_hashes": (BLOB,) * 9}, None),
        ({"blob_hashes": (BLOB,) * 10}, Reason.BLOB_GAS_ABOVE_BLOCK),
        ({"max_fee_per_blob_gas": fee - 1}, Reason.BLOB_FEE_CAP_BELOW_BASE_FEE),
        ({"max_fee_per_blob_gas": fee}, None),
    ]
    for members, expected in cases:
        assert reason(PRAGUE, 3, **members) is expected, members
    for fork in (OSAKA, AMSTERDAM):
        assert reason(fork, 3, blob_hashes=(BLOB,) * 6) is None
        assert reason(fork, 3, blob_hashes=(BLOB,) * 7) is Reason.TOO_MANY_BLOBS
    six, three, four = ({"blob_hashes": (BLOB,) * n} for n in (6, 3, 4))
    assert reason(PRAGUE, 3, three, **six) is None
    assert reason(PRAGUE, 3, four, **six) is Reason.BLOB_GAS_ABOVE_BLOCK


def test_what_delegations_it_may_have() -> None:
    for fork in (PRAGUE, OSAKA, AMSTERDAM):
        assert reason(fork, 4, to=None) is Reason.SET_CODE_TRANSACTION_CREATES
        assert reason(fork, 4, authorizations=()) is Reason.NO_AUTHORIZATIONS


@pytest.mark.parametrize(
    ("fork", "kind", "members", "exact", "missing"),
    [
        (FRONTIER, 0, {"to": None}, 21_000, Reason.INTRINSIC_GAS),
        (HOMESTEAD, 0, {"to": None}, 53_000, Reason.INTRINSIC_GAS),
        (FRONTIER, 0, {"data": b"\0\1"}, 21_072, Reason.INTRINSIC_GAS),
        (ISTANBUL, 0, {"data": b"\0\1"}, 21_020, Reason.INTRINSIC_GAS),
        (PARIS, 0, {"to": None, "data": bytes(33)}, 53_132, Reason.INTRINSIC_GAS),
        (SHANGHAI, 0, {"to": None, "data": bytes(32)}, 53_130, Reason.INTRINSIC_GAS),
        (SHANGHAI, 0, {"to": None, "data": bytes(33)}, 53_136, Reason.INTRINSIC_GAS),
        (BERLIN, 1, {"access_list": ((TO, (1, 2)),)}, 27_200, Reason.INTRINSIC_GAS),
        (PRAGUE, 4, {"authorizations": (WISH,) * 3}, 96_000, Reason.INTRINSIC_GAS),
        (CANCUN, 0, {"data": b"\0\1\1"}, 21_036, Reason.INTRINSIC_GAS),
        (PRAGUE, 0, {"data": b"\0\1\1"}, 21_090, Reason.FLOOR_GAS),
        (PRAGUE, 4, {"data": b"\0\1" * 999}, 70_950, Reason.FLOOR_GAS),
        (AMSTERDAM, 0, {"data": b"\0\1\1"}, 12_192, Reason.FLOOR_GAS),
        (AMSTERDAM, 0, {"to": None}, 24_000, Reason.INTRINSIC_GAS),
        (AMSTERDAM, 4, {"authorizations": (WISH,) * 3}, 35_448, Reason.INTRINSIC_GAS),
        (AMSTERDAM, 1, {"access_list": ((TO, (1, 2)),)}, 24_276, Reason.INTRINSIC_GAS),
    ],
)
def test_the_gas_that_is_charged_at_once(
    fork: Fork, kind: int, members: dict[str, Any], exact: int, missing: Reason
) -> None:
    assert reason(fork, kind, gas=exact, **members) is None
    assert reason(fork, kind, gas=exact - 1, **members) is missing


@pytest.mark.parametrize("kind", [0, 2])
def test_the_gas_that_it_may_ask_for(kind: int) -> None:
    for fork in (PRAGUE, AMSTERDAM):
        assert reason(fork, kind, gas=LIMIT) is None
        assert reason(fork, kind, gas=LIMIT + 1) is Reason.GAS_ABOVE_BLOCK
    assert reason(OSAKA, kind, gas=CAP) is None
    assert reason(OSAKA, kind, gas=CAP + 1) is Reason.GAS_ABOVE_CAP
    largest = (CAP - 12_000) // 64  # whose floor is below the cap
    assert reason(AMSTERDAM, kind, gas=LIMIT, data=bytes(largest)) is None
    assert reason(AMSTERDAM, kind, gas=LIMIT, data=bytes(largest + 1)) is Reason.GAS_ABOVE_CAP


def test_the_floor_came_with_prague() -> None:
    usual = {"nonce": 0, "gas": 200_000, "to": TO, "value": 1, "data": b"\0\1", "r": 1, "s": 1}
    sent = Transaction(**{"type": 0, **usual, **KINDS[0]})
    assert intrinsic_gas(sent, CANCUN) == (21_020, 0)
    assert intrinsic_gas(sent, PRAGUE) == (21_020, 21_050)
    assert intrinsic_gas(sent, AMSTERDAM) == (12_020, 12_128)
    assert intrinsic_gas(sent, AMSTERDAM, sender=TO) == (12_020, 12_128)
    assert intrinsic_gas(sent, AMSTERDAM, sender=Address(b"\2" * 20)) == (21_020, 21_128)
