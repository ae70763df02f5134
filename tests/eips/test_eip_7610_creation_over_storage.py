"""EIP-7610 (from Frontier on, until Amsterdam): nothing is created where storage is."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import run, since
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account

MAKER = Address(b"\x0f" * 20)
FIRST = Address(keccak(b"\xd6\x94" + SENDERS[0] + b"\x80")[12:])  # of the sender's nonce 0
SECOND = Address(keccak(b"\xd6\x94" + MAKER + b"\x01")[12:])  # of the maker's nonce 1
THIRD = Address(keccak(b"\xff" + MAKER + bytes(32) + keccak(b""))[12:])  # by CREATE2
GAS = 2_000_000
STORED = {1: 1}
HOLDS = since("frontier", until="amsterdam")
DEPLOYS = assemble("1 0 MSTORE8 1 0 RETURN")
LOGS = "0 MSTORE 32 0 LOG0"


@pytest.mark.parametrize("fork", HOLDS)
@pytest.mark.parametrize(
    "there",
    [
        Account(0, 0, b"", storage=STORED),
        Account(5, 0, b"", storage=STORED),
        Account(0, 1),  # EIP-684 said the same of nonces and code
        Account(0, 0, b"\x00"),
    ],
)
def test_a_creating_transaction_fails_with_all_its_gas(fork: str, there: Account) -> None:
    block = [
        transaction(0, None, data=DEPLOYS, gas=GAS),
        transaction(1, FIRST, value=1),
    ]
    ran = run(fork, block, {FIRST: there})
    assert ran.executions[0].error == "address collision"
    assert ran.executions[0].gas_used == GAS
    left = ran.state.account(FIRST)
    assert (left.balance, left.nonce, left.code) == (there.balance + 1, there.nonce, there.code)
    assert left.storage == there.storage


@pytest.mark.parametrize("fork", HOLDS)
def test_a_balance_alone_does_no_harm(fork: str) -> None:
    block = [transaction(1, FIRST, value=5), transaction(0, None, data=DEPLOYS, gas=GAS)]
    ran = run(fork, block)
    assert ran.executions[1].succeeded
    assert (ran.state.account(FIRST).balance, ran.state.account(FIRST).code) == (5, b"\x01")


@pytest.mark.parametrize(
    ("fork", "source", "at"),
    # Before EIP-150 a failed creation leaves no gas to tell of it.
    [
        (fork, f"0 0 0 CREATE {LOGS}", SECOND)
        for fork in since("tangerine_whistle", until="amsterdam")
    ]
    + [
        (fork, f"0 0 0 0 CREATE2 {LOGS}", THIRD)
        for fork in since("constantinople", until="amsterdam")
    ],
)
def test_a_creating_instruction_gives_zero(fork: str, source: str, at: Address) -> None:
    made = {}
    for storage in ({}, STORED):
        accounts = {MAKER: contract(source), at: Account(1, 0, b"", storage=storage)}
        ran = run(fork, [transaction(i, MAKER, gas=GAS) for i in range(2)], accounts)
        made[bool(storage)] = [int.from_bytes(e.logs[0].data, "big") for e in ran.executions]
        assert ran.state.account(at).storage == storage
    assert made[False][0] == int.from_bytes(at, "big")
    assert made[True][0] == 0


def test_amsterdam_declines_it_and_clears_what_is_stored() -> None:
    block = [transaction(0, None, data=DEPLOYS, gas=GAS), transaction(1, NOBODY, value=1)]
    ran = run("amsterdam", block, {FIRST: Account(0, 0, b"", storage=STORED)})
    assert ran.executions[0].succeeded
    assert ran.state.account(FIRST).code == b"\x01"
    assert ran.state.account(FIRST).storage == {}
