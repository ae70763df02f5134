"""The workloads of the benchmarks, and ones made to hurt, give what the reference gives."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address

from blockstm import Config, Executor
from blockstm.bench.blocks.fixture import GAS_PRICE, TRANSFER_GAS, Fixture
from blockstm.bench.blocks.measurement import measure_workload
from blockstm.bench.blocks.workloads import BLOCK_WORKLOADS, block_workload
from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.transaction import Authorization
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.reference import execute_block as reference
from blockstm.state.accounts import slot_of
from blockstm.testing import assert_same_result, assert_serial_equivalent
from blockstm.vm.evm import Signed

SMALL = {"swaps": 4 * 10**6, "pool-chain": 4 * 10**6, "hybrid": 6 * 10**6}
FEE = TRANSFER_GAS * GAS_PRICE


@pytest.mark.parametrize("name", BLOCK_WORKLOADS)
def test_a_workload_comes_to_what_the_reference_says(name: str) -> None:
    workload = block_workload(name, gas=SMALL.get(name, 3 * 10**6))
    assert_serial_equivalent(
        workload.steps,
        workload.state,
        workload.evm,
        workers=(1, 2, 4),
        schedules=0,
        reference_vm=workload.evm,
    )
    outcomes = reference(workload.steps, workload.state, workload.evm).outcomes
    assert all(outcome.value.succeeded for outcome in outcomes)


@pytest.mark.parametrize("name", BLOCK_WORKLOADS)
@pytest.mark.parametrize("gate", [True, False])
def test_a_long_workload_is_the_same_alone_and_shared(name: str, gate: bool) -> None:
    """Long enough for the gate, for batches and for the back-off on chains to take part."""
    workload = block_workload(name, gas=6 * 10**7)
    steps = workload.evm.bind(workload.steps)
    with Executor(Config(workers=1)) as one, Executor(Config(workers=4, gate=gate)) as many:
        alone = one.execute_block(steps, workload.state, workload.evm)
        for _ in range(3):
            assert_same_result(many.execute_block(steps, workload.state, workload.evm), alone)


def test_the_gas_of_a_workload_is_about_what_was_asked_for() -> None:
    for name in BLOCK_WORKLOADS:
        workload = block_workload(name, gas=4 * 10**6)
        used = reference(workload.steps, workload.state, workload.evm).gas_used
        assert 0.9 <= used / (4 * 10**6) <= 1.1, name


def test_a_workload_is_the_same_every_time() -> None:
    first, again = (block_workload("hybrid", gas=2 * 10**6, seed=7) for _ in range(2))
    assert first.steps == again.steps
    assert first.steps != block_workload("hybrid", gas=2 * 10**6, seed=8).steps


@pytest.mark.parametrize(("name", "gas"), [("nothing", 10**6), ("swaps", 10**4)])
def test_there_is_no_such_workload(name: str, gas: int) -> None:
    with pytest.raises(ConfigError, match=name):
        block_workload(name, gas=gas)


def test_a_row_says_what_was_measured() -> None:
    row = measure_workload(
        block_workload("transfers", gas=10**6), workers=2, iterations=2
    ).as_dict()
    assert row["workload"] == "transfers"
    assert row["transactions"] == 48
    assert row["gas"] == 48 * TRANSFER_GAS
    assert row["shared"] in (1, 2)  # the gate goes by a clock
    assert row["iterations"] == 2


# ---------------------------------------------------------------- made to hurt

# Counts calls in slot 0 and remembers what it has at each in the slot of that number.
COUNTING = assemble("0 SLOAD 1 ADD DUP1 0 SSTORE SELFBALANCE SWAP1 SSTORE STOP")
# Without data it counts; with data it destroys itself in favour of the address in it.
MORTAL = bytes.fromhex("36600e57 600054600101600055 00 5b600035ff")


def hurtful(
    make: Callable[[Fixture, random.Random], list[Signed]], fork: str = "osaka"
) -> list[tuple[int, int, Mapping[Any, Any]]]:
    """The block that is made, on all workers, against the reference; the invalid are skipped.

    For each of some seeds: how many transactions succeeded, how many were skipped, the writes.
    """
    seen = []
    for seed in range(3):
        fixture = Fixture(coinbase=Fixture.named("beneficiary"))
        steps = make(fixture, random.Random(seed))
        evm = fixture.evm(fork)
        assert_serial_equivalent(
            steps,
            fixture.state(),
            evm,
            workers=(2, 4),
            schedules=0,
            on_invalid="skip",
            reference_vm=evm,
        )
        done = reference(steps, fixture.state(), evm, on_invalid="skip")
        skipped = sum(outcome.status == "skipped" for outcome in done.outcomes)
        succeeded = sum(
            bool(outcome.value and outcome.value.succeeded) for outcome in done.outcomes
        )
        assert succeeded > len(steps) / 3
        seen.append((succeeded, skipped, done.writes))
    return seen


@pytest.mark.parametrize("name", BLOCK_WORKLOADS)
def test_py_evm_is_measured_where_it_can_run_the_same(name: str) -> None:
    """Each workload can be asked for beside it: `make bench` asks for all of them."""
    workload = block_workload(name, gas=2 * 10**6)
    row = measure_workload(workload, workers=1, iterations=2, against=["py-evm"]).as_dict()
    uses_own_precompiles = name in ("settlement", "ai-dex")
    assert (row["py_evm_ratio"] is None) == uses_own_precompiles
    assert workload.is_portable != uses_own_precompiles


def test_a_beneficiary_that_is_a_contract() -> None:
    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        coinbase = fixture.contract("beneficiary", COUNTING)
        people = fixture.people("person", 12)
        steps = []
        for _ in range(120):
            person = draw.choice(people)
            to = coinbase if draw.random() < 0.3 else draw.choice(people)
            steps.append(_spend(fixture.pay(person, to, draw.randrange(100))))
        return steps

    coinbase = Fixture.named("beneficiary")
    for _, _, writes in hurtful(make):
        assert writes[slot_of(coinbase, 0, 0)] > 10  # it was called, and looked at its fees


def test_senders_that_pay_themselves() -> None:
    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        people = [fixture.person("beneficiary"), *fixture.people("person", 4)]
        steps = []
        for _ in range(150):
            person = draw.choice(people)
            to = person if draw.random() < 0.6 else draw.choice(people)
            steps.append(fixture.pay(person, to, draw.randrange(10**18)))
        return steps

    assert all(skipped == 0 for _, skipped, _ in hurtful(make))


def test_contracts_that_are_destroyed_and_made_again_in_the_same_block() -> None:
    child_init = initcode_of(MORTAL)
    size = len(child_init)
    factory_code = assemble(
        f"{int.from_bytes(child_init, 'big')} 0 MSTORE "
        f"0 CALLDATALOAD {size} {32 - size} 0 CREATE2 0 CALLDATALOAD SSTORE STOP"
    )

    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        factory = fixture.contract("factory", factory_code)
        people = fixture.people("person", 8)
        steps = []
        for _ in range(120):
            person, salt = draw.choice(people), draw.randrange(3).to_bytes(32, "big")
            child = Address(keccak(b"\xff" + factory + salt + keccak(child_init))[12:])
            kind = draw.randrange(4)
            if kind == 0:
                steps.append(_spend(fixture.pay(person, factory, 0), salt))
            elif kind == 1:
                steps.append(_spend(fixture.pay(person, child, 1), bytes(12) + person))
            elif kind == 2:
                steps.append(_spend(fixture.pay(person, child, 0)))
            else:
                steps.append(_spend(fixture.pay(person, child, 5), b""))
        return steps

    for _, _, writes in hurtful(make, "shanghai"):
        assert any(key[1] == "epoch" for key in writes)  # storage was cleared


def test_senders_that_delegate() -> None:
    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        counting = fixture.contract("counting", COUNTING)
        people = [fixture.person("beneficiary"), *fixture.people("person", 5)]
        nonces = dict.fromkeys(people, 0)
        steps = []
        for _ in range(120):
            person, other = draw.choice(people), draw.choice(people)
            step = _spend(fixture.pay(person, other, draw.randrange(50)))
            nonce = nonces[person]
            nonces[person] += 1
            authorities: tuple[Address, ...] = ()
            transaction = replace(step.transaction, nonce=nonce)
            if draw.random() < 0.4:
                signer = draw.choice(people)
                to = counting if draw.random() < 0.7 else Address(bytes(20))
                authorization = Authorization(1, to, nonces[signer], 0, 1, 1)
                nonces[signer] += 1
                authorities = (signer,)
                transaction = replace(transaction, type=4, authorizations=(authorization,))
            steps.append(Signed(transaction, person, authorities))
        return steps

    for _, _, writes in hurtful(make):
        assert any(key[1] == "code_hash" for key in writes)


def test_balances_that_run_out_in_the_middle_of_the_block() -> None:
    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        funds = {f"person {number}": draw.randrange(60 * FEE) for number in range(6)}
        people = {fixture.person(name, balance): balance for name, balance in funds.items()}
        people[fixture.person("beneficiary", balance=0)] = 0
        sent = dict.fromkeys(people, 0)
        steps = []
        for _ in range(200):
            person, other = draw.choices(list(people), k=2)
            value = draw.randrange(3 * FEE)
            transaction = fixture.pay(person, other, value).transaction
            steps.append(Signed(replace(transaction, nonce=sent[person]), person))
            if people[person] >= value + FEE:  # else it is refused, and its nonce comes again
                sent[person] += 1
                people[person] -= value + FEE
                people[other] += value
                people[fixture.coinbase] += FEE // 2
        return steps

    assert all(skipped > 10 for _, skipped, _ in hurtful(make))


def test_gaps_between_nonces() -> None:
    def make(fixture: Fixture, draw: random.Random) -> list[Signed]:
        people = fixture.people("person", 4)
        sent = dict.fromkeys(people, 0)
        steps = []
        for _ in range(200):
            person = draw.choice(people)
            transaction = fixture.pay(person, draw.choice(people)).transaction
            off = draw.choice((0, 0, 0, 0, 1, 2, -1))
            steps.append(Signed(replace(transaction, nonce=max(0, sent[person] + off)), person))
            sent[person] += steps[-1].transaction.nonce == sent[person]
        return steps

    assert all(skipped > 10 for _, skipped, _ in hurtful(make))


def _spend(step: Signed, data: bytes = b"") -> Signed:
    """The same transaction with data, and with gas for more than a transfer."""
    return Signed(replace(step.transaction, gas=200_000, data=data), step.sender)


def test_a_state_lists_accounts_in_random_order_and_in_that_of_use_on_request() -> None:
    shuffled, in_order = (
        block_workload("erc20", gas=10**6),
        block_workload("erc20-in-order", gas=10**6),
    )
    assert shuffled.steps == in_order.steps
    assert dict(shuffled.state.accounts()) == dict(in_order.state.accounts())
    senders = [step.sender for step in in_order.steps if isinstance(step, Signed)]
    wanted = set(senders)
    listed = [address for address, _ in in_order.state.accounts() if address in wanted]
    assert listed == senders
    listed = [address for address, _ in shuffled.state.accounts() if address in wanted]
    assert listed != senders
    again = block_workload("erc20", gas=10**6)
    assert list(again.state.accounts()) == list(shuffled.state.accounts())
