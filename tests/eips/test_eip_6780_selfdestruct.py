"""EIP-6780 (Cancun): SELFDESTRUCT deletes only what the same transaction created."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import before, run, since
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction, words

from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.ethereum.codecs.hashing import keccak

FORKS = since("cancun")
MAKER = Address(b"\x0f" * 20)
BENEFICIARY = f"0x{NOBODY.hex()}"
# Called with data, it stores 5 at slot 1; without, it destroys itself in favour of its heir.
CHILD = assemble(f"CALLDATASIZE @store JUMPI {BENEFICIARY} SELFDESTRUCT store: 5 1 SSTORE STOP")
TO_ITSELF = assemble("ADDRESS SELFDESTRUCT")
# Creates what its data say with all that it is sent, and where a word precedes them calls it.
MAKES = """
    32 CALLDATASIZE SUB DUP1 32 0 CALLDATACOPY
    0 SWAP1 0 CALLVALUE CREATE2
    0 CALLDATALOAD @call JUMPI STOP
    call: 0 0 0 0 0 DUP6 GAS CALL STOP
"""


def child_of(initcode: bytes) -> Address:
    """Where the maker puts it."""
    return Address(keccak(b"\xff" + MAKER + bytes(32) + keccak(initcode))[12:])


def makes(sender: int, initcode: bytes, call: bool, **members: int) -> object:
    data = words(int(call)) + initcode
    return transaction(sender, MAKER, data=data, gas=1_500_000, **members)


ACCOUNTS = {MAKER: contract(MAKES)}
INITCODE = initcode_of(CHILD)
AT = child_of(INITCODE)


@pytest.mark.parametrize("fork", FORKS)
def test_in_a_later_transaction_it_only_pays_out(fork: str) -> None:
    block = [
        makes(0, INITCODE, call=False, value=7),
        transaction(1, AT, data=b"\x01"),
        transaction(2, AT),
        transaction(3, AT, value=4),
    ]
    ran = run(fork, block, ACCOUNTS)
    assert [e.succeeded for e in ran.executions] == [True] * 4
    account = ran.state.account(AT)
    assert (account.balance, account.nonce, account.code) == (0, 1, CHILD)
    assert account.storage == {1: 5}
    assert ran.state.account(NOBODY).balance == 7 + 4


@pytest.mark.parametrize("fork", before("cancun")[-4:])
def test_before_it_was_deleted_in_any_case(fork: str) -> None:
    block = [
        makes(0, INITCODE, call=False, value=7),
        transaction(1, AT, data=b"\x01"),
        transaction(2, AT),
        transaction(3, AT, value=4),  # the account is absent
    ]
    ran = run(fork, block, ACCOUNTS)
    account = ran.state.account(AT)
    assert (account.balance, account.nonce, account.code) == (4, 0, b"")
    assert account.storage == {}
    assert ran.state.account(NOBODY).balance == 7


@pytest.mark.parametrize("fork", FORKS)
def test_in_the_transaction_that_created_it_it_goes(fork: str) -> None:
    block = [makes(i, INITCODE, call=True, value=7) for i in range(3)]  # again and again
    ran = run(fork, block, ACCOUNTS)
    assert [e.succeeded for e in ran.executions] == [True] * 3
    assert ran.state.account(AT) is None
    assert ran.state.account(NOBODY).balance == 21
    assert ran.state.account(MAKER).nonce == 1 + 3


@pytest.mark.parametrize("fork", FORKS)
def test_what_had_a_balance_before_is_created_all_the_same(fork: str) -> None:
    block = [transaction(0, AT, value=9), makes(1, INITCODE, call=True, value=7)]
    ran = run(fork, block, ACCOUNTS)
    assert ran.state.account(AT) is None
    assert ran.state.account(NOBODY).balance == 16


@pytest.mark.parametrize("fork", since("london"))
def test_in_favour_of_itself(fork: str) -> None:
    initcode = initcode_of(TO_ITSELF)
    at = child_of(initcode)
    later = run(fork, [makes(0, initcode, False, value=7), transaction(1, at)], ACCOUNTS)
    same = run(fork, [makes(0, initcode, True, value=7)], ACCOUNTS)
    if fork in before("cancun"):
        assert later.state.account(at) is None
    else:  # nothing is burnt
        assert later.state.account(at).balance == 7
        assert later.state.account(at).code == TO_ITSELF
    if fork in before("amsterdam"):  # EIP-8246 ends this
        assert same.state.account(at) is None


@pytest.mark.parametrize("fork", FORKS)
def test_the_frame_halts(fork: str) -> None:
    accounts = {AT: contract(f"1 1 SSTORE {BENEFICIARY} SELFDESTRUCT 2 1 SSTORE", balance=3)}
    ran = run(fork, [transaction(i, AT) for i in range(2)], accounts)
    assert [e.succeeded for e in ran.executions] == [True] * 2
    assert ran.state.account(AT).storage == {1: 1}
    assert ran.state.account(NOBODY).balance == 3


def test_it_looks_at_the_creation_by_initcode_itself() -> None:
    # A creating transaction whose initcode destroys the account leaves nothing of it.
    sent = transaction(0, None, data=assemble(f"{BENEFICIARY} SELFDESTRUCT"), value=6, gas=10**6)
    for fork in FORKS:
        ran = run(fork, [sent])
        assert ran.executions[0].succeeded
        assert ran.state.account(NOBODY).balance == 6
        assert ran.state.account(Address(keccak(b"\xd6\x94" + SENDERS[0] + b"\x80")[12:])) is None
