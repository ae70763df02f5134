"""What is read ahead for steps to come is a guess: right or wrong, it changes no result."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from eth_typing import Address

from blockstm import Config, Executor
from blockstm.bench.blocks.fixture import Fixture
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.reference import execute_block as reference
from blockstm.state.accounts import slot_of
from blockstm.testing import assert_same_result
from blockstm.vm.evm import Signed

# Adds one to the slots keccak(caller, 7) and keccak(3, first argument). Where the second argument
# is not zero, to the slot keccak(second argument, caller) instead of the first of them.
BALANCES = assemble(
    "36 CALLDATALOAD ISZERO @plain JUMPI "
    "36 CALLDATALOAD 0 MSTORE CALLER 32 MSTORE @count JUMP "
    "plain: CALLER 0 MSTORE 7 32 MSTORE "
    "count: 64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE "
    "3 0 MSTORE 4 CALLDATALOAD 32 MSTORE "
    "64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE STOP"
)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def call(fixture: Fixture, sender: Address, to: Address, *arguments: int, size: int = 2) -> Signed:
    step = fixture.pay(sender, to, 0)
    data = b"\xaa\xbb\xcc\xdd" + b"".join(map(word, arguments))
    transaction = replace(step.transaction, gas=150_000, data=data[: 4 + 32 * size])
    return Signed(transaction, step.sender)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_slots_that_are_guessed_right_or_wrong_are_what_the_reference_says(share: float) -> None:
    """700 calls, more than hashes are remembered; ``share`` of them find another slot."""
    fixture = Fixture()
    draw = random.Random(5)
    contract = fixture.contract("balances", BALANCES)
    people = fixture.people("person", 350)
    steps = []
    for _ in range(700):
        sender = draw.choice(people)
        odd = draw.randrange(1, 1 << 256) if draw.random() < share else 0
        steps.append(call(fixture, sender, contract, draw.randrange(40), odd))
    state, evm = fixture.state(random.Random(1)), fixture.evm()
    expected = reference(steps, state, evm)
    assert all(outcome.value.succeeded for outcome in expected.outcomes)
    first = steps[0].sender
    if not share:
        slot = int.from_bytes(keccak(bytes(12) + first + word(7)), "big")
        assert expected.writes[slot_of(contract, 0, slot)] == sum(s.sender == first for s in steps)
    for workers in (1, 2, 4):
        with Executor(Config(workers=workers, gate=False)) as executor:
            for _ in range(2):  # the second time the methods are known
                assert_same_result(executor.execute_block(steps, state, evm), expected)


def assert_twice_as_reference(fixture: Fixture, steps: list[Signed]) -> None:
    """The second time the methods are known."""
    state, evm = fixture.state(), fixture.evm()
    expected = reference(steps, state, evm)
    with Executor(Config(workers=1)) as executor:
        for _ in range(2):
            assert_same_result(executor.execute_block(steps, state, evm), expected)


def test_calls_with_too_short_calldata_are_no_calls_of_a_known_method() -> None:
    fixture = Fixture()
    contract = fixture.contract("balances", BALANCES)
    people = fixture.people("person", 40)
    steps = [
        call(fixture, person, contract, number, 0, size=number % 3)
        for number, person in enumerate(people)
    ]
    assert_twice_as_reference(fixture, steps)


def test_a_block_is_run_again_on_another_state_of_the_same_accounts() -> None:
    """Nothing that was read ahead in one block is believed in the next."""
    fixture = Fixture()
    contract = fixture.contract("balances", BALANCES)
    people = fixture.people("person", 60)
    steps = [call(fixture, person, contract, 1, 0) for person in people]
    evm = fixture.evm()
    before = fixture.state()
    bound = evm.bind(steps)
    with Executor(Config(workers=1)) as executor:
        first = executor.execute_block(bound, before, evm)
        after = before.copy()
        after.apply({key: value for key, value in first.writes.items() if key[1] == "storage"})
        second = executor.execute_block(bound, after, evm)
    assert_same_result(second, reference(steps, after, evm))
    assert first.writes != second.writes


# Adds one to slot 5 of its own, and calls the ledger with its second argument and its caller.
POOL = assemble(
    "5 SLOAD 1 ADD 5 SSTORE CALLER 0 MSTORE 36 CALLDATALOAD 32 MSTORE "
    "0 0 64 0 0 4 CALLDATALOAD GAS CALL POP STOP"
)
# Adds one to three slots: keccak(9, first word), keccak(keccak(second word, 4), caller), and
# keccak(first word, second word).
LEDGER = assemble(
    "9 0 MSTORE 0 CALLDATALOAD 32 MSTORE 64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE "
    "32 CALLDATALOAD 0 MSTORE 4 32 MSTORE 64 0 KECCAK256 0 MSTORE CALLER 32 MSTORE "
    "64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE "
    "0 CALLDATALOAD 0 MSTORE 32 CALLDATALOAD 32 MSTORE "
    "64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE STOP"
)


@pytest.mark.parametrize("odd", [0, 3, 2])
def test_contracts_of_one_kind_that_are_met_once_are_what_the_reference_says(odd: int) -> None:
    """Each call is of a contract of its own; every ``odd``-th has another code."""
    fixture = Fixture()
    draw = random.Random(7)
    ledgers = [fixture.contract(f"ledger {number}", LEDGER) for number in range(2)]
    people = fixture.people("person", 200)
    steps = []
    for number, person in enumerate(people):
        code = BALANCES if odd and number % odd == 0 else POOL
        contract = fixture.contract(f"contract {number}", code)
        ledger = ledgers[number > 150]  # what was in common is so no more
        arguments = int.from_bytes(ledger, "big"), draw.randrange(30)
        steps.append(call(fixture, person, contract, *arguments, size=draw.choice([2, 2, 2, 1])))
    state, evm = fixture.state(random.Random(1)), fixture.evm()
    expected = reference(steps, state, evm)
    assert all(outcome.value.succeeded for outcome in expected.outcomes)
    first = bytes(12) + steps[1].sender
    slot = int.from_bytes(keccak(word(9) + first), "big")
    assert expected.writes[slot_of(ledgers[0], 0, slot)] == 1
    for workers in (1, 2, 4):
        with Executor(Config(workers=workers, gate=False)) as executor:
            for _ in range(2):
                assert_same_result(executor.execute_block(steps, state, evm), expected)


def test_a_method_of_many_kinds_is_given_up() -> None:
    """Contracts that have nothing in common, and then many that have: no result depends on it."""
    fixture = Fixture()
    people = fixture.people("person", 60)
    steps = []
    for number, person in enumerate(people):
        slot = number if number < 20 else 5
        code = assemble(f"{slot} SLOAD 1 ADD {slot} SSTORE STOP")
        contract = fixture.contract(f"contract {number}", code)
        steps.append(call(fixture, person, contract, 1, 0))
    assert_twice_as_reference(fixture, steps)


def test_a_method_whose_calls_come_to_nothing_is_what_the_reference_says() -> None:
    """Runs of calls that find twelve slots by two hashes each, and of calls that find none."""
    fixture = Fixture()
    nested = "".join(
        f"4 CALLDATALOAD 0 MSTORE {number} 32 MSTORE 64 0 KECCAK256 0 MSTORE CALLER 32 MSTORE "
        "64 0 KECCAK256 DUP1 SLOAD 1 ADD SWAP1 SSTORE "
        for number in range(12)
    )
    contract = fixture.contract(
        "nested", assemble(f"36 CALLDATALOAD @end JUMPI {nested} end: STOP")
    )
    people = fixture.people("person", 200)
    steps = []
    for number, person in enumerate(people):
        step = call(fixture, person, contract, number % 7, number // 40 % 2)
        steps.append(Signed(replace(step.transaction, gas=600_000), step.sender))
    state, evm = fixture.state(), fixture.evm()
    expected = reference(steps, state, evm)
    assert all(outcome.value.succeeded for outcome in expected.outcomes)
    assert sum(key[1] == "storage" for key in expected.writes) == 12 * 120
    for workers in (1, 2):
        with Executor(Config(workers=workers, gate=False)) as executor:
            for _ in range(2):
                assert_same_result(executor.execute_block(steps, state, evm), expected)
