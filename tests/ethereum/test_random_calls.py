"""Calls of random code: the engine does what the reference does, whatever the message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm import Executor, reference
from blockstm.ethereum import Account, AccountState, Message, call, call_many
from blockstm.ethereum.calls import Failure
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address
from blockstm.vm.evm import BlockContext, Evm, Overrides, Unsigned

FORKS = ["frontier", "spurious_dragon", "istanbul", "london", "cancun", "prague", "amsterdam"]
PEOPLE = [Address(bytes([number]) * 20) for number in (1, 2, 3, 4)]
COINBASE = Address(b"\xcb" * 20)

# Short pieces that do something, so that random code gets somewhere.
PIECES = [
    *("5f54", "60015f55", "5f600155", "5f5f5d", "33315a", "3d3d3e", "60205fa0", "5f5ff3", "5f5ffd"),
    *("5f5f5f5f600160025af1", "5f5f5f5f60035af4", "5f5f5ff0", "33ff", "600435", "43405047", "fe"),
]
codes = st.lists(st.sampled_from(PIECES), max_size=12).map("".join).map(bytes.fromhex)
raw_codes = st.one_of(codes, st.binary(max_size=40))
people = st.sampled_from(PEOPLE)
fees = st.sampled_from([0, 0, 0, 6, 7, 10, 10**30])


@st.composite
def messages(draw: Any) -> Message:
    cap = draw(fees)
    return Message(
        sender=draw(people),
        to=draw(st.one_of(people, people, st.none())),
        value=draw(st.sampled_from([0, 0, 1, 10**6, 10**19])),
        data=draw(raw_codes),
        gas=draw(st.sampled_from([0, 21_000, 60_000, 200_000, 2**63 - 1])),
        nonce=draw(st.sampled_from([0, 1, 2, 2**64 - 1])),
        max_fee_per_gas=cap,
        max_priority_fee_per_gas=draw(st.sampled_from([0, min(cap, 1), cap, cap + 1])),
        access_list=draw(st.sampled_from([(), ((PEOPLE[1], (0, 1)),)])),
    )


def values(result: Any) -> list[tuple[Any, str]]:
    return [(each.value, str(each.error)) for each in result.outcomes]


@settings(max_examples=40)
@pytest.mark.parametrize("fork", FORKS)
@given(
    st.lists(raw_codes, min_size=4, max_size=4),
    st.lists(st.tuples(messages(), st.booleans(), st.booleans()), max_size=6),
)
def test_the_engine_runs_messages_as_the_reference_does(
    fork: str, contracts: list[bytes], asked: list[tuple[Message, bool, bool]]
) -> None:
    state = AccountState(
        {
            address: Account(10**18, 1, code, keccak(code)) if code else Account(10**18)
            for address, code in zip(PEOPLE, contracts, strict=True)
        }
    )
    at: Any = {"number": 9, "timestamp": 9, "coinbase": COINBASE, "gas_limit": 10**6}
    block = BlockContext(**at, base_fee_per_gas=7)
    vm = Evm(fork, block)
    steps = [
        Overrides({(PEOPLE[0], "balance"): 10**12}),
        *(Unsigned(message, (), checks, keeps) for message, checks, keeps in asked),
    ]
    expected = reference.execute_block(steps, state, vm, on_invalid="skip")
    for executor in EXECUTORS:
        result = executor.execute_block(steps, state, vm, on_invalid="skip")
        assert values(result) == values(expected)
        assert result.writes == expected.writes


EXECUTORS = [Executor(workers=workers) for workers in (1, 2)]


@settings(max_examples=40)
@given(st.lists(raw_codes, min_size=4, max_size=4), st.lists(messages(), max_size=8))
def test_many_calls_are_as_single_ones(contracts: list[bytes], asked: list[Message]) -> None:
    state = AccountState(
        {
            address: Account(10**18, 1, code, keccak(code)) if code else Account(10**18)
            for address, code in zip(PEOPLE, contracts, strict=True)
        }
    )
    before = dict(state.accounts())
    for result, message in zip(call_many(state, asked, workers=2), asked, strict=True):
        alone = call(state, message)
        assert (result.execution, str(result.rejection)) == (alone.execution, str(alone.rejection))
        assert result.failure is None or result.failure in set(Failure)
        assert result.gas_used <= (message.gas or 0)
        assert dict(result.access_list) == dict(alone.access_list)
    assert dict(state.accounts()) == before
