"""EIP-2935 (Prague): a contract keeps the hashes of the last 8,191 blocks."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import Ran, before, run, since
from tests.evm.world_blocks import contract, transaction, words

from blockstm.state.accounts import Account
from blockstm.vm.evm import BlockStart

FORKS = since("prague")
HISTORY = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81"
    "430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
WINDOW = 8_191
NUMBER = 20_000
PARENT = b"\xab" * 32


def run_block(
    fork: str, *block: Any, accounts: dict[Address, Account] | None = None, **changed: Any
) -> Ran:
    """Block `NUMBER` on top of the block with the hash `PARENT`."""
    there = {HISTORY: contract(CODE)} if accounts is None else accounts
    changed = {"number": NUMBER, "parent_hash": PARENT, **changed}
    return run(fork, [BlockStart(), *block], there, **changed)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("number", [1, 2, WINDOW, WINDOW + 1, NUMBER])
def test_it_stores_the_parents_hash(fork: str, number: int) -> None:
    ran = run_block(fork, number=number)
    place = (number - 1) % WINDOW
    assert ran.state.account(HISTORY).storage == {place: int.from_bytes(PARENT, "big")}


@pytest.mark.parametrize("fork", FORKS)
def test_it_answers_within_its_window(fork: str) -> None:
    oldest = NUMBER - WINDOW
    storage = {oldest % WINDOW: 5, (NUMBER - 300) % WINDOW: 6}
    asked = {NUMBER - 1: PARENT, NUMBER - 300: words(6), oldest: words(5)}
    # What is out of the window reverts: the block itself, what is to come, what is too old.
    out = [NUMBER, NUMBER + 1, oldest - 1, 2**256 - 1]
    block = [
        transaction(i % 8, HISTORY, nonce=i // 8, data=words(n))
        for i, n in enumerate([*asked, *out])
    ]
    short = transaction(7, HISTORY, data=words(NUMBER - 1)[1:])
    ran = run_block(fork, *block, short, accounts={HISTORY: contract(CODE, storage=storage)})
    executions = [outcome.value for outcome in ran.outcomes[1:]]
    # The oldest hash has the place of the parent's, which is new.
    assert oldest % WINDOW == NUMBER % WINDOW
    assert [e.output for e in executions[:3]] == list(asked.values())
    assert [e.succeeded for e in executions] == [True] * 3 + [False] * 5


@pytest.mark.parametrize("fork", FORKS)
def test_it_is_no_blockhash(fork: str) -> None:
    # BLOCKHASH goes on to know 256 blocks, and to say zero of older ones.
    accounts = {HISTORY: contract(CODE, storage={(NUMBER - 257) % WINDOW: 9})}
    asks = Address(b"\x0f" * 20)
    accounts[asks] = contract("0 CALLDATALOAD BLOCKHASH 0 MSTORE 32 0 RETURN")
    block = [
        transaction(i, asks, data=words(number))
        for i, number in enumerate((NUMBER - 1, NUMBER - 256, NUMBER - 257))
    ]
    hashes = {NUMBER - 1: PARENT, NUMBER - 256: b"\xcd" * 32}
    ran = run_block(fork, *block, accounts=accounts, block_hashes=hashes)
    outputs = [outcome.value.output for outcome in ran.outcomes[1:]]
    assert outputs == [PARENT, b"\xcd" * 32, bytes(32)]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("code", ["0 0 REVERT", "INVALID", "1 0 SSTORE 0 0 REVERT"])
def test_a_call_that_fails_does_nothing(fork: str, code: str) -> None:
    there = {HISTORY: contract(code)}
    ran = run_block(fork, transaction(0, Address(b"\xee" * 20), value=1), accounts=there)
    assert ran.state.account(HISTORY) == there[HISTORY]
    assert ran.outcomes[1].value.succeeded


@pytest.mark.parametrize("fork", FORKS)
def test_without_the_contract_nothing_is_called(fork: str) -> None:
    assert run_block(fork, accounts={}).state.account(HISTORY) is None


@pytest.mark.parametrize("fork", before("prague")[-3:])
def test_before_it_the_contract_was_not_called(fork: str) -> None:
    ran = run_block(fork, accounts={HISTORY: contract("1 0 SSTORE")})
    assert ran.state.account(HISTORY).storage == {}
