"""EIP-1052 (Constantinople): the hash of an account's code; its test cases by their numbers."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import (
    TARGET,
    answers,
    before,
    by_fork,
    created_by,
    error,
    gas,
    run,
    since,
    word,
)
from tests.evm.world_blocks import COINBASE, contract, number_of, transaction

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account

NO_CODE = 0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470
OTHER, EMPTY, ABSENT, RICH = (Address(bytes([byte]) * 20) for byte in (0x11, 0xE0, 0xAB, 0xCC))
CODE = "CALLER SELFDESTRUCT"
HASH = int.from_bytes(keccak(assemble(CODE)), "big")
THERE = {OTHER: contract(CODE), RICH: Account(1)}
FAILS = Address(b"\xfa" * 20)


def hash_of(address: bytes) -> str:
    return f"{number_of(address):#x} EXTCODEHASH"


def call_of(address: bytes, value: int = 0) -> str:
    return f"0 0 0 0 {value} {number_of(address):#x} 50000 CALL POP"


@pytest.mark.parametrize("fork", since("constantinople"))
def test_1_to_4_accounts_as_they_are(fork: str) -> None:
    above = f"{number_of(OTHER) + 2**160:#x} EXTCODEHASH"  # the first 12 bytes are not read
    copies = "ADDRESS EXTCODESIZE 0 0 ADDRESS EXTCODECOPY ADDRESS EXTCODESIZE 0 KECCAK256"
    assert word(fork, f"{copies} ADDRESS EXTCODEHASH EQ") == 1
    precompile = (4).to_bytes(20, "big")
    sources = [hash_of(each) for each in (RICH, ABSENT, precompile, OTHER)]
    assert answers(fork, [*sources, above], accounts=THERE) == [NO_CODE, 0, 0, HASH, HASH]
    with_ether = THERE | {Address(precompile): Account(1)}
    assert answers(fork, [hash_of(precompile)], accounts=with_ether) == [NO_CODE]


@pytest.mark.parametrize("fork", since("constantinople"))
def test_5_and_6_an_account_that_destroys_itself(fork: str) -> None:
    """It is there until the transaction ends, and if that is taken back, after it."""
    undone = {FAILS: contract(f"{call_of(OTHER)} INVALID")}
    assert word(fork, f"{call_of(OTHER)} {hash_of(OTHER)}", accounts=THERE) == HASH
    assert word(fork, f"{call_of(FAILS)} {hash_of(OTHER)}", accounts=THERE | undone) == HASH
    asks = contract(f"{hash_of(OTHER)} 0 MSTORE 32 0 RETURN")
    block = [transaction(0, RICH), transaction(1, OTHER), transaction(2, RICH)]
    first, _, second = run(fork, block, THERE | {RICH: asks}).executions
    hashes = [int.from_bytes(each.output, "big") for each in (first, second)]
    assert hashes == [HASH, 0 if fork in before("cancun") else HASH]  # EIP-6780


@pytest.mark.parametrize("fork", since("constantinople"))
def test_7_and_8_an_account_that_is_created(fork: str) -> None:
    """Nothing while its initcode runs, for its nonce is 1; and 0 where that is taken back."""
    asks = assemble("ADDRESS EXTCODEHASH 0 MSTORE 32 0 RETURN")  # its code: what it finds
    creates = f"0x{asks.hex()} 0 MSTORE {len(asks)} {32 - len(asks)} 0 CREATE"
    code_is_that = NO_CODE.to_bytes(32, "big")
    gas = 1_000_000
    assert word(fork, f"{creates} EXTCODEHASH", gas=gas) == number_of(keccak(code_is_that))
    fails = assemble("INVALID")
    creates = f"0x{fails.hex()} 0 MSTORE 1 31 0 CREATE POP"
    at = f"{number_of(created_by(TARGET, 1)):#x}"
    assert word(fork, f"{creates} {at} EXTCODEHASH", gas=gas) == 0


@pytest.mark.parametrize("fork", since("constantinople", until="paris"))
def test_9_and_10_an_empty_account(fork: str) -> None:
    """One that is touched and will go, one that comes into being, and one that is paid."""
    accounts = THERE | {EMPTY: Account()}
    touched, paid = f"{call_of(EMPTY)} {hash_of(EMPTY)}", f"{call_of(EMPTY, 1)} {hash_of(EMPTY)}"
    assert answers(fork, [hash_of(EMPTY), touched], accounts=accounts) == [0, 0]
    assert answers(fork, [hash_of(EMPTY), touched, paid], balance=1) == [0, 0, NO_CODE]


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(constantinople=400, istanbul=700, berlin=2_600, amsterdam=3_000)
)
def test_price(fork: str, price: int) -> None:
    assert gas(fork, hash_of(OTHER), accounts=THERE) == 3 + price
    assert gas(fork, hash_of(ABSENT)) == 3 + price


@pytest.mark.parametrize("fork", before("constantinople"))
def test_there_was_no_extcodehash(fork: str) -> None:
    assert error(fork, hash_of(COINBASE)) == "invalid opcode"
