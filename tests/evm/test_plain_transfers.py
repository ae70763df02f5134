"""Transfers that can run no code have a way of their own: it comes to what the general one does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import (
    BASE_FEE,
    COINBASE,
    EMPTY,
    GAS_PRICE,
    NOBODY,
    SENDERS,
    context,
    contract,
    transaction,
    world,
)

from blockstm import Config, Executor
from blockstm._native.evm.prepared import plain_transfers
from blockstm.reference import execute_block as reference
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_same_result
from blockstm.types import Status
from blockstm.vm.evm import FORKS, Evm, Execution, Signed

CODE, REVERTS, DELEGATED, POOR = (Address(bytes([byte]) * 20) for byte in (0xA1, 0xA2, 0xA3, 0xA4))
TRANSFER_GAS = 21_000
UNPAYABLE = 10**18


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = plain_transfers()
    yield
    plain_transfers(apart=before)


def accounts() -> dict[Address, Account]:
    """Senders; those who are paid, of every kind; and a sender whose code is a delegation."""
    return world(
        {
            CODE: contract("CALLVALUE SLOAD 1 ADD CALLVALUE SSTORE STOP"),
            REVERTS: contract("0 0 REVERT"),
            DELEGATED: contract(b"\xef\x01\x00" + CODE, balance=10**15),
            SENDERS[6]: contract(b"\xef\x01\x00" + CODE, balance=10**15),
            SENDERS[7]: contract("STOP", balance=10**15),
            EMPTY: Account(),
        }
    )


def participants(fork: str) -> list[Address]:
    """Whom a transfer may be to: special accounts of every kind, and ones like any other."""
    precompiles = [Address(number.to_bytes(20, "big")) for number in (1, 3, 9, 0x100)]
    empty = [] if FORKS.index(fork) >= FORKS.index("paris") else [EMPTY]
    plain = [Address(bytes([0x50, number]) * 10) for number in range(4)]
    return [CODE, REVERTS, DELEGATED, COINBASE, NOBODY, *empty, *precompiles, *plain, *SENDERS]


def kinds(fork: str) -> list[dict[str, Any]]:
    """What a transaction may be besides a plain one, where the fork has it."""
    found: list[dict[str, Any]] = [{}, {}, {}, {"value": 0}, {"data": b"\0\1"}, {"gas_price": 0}]
    found += [{"gas": TRANSFER_GAS}, {"gas": TRANSFER_GAS - 1}, {"value": UNPAYABLE}]
    if FORKS.index(fork) >= FORKS.index("berlin"):
        found += [{"type": 1}, {"type": 1, "access_list": ((NOBODY, (1, 2)), (CODE, ()))}]
    if FORKS.index(fork) >= FORKS.index("london"):
        found += [
            {"type": 2},
            {"type": 2, "max_priority_fee_per_gas": 0},
            {"type": 2, "max_fee_per_gas": BASE_FEE - 1, "max_priority_fee_per_gas": 1},
            {"type": 2, "max_fee_per_gas": BASE_FEE},
        ]
    return found


def is_valid(fork: str, step: Signed, nonce: int) -> bool:
    """Whether a transaction drawn here belongs in a block, as long as its sender has funds."""
    sent = step.transaction
    since = FORKS.index(fork).__ge__
    cap = sent.gas_price if sent.type < 2 else sent.max_fee_per_gas
    can_send = SENDERS.index(step.sender) < (7 if since(FORKS.index("prague")) else 6)
    pays = not since(FORKS.index("london")) or cap >= BASE_FEE
    return can_send and pays and (sent.nonce, sent.gas < TRANSFER_GAS) == (nonce, False)


def drawn(fork: str, seed: int, count: int = 60) -> list[Signed]:
    """Transactions that are transfers most often, and valid most often."""
    draw = random.Random(seed)
    nonces = [0] * len(SENDERS)
    steps = []
    for _ in range(count):
        sender = draw.randrange(len(SENDERS))
        nonce = max(nonces[sender] + draw.choice([0] * 12 + [1, -1]), 0)
        members = {"value": draw.randrange(1, 1000), "nonce": nonce, **draw.choice(kinds(fork))}
        step = transaction(sender, draw.choice(participants(fork)), **members)
        steps.append(step)
        if members["value"] < UNPAYABLE and is_valid(fork, step, nonces[sender]):
            nonces[sender] += 1
    return steps


def run(fork: str, steps: list[Signed], coinbase: Address, workers: int, apart: bool) -> Any:
    plain_transfers(apart=apart)
    evm = Evm(fork, context(fork, coinbase))
    with Executor(Config(workers=workers)) as executor:
        return executor.execute_block(steps, AccountState(accounts()), evm, on_invalid="skip")


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("coinbase", [COINBASE, SENDERS[0]], ids=["coinbase", "coinbase-sends"])
def test_every_fork_comes_to_the_same_with_the_way_and_without(
    fork: str, coinbase: Address
) -> None:
    for seed in range(4):
        steps = drawn(fork, seed)
        evm = Evm(fork, context(fork, coinbase))
        plain_transfers(apart=False)
        expected = reference(steps, AccountState(accounts()), evm, on_invalid="skip")
        statuses = [outcome.status for outcome in expected.outcomes]
        assert statuses.count(Status.SUCCESS) > len(steps) // 4
        for workers in (1, 2, 4):
            for apart in (True, False):
                assert_same_result(expected, run(fork, steps, coinbase, workers, apart))


@pytest.mark.parametrize("fork", FORKS)
def test_a_transfer_pays_receiver_and_coinbase_and_burns_the_base_fee(fork: str) -> None:
    """Worked out by hand, on the way of its own and on the general one."""
    since = FORKS.index(fork).__ge__
    if since(FORKS.index("amsterdam")):
        pytest.skip("what a transfer costs there depends on the state: tests/eips say how much")
    receiver = Address(b"\x51" * 20)
    base_fee = BASE_FEE if since(FORKS.index("london")) else 0
    for apart in (True, False):
        result = run(fork, [transaction(0, receiver, value=5)], COINBASE, 1, apart)
        (outcome,) = result.outcomes
        executed: Execution = outcome.value
        assert (executed.succeeded, executed.gas_used) == (True, TRANSFER_GAS)
        assert (executed.gas_before_refund, executed.state_gas) == (TRANSFER_GAS, 0)
        assert (executed.output, tuple(executed.logs)) == (b"", ())
        paid = 5 + TRANSFER_GAS * GAS_PRICE
        assert dict(result.writes) == {
            (SENDERS[0], "balance"): 10**18 - paid,
            (SENDERS[0], "nonce"): 1,
            (receiver, "balance"): 5,
            (COINBASE, "balance"): TRANSFER_GAS * (GAS_PRICE - base_fee),
        }


@pytest.mark.parametrize("workers", [1, 2])
def test_a_chain_of_all_that_each_has_goes_from_hand_to_hand(workers: int) -> None:
    """Each receiver sends on what it was sent: its balance is not there before the transfer is."""
    fee = TRANSFER_GAS * GAS_PRICE
    steps = [
        transaction(number, SENDERS[number + 1], value=(9 - number) * fee, gas=TRANSFER_GAS)
        for number in range(7)
    ]
    state = {SENDERS[0]: Account(10 * fee)}
    for apart in (True, False):
        plain_transfers(apart=apart)
        evm = Evm("shanghai", context("shanghai"))
        with Executor(Config(workers=workers)) as executor:
            result = executor.execute_block(steps, AccountState(state), evm)
        assert [outcome.value.succeeded for outcome in result.outcomes] == [True] * len(steps)
        assert result.writes[SENDERS[7], "balance"] == 3 * fee
