"""Many calls that name little: put into the core at one go, and read one by one."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any
from unittest.mock import ANY

import pytest
from tests.ethereum.test_message_calls import ALICE, CONTRACT, RETURNS, state_of

from blockstm.errors import StateError
from blockstm.ethereum import AccountOverride, BlockOverrides, Message, call, call_many
from blockstm.types import Address

SOURCE = f"0 CALLDATALOAD DUP1 0 SLOAD ADD 0 SSTORE 0 0 LOG0 0 SLOAD {RETURNS}"


def pool(count: int) -> list[Message]:
    """Calls, creations, some that fail and some that cannot begin."""
    return [
        Message(
            sender=ALICE if index % 5 else Address(index.to_bytes(20, "big")),
            to=None if index % 7 == 0 else CONTRACT,
            value=index % 3 << (index % 250),
            data=index.to_bytes(32, "big"),
            gas=(None, 2**64 - 1, 60_000, 21_700, 5)[index % 5],
        )
        for index in range(count)
    ]


def told(result: Any) -> tuple[Any, ...]:
    return result.execution, result.created, str(result.rejection), result.error


@pytest.mark.parametrize("workers", [1, 2])
def test_they_come_to_what_each_comes_to_alone(workers: int) -> None:
    state = state_of(SOURCE, storage={0: 3})
    messages = pool(200)
    for overrides in (None, {CONTRACT: AccountOverride(state_diff={0: 9})}):
        together = call_many(state, iter(messages), workers=workers, overrides=overrides)
        alone = [call(state, each, overrides=overrides) for each in messages]
        assert len({(each.succeeded, each.rejection is None) for each in alone}) == 3
        assert [*map(told, together)] == [*map(told, alone)]
    # One that names more has all of them take the long way.
    more = call_many(state, [*messages, Message(to=CONTRACT, access_list=((CONTRACT, (0,)),))])
    alone = [call(state, each) for each in messages]
    assert [*map(told, more)][:-1] == [*map(told, alone)]


def test_their_results_are_a_sequence() -> None:
    state = state_of(f"0 CALLDATALOAD {RETURNS}")
    messages = [Message(to=CONTRACT, data=bytes([index] * 32)) for index in range(9)]
    results = call_many(state, [*messages, Message(sender=ALICE)])
    assert [each.output[0] for each in results[:-1]] == [*range(9)]
    assert [each.created for each in results[:-1]] == [None] * 9
    assert results[-1].created == results[9].created == call(state, Message(sender=ALICE)).created
    assert results == list(results) == pickle.loads(pickle.dumps(results))
    assert results != list(results)[1:]
    assert [each.output for each in results[2:6:2]] == [results[2].output, results[4].output]
    assert results == ANY
    assert call_many(state, []) == []
    assert call_many(state, []) != ""
    with pytest.raises(IndexError):
        results[10]


@pytest.mark.parametrize("bad", [0, 2, 5])
def test_an_error_names_its_message_among_others_with_and_without_a_price(bad: int) -> None:
    state = state_of(f"0 CALLDATALOAD BLOCKHASH {RETURNS}")
    too_old, unknown = (number.to_bytes(32, "big") for number in (900, 5))
    messages = [
        Message(
            sender=ALICE,
            to=CONTRACT,
            data=unknown if index == bad else too_old,
            gas=50_000,
            gas_price=index % 2 or None,
        )
        for index in range(6)
    ]
    for given in (messages, [replace(each, gas_price=None) for each in messages]):
        with pytest.raises(StateError, match="block 5") as raised:
            call_many(state, given, block_overrides=BlockOverrides(number=10))
        assert raised.value.index == bad
        prefix = raised.value.prefix  # none where they ran in another order
        assert prefix is None if given is messages else len(prefix.outcomes) == bad


def test_what_they_create_is_of_the_state_that_they_ran_on() -> None:
    behind = state_of()

    class Changing:
        """A `State` of Python whose sender's nonce grows."""

        nonce = 7
        code = staticmethod(behind.code)
        storage = staticmethod(behind.storage)

        def account(self, address: Address) -> Any:
            found = behind.account(address)
            return replace(found, nonce=self.nonce) if address == ALICE and found else found

    state = Changing()
    [before] = call_many(state, [Message(sender=ALICE)])
    results = call_many(state, [Message(sender=ALICE), Message(to=CONTRACT)])
    state.nonce = 8
    assert results[0].created == before.created != call(state, Message(sender=ALICE)).created
