"""EIP-7251 (Prague): a contract collects requests to consolidate, and gives out 2 a block."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.request_contracts import (
    CONSOLIDATIONS,
    CONSOLIDATIONS_CODE,
    PLENTY,
    after,
    outputs,
    run_to_the_end,
)
from tests.eips.rules import since
from tests.eips.whole_blocks import executed
from tests.evm.world_blocks import SENDERS, contract, transaction, words

FORKS = since("prague")
FRESH = {CONSOLIDATIONS: contract(CONSOLIDATIONS_CODE)}
INHIBITED = 2**256 - 1
EXCESS, COUNT, HEAD, TAIL = range(4)


def asks(place: int, value: int = 1, size: int = 96) -> Any:
    """The request at this place of a block: of one of 8 senders, about two keys."""
    data = (bytes([place + 1]) * 48 + bytes([place + 101]) * 48).ljust(size, b"\0")[:size]
    sender, nonce = place % 8, place // 8
    return transaction(sender, CONSOLIDATIONS, nonce=nonce, data=data, value=value, gas=PLENTY)


def record(place: int) -> bytes:
    """The record of it: its sender, the source key, the target key."""
    return SENDERS[place % 8] + bytes([place + 1]) * 48 + bytes([place + 101]) * 48


def stored(ran: Any) -> list[int]:
    slots = ran.state.account(CONSOLIDATIONS).storage
    return [slots.get(slot, 0) for slot in (EXCESS, COUNT, HEAD, TAIL)]


@pytest.mark.parametrize("fork", FORKS)
def test_two_are_given_out_and_the_others_wait(fork: str) -> None:
    first = run_to_the_end(fork, [asks(place) for place in range(5)], FRESH)
    assert outputs(first).consolidation_requests == record(0) + record(1)
    assert len(record(0)) == 116
    assert stored(first) == [5 - 1, 0, 2, 5]
    second = run_to_the_end(fork, [], after(first))
    assert outputs(second).consolidation_requests == record(2) + record(3)
    assert stored(second) == [3, 0, 4, 5]
    third = run_to_the_end(fork, [asks(6)], after(second))
    assert outputs(third).consolidation_requests == record(4) + record(6)
    assert stored(third) == [3, 0, 0, 0]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("excess", "fee"), [(0, 1), (12, 1), (13, 2), (17, 2), (50, 18)])
def test_the_fee_grows_with_the_excess(fork: str, excess: int, fee: int) -> None:
    there = {CONSOLIDATIONS: contract(CONSOLIDATIONS_CODE, storage={EXCESS: excess})}
    block = [
        transaction(0, CONSOLIDATIONS),  # queries the fee
        asks(1, value=fee - 1),
        asks(2, value=fee),
        transaction(3, CONSOLIDATIONS, value=1),  # a query of the fee must send no value
    ]
    executions = [o.value for o in run_to_the_end(fork, block, there).outcomes[:-1]]
    assert executions[0].output == words(fee)
    assert [e.succeeded for e in executions] == [True, False, True, False]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("size", [1, 95, 97])
def test_a_request_has_96_bytes(fork: str, size: int) -> None:
    ran = run_to_the_end(fork, [asks(0, size=size), asks(1)], FRESH)
    assert outputs(ran).consolidation_requests == record(1)


@pytest.mark.parametrize("fork", FORKS)
def test_a_contract_asks_in_its_own_name(fork: str) -> None:
    asker = Address(b"\x0a" * 20)
    code = f"CALLDATASIZE 0 0 CALLDATACOPY 0 0 96 0 1 0x{CONSOLIDATIONS.hex()} GAS CALL"
    there = {**FRESH, asker: contract(code, balance=9)}
    sent = transaction(0, asker, data=b"\x07" * 96, gas=PLENTY)
    ran = run_to_the_end(fork, [sent], there)
    assert outputs(ran).consolidation_requests == asker + b"\x07" * 96


@pytest.mark.parametrize("fork", FORKS)
def test_until_its_first_block_has_ended_it_takes_no_requests(fork: str) -> None:
    there = {CONSOLIDATIONS: contract(CONSOLIDATIONS_CODE, storage={EXCESS: INHIBITED})}
    ran = run_to_the_end(fork, [asks(0), transaction(1, CONSOLIDATIONS)], there)
    assert [o.value.succeeded for o in ran.outcomes[:-1]] == [False, False]
    assert outputs(ran).consolidation_requests == b""
    assert stored(ran) == [0, 0, 0, 0]


def test_before_it_the_contract_was_not_called() -> None:
    counts = contract("1 0 SSTORE")
    assert CONSOLIDATIONS not in executed("cancun", [], {CONSOLIDATIONS: counts}).writes
    assert executed("prague", [], {CONSOLIDATIONS: counts}).writes[CONSOLIDATIONS].storage == {0: 1}
