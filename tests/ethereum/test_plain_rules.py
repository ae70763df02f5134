"""The filter in front of the rules of transactions lets nothing pass that breaks one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.official import sample_blocks

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.rules import transaction_rules
from blockstm.ethereum.rules.transaction_rules import GAS_CAP, transactions_violation
from blockstm.vm.forks import (
    AMSTERDAM,
    BERLIN,
    FORKS,
    FRONTIER,
    HOMESTEAD,
    LONDON,
    OSAKA,
    PRAGUE,
    SPURIOUS_DRAGON,
    Fork,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HEADER: Header = replace(
    Block.decode(next(iter(sample_blocks()))).header, gas_limit=2 * GAS_CAP, base_fee_per_gas=7
)
TO = Address(b"\1" * 20)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(
        lambda n: st.sampled_from(others) if n == 0 else st.just(usual)
    )


@st.composite
def transactions(draw: Any) -> Transaction:
    """Mostly good ones: each member is off one time in ten."""
    kind = draw(st.integers(0, 2))
    data = draw(st.sampled_from([b"", bytes(9), b"\1" * 9, bytes(5) + b"\1" * 700]))
    zeros = data.count(0)
    exact = 21_000 + 4 * zeros + 16 * (len(data) - zeros)
    floor = 21_000 + 10 * (zeros + 4 * (len(data) - zeros))
    members: dict[str, Any] = {"chain_id": draw(mostly(1, 0, 2, None)), "v": draw(mostly(0, 1, 2))}
    if kind == 0:
        members["v"] = draw(
            st.sampled_from([27, 28, 37, 38]) | st.sampled_from([26, 35, 39, 2**70])
        )
        right = (members["v"] - 35) // 2 if members["v"] >= 35 else None
        members["chain_id"] = draw(mostly(right, 1, None))
    if kind == 2:
        members["max_fee_per_gas"] = draw(mostly(7, 6, 8, 2**192, 2**256 - 1))
        members["max_priority_fee_per_gas"] = draw(mostly(7, 0, 8))
    else:
        members["gas_price"] = draw(mostly(7, 6, 2**192, 2**256 - 1))
    if kind and draw(st.integers(0, 9)) == 0:
        members["access_list"] = ((TO, (1,)),)
    made = Transaction(
        type=kind,
        nonce=draw(mostly(0, 2**64 - 2, 2**64 - 1)),
        gas=draw(
            st.sampled_from([exact, floor, 60_000, exact - 1, floor - 1, 20_999])
            | st.sampled_from([GAS_CAP, GAS_CAP + 1, 2 * GAS_CAP, 2 * GAS_CAP + 1])
        ),
        to=draw(mostly(TO, None)),
        value=1,
        data=data,
        r=draw(mostly(1, 0, ORDER - 1, ORDER, 2**256 - 1)),
        s=draw(mostly(1, 0, ORDER // 2, ORDER // 2 + 1, ORDER - 1, ORDER)),
        **members,
    )
    if draw(st.booleans()):
        made.encode()  # which it keeps, and without which the filter does not look at it
    return made


def one_by_one(listed: Sequence[Transaction], fork: Fork) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction_rules, "suspects", lambda given, **_: range(len(given)))
        return transactions_violation(listed, HEADER, fork, 1)


FORKS_THAT_DIFFER = [FRONTIER, HOMESTEAD, SPURIOUS_DRAGON, BERLIN, LONDON, PRAGUE, OSAKA, AMSTERDAM]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(transactions(), min_size=1, max_size=3), st.sampled_from([*FORKS_THAT_DIFFER, *FORKS])
)
def test_the_first_violation_is_the_one_that_is_found_one_by_one(
    listed: list[Transaction], fork: Fork
) -> None:
    assert transactions_violation(listed, HEADER, fork, 1) == one_by_one(listed, fork)


@pytest.mark.parametrize("fork", FORKS_THAT_DIFFER, ids=str)
@pytest.mark.parametrize("data", [b"", bytes(9), b"\1" * 9, bytes(5) + b"\1" * 700])
def test_the_gas_that_is_asked_for_is_compared_to_the_last_unit(fork: Fork, data: bytes) -> None:
    zeros, others = data.count(0), len(data) - data.count(0)
    edges = [21_000 + 4 * zeros + per_byte * others for per_byte in (16, 68)]
    edges += [21_000 + 10 * (zeros + 4 * others), GAS_CAP, HEADER.gas_limit]
    for gas in (edge + off for edge in edges for off in (-1, 0, 1)):
        made = Transaction(
            type=0, nonce=0, gas=gas, to=TO, value=1, data=data, v=27, r=1, s=1, gas_price=7
        )
        made.encode()
        assert transactions_violation([made], HEADER, fork, 1) == one_by_one([made], fork)


LEGACY: dict[str, Any] = {"type": 0, "v": 27, "gas_price": 7}
DYNAMIC: dict[str, Any] = {"type": 2, "v": 0, "chain_id": 1, "max_fee_per_gas": 7}


@pytest.mark.parametrize("fork", FORKS_THAT_DIFFER, ids=str)
@pytest.mark.parametrize(
    "members",
    [
        *({**LEGACY, "v": v, "chain_id": (v - 35) // 2} for v in (35, 36, 37, 38, 39, 2**70 + 1)),
        *({**LEGACY, "v": v, "chain_id": c} for v, c in [(37, None), (27, 1), (37, 2), (26, None)]),
        *({**LEGACY, "gas_price": price} for price in (6, 2**192, 2**256 - 1)),
        *({**LEGACY, "r": r} for r in (0, ORDER - 1, ORDER)),
        *({**LEGACY, "s": s} for s in (0, ORDER // 2, ORDER // 2 + 1, ORDER - 1, ORDER)),
        *({**LEGACY, "nonce": nonce} for nonce in (2**64 - 2, 2**64 - 1)),
        {**LEGACY, "to": None},
        *({**DYNAMIC, "v": v} for v in (1, 2)),
        *({**DYNAMIC, "chain_id": chain} for chain in (0, 2, None, 2**64 + 1)),
        *({**DYNAMIC, "max_fee_per_gas": fee} for fee in (6, 2**192, 2**256 - 1)),
        *({**DYNAMIC, "max_priority_fee_per_gas": fee} for fee in (7, 8)),
        {**DYNAMIC, "type": 1, "gas_price": 7},
    ],
    ids=str,
)
def test_each_rule_is_kept_at_its_edge(members: dict[str, Any], fork: Fork) -> None:
    usual: dict[str, Any] = {"nonce": 0, "gas": 60_000, "to": TO, "value": 1, "data": b"", "r": 1}
    made = Transaction(**{**usual, "s": 1, **members})
    made.encode()
    assert transactions_violation([made], HEADER, fork, 1) == one_by_one([made], fork)


@pytest.mark.parametrize("fork", [LONDON, PRAGUE, OSAKA])
def test_what_surely_has_no_violation_is_not_looked_at(
    fork: Fork, monkeypatch: pytest.MonkeyPatch
) -> None:
    common: dict[str, Any] = {
        "nonce": 0,
        "gas": 50_000,
        "to": TO,
        "value": 1,
        "data": b"\1\0",
        "r": 1,
    }
    listed = [
        Transaction(**common, s=1, type=0, v=27, gas_price=7),
        Transaction(**common, s=1, type=0, v=38, chain_id=1, gas_price=7),
        Transaction(**common, s=1, type=1, v=1, chain_id=1, gas_price=7),
        Transaction(**common, s=1, type=2, v=0, chain_id=1, max_fee_per_gas=9),
    ]
    for each in listed:
        each.encode()
    seen: list[Any] = []
    monkeypatch.setattr(
        transaction_rules, "transaction_violation", lambda *given, **_: seen.append(given[0])
    )
    assert transactions_violation(listed, HEADER, fork, 1) is None
    assert seen == []
    other = replace(listed[3], max_fee_per_gas=10)  # without an encoding
    assert transactions_violation([*listed, other], HEADER, fork, 1) is None
    assert seen == [other]
