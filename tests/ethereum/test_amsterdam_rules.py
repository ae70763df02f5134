"""Amsterdam's rules for transactions without a state: what is charged, the order of checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address

from blockstm.ethereum import Authorization, Reason, Transaction
from blockstm.ethereum.rules.intrinsic_gas import intrinsic_gas
from blockstm.ethereum.rules.requests import request_contracts, requests_of
from blockstm.ethereum.rules.transaction_rules import GAS_CAP, transaction_violation
from blockstm.vm.forks import AMSTERDAM, OSAKA, PRAGUE, SHANGHAI

A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
AUTHORIZATION = Authorization(1, B, 0, 0, 1, 1)


def made(**members: Any) -> Transaction:
    """A transaction of type 2 with a signature that nobody made."""
    plain = Transaction(
        type=2, nonce=0, gas=100_000, to=B, value=0, data=b"", v=0, r=1, s=1, chain_id=1
    )
    return replace(plain, max_fee_per_gas=10, **members)


@pytest.mark.parametrize(
    ("members", "total", "floor"),
    [
        ({"to": A, "value": 1}, 12_000, 12_000),
        ({}, 15_000, 15_000),
        ({"value": 1}, 21_000, 21_000),
        ({"to": None}, 24_000, 24_000),
        ({"to": None, "value": 1, "data": bytes(33)}, 24_136, 26_112),
        ({"data": b"\0\1"}, 15_020, 15_128),
        ({"access_list": ((B, (1, 2)),)}, 27_276, 20_376),
        ({"type": 4, "authorizations": (AUTHORIZATION,) * 2}, 30_632, 15_000),
    ],
)
def test_intrinsic_gas_is_decomposed(members: dict[str, Any], total: int, floor: int) -> None:
    assert intrinsic_gas(made(**members), AMSTERDAM, A) == (total, floor)


def test_without_a_sender_a_call_may_be_to_itself() -> None:
    assert intrinsic_gas(made(value=1), AMSTERDAM) == (12_000, 12_000)
    assert transaction_violation(made(gas=12_000), AMSTERDAM, 1) is None
    violation = transaction_violation(made(gas=12_000), AMSTERDAM, 1, A)
    assert violation is not None
    assert violation.reason == Reason.INTRINSIC_GAS


BROKEN: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.CHAIN_ID, {"chain_id": 2}),
    (Reason.NONCE_IS_MAX, {"nonce": 2**64 - 1}),
    (Reason.INITCODE_TOO_LARGE, {"to": None, "data": bytes(131_073)}),
    (Reason.PRIORITY_FEE_ABOVE_FEE_CAP, {"max_priority_fee_per_gas": 11}),
    (Reason.INTRINSIC_GAS, {"gas": 0}),
]


def test_the_first_rule_that_is_broken_is_told() -> None:
    for first in range(len(BROKEN)):
        members: dict[str, Any] = {}
        for _, broken in BROKEN[first:]:
            members |= broken
        violation = transaction_violation(made(**members), AMSTERDAM, 1)
        assert violation is not None
        assert violation.reason == BROKEN[first][0]


def test_initcode_may_have_131072_bytes() -> None:
    largest = made(to=None, data=bytes(131_072), gas=GAS_CAP)
    assert transaction_violation(largest, AMSTERDAM, 1) is None
    for fork, size in ((OSAKA, 49_153), (AMSTERDAM, 131_073)):
        violation = transaction_violation(made(to=None, data=bytes(size), gas=GAS_CAP), fork, 1)
        assert violation is not None
        assert violation.reason == Reason.INITCODE_TOO_LARGE


def test_gas_may_be_above_the_cap_and_what_certainly_runs_may_not() -> None:
    assert transaction_violation(made(gas=2 * GAS_CAP), AMSTERDAM, 1) is None
    much = made(gas=2 * GAS_CAP, data=bytes(GAS_CAP // 64))  # at the floor
    violation = transaction_violation(much, AMSTERDAM, 1)
    assert violation is not None
    assert violation.reason == Reason.GAS_ABOVE_CAP


def test_requests_of_builders_come_behind_the_others() -> None:
    assert [len(request_contracts(fork)) for fork in (SHANGHAI, PRAGUE, AMSTERDAM)] == [0, 2, 4]
    given = requests_of([], b"w", b"", builder_deposits=b"d", builder_exits=b"e")
    assert given == (b"\x01w", b"\x03d", b"\x04e")
