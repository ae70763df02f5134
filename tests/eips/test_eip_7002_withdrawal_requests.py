"""EIP-7002 (Prague): a contract collects requests to withdraw, and gives out 16 a block."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.request_contracts import (
    CONSOLIDATIONS,
    PLENTY,
    WITHDRAWALS,
    WITHDRAWALS_CODE,
    after,
    outputs,
    run_to_the_end,
)
from tests.eips.rules import since
from tests.eips.whole_blocks import executed
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction, words

from blockstm.state.accounts import Account

FORKS = since("prague")
FRESH = {WITHDRAWALS: contract(WITHDRAWALS_CODE)}
INHIBITED = 2**256 - 1
EXCESS, COUNT, HEAD, TAIL = range(4)


def asks(place: int, value: int = 1, size: int = 56) -> Any:
    """The request at this place of a block: of one of 8 senders, about a key and an amount."""
    data = (bytes([place + 1]) * 48 + (256 + place).to_bytes(8, "big")).ljust(size, b"\0")[:size]
    sender, nonce = place % 8, place // 8
    return transaction(sender, WITHDRAWALS, nonce=nonce, data=data, value=value, gas=PLENTY)


def record(place: int) -> bytes:
    """The record of it: its sender, the key, the amount in little-endian order."""
    return SENDERS[place % 8] + bytes([place + 1]) * 48 + (256 + place).to_bytes(8, "little")


def stored(ran: Any) -> list[int]:
    slots = ran.state.account(WITHDRAWALS).storage
    return [slots.get(slot, 0) for slot in (EXCESS, COUNT, HEAD, TAIL)]


@pytest.mark.parametrize("fork", FORKS)
def test_requests_are_given_out_in_their_order(fork: str) -> None:
    ran = run_to_the_end(fork, [asks(place) for place in range(3)], FRESH)
    assert outputs(ran).withdrawal_requests == b"".join(map(record, range(3)))
    assert len(record(0)) == 76
    assert stored(ran) == [1, 0, 0, 0]  # one more than the target of 2, and an empty queue


@pytest.mark.parametrize("fork", FORKS)
def test_what_is_more_than_16_waits(fork: str) -> None:
    first = run_to_the_end(fork, [asks(place) for place in range(20)], FRESH)
    assert outputs(first).withdrawal_requests == b"".join(map(record, range(16)))
    assert stored(first) == [18, 0, 16, 20]
    # e ** (18 / 17) is 2.88: the fee is 2 now, and 1 is too little.
    second = run_to_the_end(fork, [asks(0, value=1), asks(1, value=2)], after(first))
    assert [o.value.succeeded for o in second.outcomes[:2]] == [False, True]
    given = [*map(record, range(16, 20)), record(1)]
    assert outputs(second).withdrawal_requests == b"".join(given)
    assert stored(second) == [18 + 1 - 2, 0, 0, 0]
    third = run_to_the_end(fork, [], after(second))
    assert outputs(third).withdrawal_requests == b""
    assert stored(third) == [15, 0, 0, 0]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("excess", "fee"), [(0, 1), (12, 1), (13, 2), (17, 2), (50, 18)])
def test_the_fee_grows_with_the_excess(fork: str, excess: int, fee: int) -> None:
    there = {WITHDRAWALS: contract(WITHDRAWALS_CODE, storage={EXCESS: excess})}
    block = [
        transaction(0, WITHDRAWALS),  # queries the fee
        asks(1, value=fee - 1),
        asks(2, value=fee),
        transaction(3, WITHDRAWALS, value=1),  # a query of the fee must send no value
    ]
    executions = [o.value for o in run_to_the_end(fork, block, there).outcomes[:-1]]
    assert executions[0].output == words(fee)
    assert [e.succeeded for e in executions] == [True, False, True, False]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("size", [1, 55, 57])
def test_a_request_has_56_bytes(fork: str, size: int) -> None:
    ran = run_to_the_end(fork, [asks(0, size=size), asks(1)], FRESH)
    assert outputs(ran).withdrawal_requests == record(1)


@pytest.mark.parametrize("fork", FORKS)
def test_a_contract_asks_in_its_own_name(fork: str) -> None:
    asker = Address(b"\x0a" * 20)
    code = f"CALLDATASIZE 0 0 CALLDATACOPY 0 0 56 0 1 0x{WITHDRAWALS.hex()} GAS CALL"
    data = b"\x07" * 48 + (5).to_bytes(8, "big")
    there = {**FRESH, asker: contract(code, balance=9)}
    ran = run_to_the_end(fork, [transaction(0, asker, data=data, gas=PLENTY)], there)
    assert outputs(ran).withdrawal_requests == asker + b"\x07" * 48 + (5).to_bytes(8, "little")
    assert ran.state.account(WITHDRAWALS).balance == 1  # the fee stays there


@pytest.mark.parametrize("fork", FORKS)
def test_until_its_first_block_has_ended_it_takes_no_requests(fork: str) -> None:
    there = {WITHDRAWALS: contract(WITHDRAWALS_CODE, storage={EXCESS: INHIBITED})}
    ran = run_to_the_end(fork, [asks(0), transaction(1, WITHDRAWALS)], there)
    assert [o.value.succeeded for o in ran.outcomes[:-1]] == [False, False]
    assert outputs(ran).withdrawal_requests == b""
    assert stored(ran) == [0, 0, 0, 0]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("broken", [WITHDRAWALS, CONSOLIDATIONS])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"", "system_contract_missing"),
        (b"\xfe", "system_call_failed"),
        (b"\x5f\x5f\xfd", "system_call_failed"),
    ],
)
def test_without_the_contract_a_block_is_invalid(
    fork: str, broken: Address, code: bytes, reason: str
) -> None:
    block = [transaction(0, NOBODY, value=1)]
    ran = run_to_the_end(fork, block, {broken: Account(1, 1, code)})
    assert ran.reasons == (None, reason)


@pytest.mark.parametrize("fork", FORKS)
def test_the_system_calls_with_nothing_and_much_gas(fork: str) -> None:
    code = "CALLER 0 SSTORE CALLDATASIZE 1 SSTORE CALLVALUE 2 SSTORE GAS 3 SSTORE"
    ran = run_to_the_end(fork, [], {WITHDRAWALS: contract(code, storage={1: 7, 2: 7})})
    storage = ran.state.account(WITHDRAWALS).storage
    assert storage.pop(3) > 29_900_000
    assert storage == {0: 2**160 - 2}


def test_before_it_the_contract_was_not_called() -> None:
    counts = contract("1 0 SSTORE")
    assert WITHDRAWALS not in executed("cancun", [], {WITHDRAWALS: counts}).writes
    assert executed("prague", [], {WITHDRAWALS: counts}).writes[WITHDRAWALS].storage == {0: 1}
