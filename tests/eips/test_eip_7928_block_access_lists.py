"""EIP-7928 (Amsterdam): a block's header commits to all that the block accessed and changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth_typing import Address
from tests.eips.rules import created_by, refusal
from tests.eips.whole_blocks import COINBASE, block_with, executed, signed, with_header, world
from tests.ethereum.builders import REQUEST_CONTRACTS, authorize
from tests.ethereum.builders import SENDERS as AUTHORITIES
from tests.ethereum.made import SENDERS
from tests.evm.world_blocks import contract

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Account, ExecutedBlock, Reason, Withdrawal
from blockstm.ethereum.codecs.hashing import keccak

A, B, C = (Address(bytes([byte]) * 20) for byte in (0x1A, 0x1B, 0x1C))
TO_B = f"0x{B.hex()}"
ROOTS = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
HISTORY = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
SYSTEM = {ROOTS, HISTORY, *REQUEST_CONTRACTS}  # called in every block, and doing nothing here
FUNDS, PRICE, TIP = 10**18, 10, 3
GAS = 1_000_000
NOTHING: tuple[Any, ...] = ((), (), (), (), ())

Entry = tuple[Any, ...]
"""Storage changes, storage reads, balance changes, nonce changes and code changes."""


def entries(done: ExecutedBlock) -> dict[Address, Entry]:
    """The list, by address."""
    assert done.access_list is not None
    return {
        each.address: (
            each.storage_changes,
            each.storage_reads,
            each.balance_changes,
            each.nonce_changes,
            each.code_changes,
        )
        for each in done.access_list.accounts
    }


def of_code(source: str, storage: dict[int, int] | None = None, balance: int = 0) -> Account:
    return contract(source, balance, storage)


def touched(source: str, accounts: dict[Address, Account] | None = None, **at_a: Any) -> Any:
    """What is listed beside sender, beneficiary and system, where code runs at `A`."""
    there = {A: of_code(source, **at_a), **(accounts or {})}
    listed = entries(executed("amsterdam", [signed(0, to=A, gas=GAS)], there))
    return {at: e for at, e in listed.items() if at not in {SENDERS[0], COINBASE, *SYSTEM}}


def test_a_block_of_dependent_transactions() -> None:
    counts = {A: of_code("0 SLOAD 1 ADD 0 SSTORE")}
    block = [
        signed(0, to=B, value=5, gas=GAS),
        signed(1, to=A, gas=GAS),
        signed(0, nonce=1, to=A, gas=GAS),
        signed(1, nonce=1, to=B, value=7, gas=GAS),
    ]
    done = executed("amsterdam", block, counts)
    gas = [receipt.gas_used or 0 for receipt in done.receipts]
    cost = [PRICE * each for each in gas]
    fees = [TIP * sum(gas[: i + 1]) for i in range(4)]
    first, second = FUNDS - 5 - cost[0], FUNDS - cost[1]
    assert entries(done) == {
        **dict.fromkeys(SYSTEM, NOTHING),
        A: (((0, ((2, 1), (3, 2))),), (), (), (), ()),
        B: ((), (), ((1, 5), (4, 12)), (), ()),
        COINBASE: ((), (), tuple((i + 1, fee) for i, fee in enumerate(fees)), (), ()),
        SENDERS[0]: ((), (), ((1, first), (3, first - cost[2])), ((1, 1), (3, 2)), ()),
        SENDERS[1]: ((), (), ((2, second), (4, second - 7 - cost[3])), ((2, 1), (4, 2)), ()),
    }


def test_the_header_has_the_hash_of_its_rlp() -> None:
    there = {A: of_code("9 SLOAD 0 SLOAD 1 ADD 0 SSTORE")}
    state = world(there)
    transactions = [signed(0, to=A, gas=GAS), signed(1, to=None, data=b"", value=1, gas=GAS)]
    block = block_with("amsterdam", transactions, state)
    found = entries(executed("amsterdam", transactions, there))
    listed = [[at, *found[at]] for at in sorted(found)]
    assert block.header.block_access_list_hash == keccak(rlp.encode(listed))
    assert refusal(block, state, "amsterdam") is None
    wrong = with_header(block, block_access_list_hash=keccak(rlp.encode(listed[1:])))
    assert refusal(wrong, state, "amsterdam") is Reason.ACCESS_LIST_HASH


def test_a_list_that_comes_with_the_block_must_be_its_own() -> None:
    state = world()
    transactions = [signed(0, to=B, value=5, gas=GAS)]
    block = block_with("amsterdam", transactions, state)
    given = executed("amsterdam", transactions).access_list
    assert given is not None
    assert refusal(replace(block, access_list=given), state, "amsterdam") is None
    fewer = replace(given, accounts=given.accounts[1:])
    assert (
        refusal(replace(block, access_list=fewer), state, "amsterdam") is Reason.ACCESS_LIST_DIFFERS
    )
    turned = replace(given, accounts=given.accounts[::-1])
    assert (
        refusal(replace(block, access_list=turned), state, "amsterdam") is Reason.ACCESS_LIST_FORM
    )


@pytest.mark.parametrize(
    ("source", "storage", "changes", "reads"),
    [
        ("7 SLOAD", {}, (), (7,)),
        ("9 SLOAD 7 SLOAD 8 SLOAD", {}, (), (7, 8, 9)),  # by slot
        ("1 7 SSTORE", {}, ((7, ((1, 1),)),), ()),
        ("7 SLOAD 1 7 SSTORE 7 SLOAD", {}, ((7, ((1, 1),)),), ()),  # never both
        ("2 9 SSTORE 1 7 SSTORE", {}, ((7, ((1, 1),)), (9, ((1, 2),))), ()),
        ("1 7 SSTORE 2 7 SSTORE", {}, ((7, ((1, 2),)),), ()),  # as it is in the end
        ("0 7 SSTORE", {7: 5}, ((7, ((1, 0),)),), ()),
        ("5 7 SSTORE", {7: 5}, (), (7,)),  # what it was already
        ("0 7 SSTORE", {}, (), (7,)),
        ("1 7 SSTORE 5 7 SSTORE", {7: 5}, (), (7,)),
        ("1 7 SSTORE 0 0 REVERT", {}, (), (7,)),
        ("1 7 SSTORE INVALID", {}, (), (7,)),
    ],
)
def test_slots(source: str, storage: dict[int, int], changes: Any, reads: Any) -> None:
    assert touched(source, storage=storage) == {A: (changes, reads, (), (), ())}


@pytest.mark.parametrize(
    "source",
    [
        f"{TO_B} BALANCE",
        f"{TO_B} EXTCODESIZE",
        f"{TO_B} EXTCODEHASH",
        f"0 0 0 {TO_B} EXTCODECOPY",
        f"0 0 0 0 0 {TO_B} GAS CALL",
        f"0 0 0 0 0 {TO_B} GAS CALLCODE",
        f"0 0 0 0 {TO_B} GAS DELEGATECALL",
        f"0 0 0 0 {TO_B} GAS STATICCALL",
        f"0 0 0 0 9 {TO_B} GAS CALL",  # more than there is
        f"{TO_B} SELFDESTRUCT",
        f"{TO_B} BALANCE 0 0 REVERT",
        f"{TO_B} BALANCE INVALID",
    ],
)
@pytest.mark.parametrize("is_there", [False, True])
def test_an_accessed_account_is_listed(source: str, is_there: bool) -> None:
    accounts = {B: of_code("STOP")} if is_there else {}
    assert touched(source, accounts) == {A: NOTHING, B: NOTHING}


@pytest.mark.parametrize(
    ("source", "least"),
    [
        (f"{TO_B} BALANCE", 3 + 3_000),
        (f"{TO_B} EXTCODEHASH", 3 + 3_000),
        (f"{TO_B} EXTCODESIZE", 3 + 3_100),
        (f"0 0 0 {TO_B} EXTCODECOPY", 12 + 3_100),
        (f"32 0 0 {TO_B} EXTCODECOPY", 12 + 3_100 + 3 + 3),
        (f"0 0 0 0 0 {TO_B} 0 CALL", 21 + 3_000),
        (f"0 0 0 0 1 {TO_B} 0 CALL", 21 + 3_000 + 11_300),
        (f"0 0 0 0 {TO_B} 0 STATICCALL", 18 + 3_000),
        (f"{TO_B} SELFDESTRUCT", 3 + 5_000 + 3_000),
    ],
)
def test_an_account_is_accessed_only_if_the_gas_suffices(source: str, least: int) -> None:
    inner = {C: of_code(source, balance=1), B: of_code("STOP")}
    for gas, listed in [(least, True), (least - 1, False)]:
        calls = f"0 0 0 0 0 0x{C.hex()} {gas} CALL"
        assert (B in touched(calls, inner)) is listed


@pytest.mark.parametrize(("source", "least"), [("7 SLOAD", 3 + 2_100), ("1 7 SSTORE", 6 + 2_301)])
def test_a_slot_is_accessed_only_if_the_gas_suffices(source: str, least: int) -> None:
    for gas, reads in [(least, (7,)), (least - 1, ())]:
        calls = f"0 0 0 0 0 0x{C.hex()} {gas} CALL"
        assert touched(calls, {C: of_code(source)})[C] == ((), reads, (), (), ())


def test_balances_nonces_and_code_of_a_creation() -> None:
    runtime = b"\x60\x00"
    initcode = assemble(f"PUSH2 0x{runtime.hex()} 0 MSTORE 2 30 RETURN")
    done = executed("amsterdam", [signed(0, to=None, data=initcode, value=3, gas=GAS)])
    made = entries(done)[created_by(SENDERS[0], 0)]
    assert made == ((), (), ((1, 3),), ((1, 1),), ((1, runtime),))


def test_a_creation_that_fails_is_listed_without_changes() -> None:
    at = created_by(SENDERS[0], 0)
    for data, there in [(b"\xfe", {}), (b"", {at: Account(0, 1)})]:
        sent = [signed(0, to=None, data=data, gas=GAS)]
        assert entries(executed("amsterdam", sent, there))[at] == NOTHING


def test_slots_of_what_is_created_and_destroyed_are_reads() -> None:
    # It keeps its balance (EIP-8246), and nothing else.
    data = assemble("5 1 SSTORE 2 SLOAD ADDRESS SELFDESTRUCT")
    done = executed("amsterdam", [signed(0, to=None, data=data, value=3, gas=GAS)])
    assert entries(done)[created_by(SENDERS[0], 0)] == ((), (1, 2), ((1, 3),), (), ())


def test_a_beneficiary_is_listed_even_without_a_fee() -> None:
    listed = entries(executed("amsterdam", [signed(0, to=B, gas_price=7, gas=GAS)]))
    assert listed[COINBASE] == NOTHING
    assert COINBASE not in entries(executed("amsterdam", []))


def test_an_authority_is_listed_once_its_signature_is_recovered() -> None:
    at = AUTHORITIES[0]
    for authorization, entry in [
        (authorize(0, 1, 0, B), ((), (), (), ((1, 1),), ((1, b"\xef\x01\x00" + B),))),
        (authorize(0, 1, 9, B), NOTHING),  # another nonce
        (authorize(0, 2, 0, B), None),  # another chain
        (replace(authorize(0, 1, 0, B), r=0), None),
    ]:
        sent = [signed(0, 4, to=C, authorizations=(authorization,), gas=GAS)]
        listed = entries(executed("amsterdam", sent, {at: Account(1)}))
        assert listed.get(at) == entry
        assert B not in listed  # nothing runs that code


def test_the_target_of_a_delegation_is_listed_where_it_runs() -> None:
    delegated = {C: Account(1, 1, b"\xef\x01\x00" + B)}
    assert touched(f"0 0 0 0 0 0x{C.hex()} GAS CALL", delegated) == {
        A: NOTHING,
        B: NOTHING,
        C: NOTHING,
    }
    assert touched(f"0x{C.hex()} EXTCODESIZE", delegated) == {A: NOTHING, C: NOTHING}
    listed = entries(executed("amsterdam", [signed(0, to=C, gas=GAS)], delegated))
    assert listed[B] == NOTHING


def test_ether_that_comes_back_is_no_change() -> None:
    back = "0 0 0 0 CALLVALUE CALLER GAS CALL"
    source = f"0 0 0 0 5 {TO_B} GAS CALL"
    assert touched(source, {B: of_code(back)}, balance=5) == {A: NOTHING, B: NOTHING}


def test_withdrawals_have_the_last_index() -> None:
    transactions = [signed(i, to=B, value=1, gas=GAS) for i in range(2)]
    paid = [Withdrawal(0, 0, B, 2), Withdrawal(1, 0, C, 0), Withdrawal(2, 0, B, 3)]
    listed = entries(executed("amsterdam", transactions, None, paid))
    assert listed[B] == ((), (), ((1, 1), (2, 2), (3, 2 + 5 * 10**9)), (), ())
    assert listed[C] == NOTHING


def test_system_calls_have_the_first_index_and_the_last() -> None:
    counts = "0 SLOAD 1 ADD 0 SSTORE"
    there = {at: of_code(counts) for at in SYSTEM}
    listed = entries(executed("amsterdam", [signed(0, to=B, gas=GAS)], there))
    for at in (ROOTS, HISTORY):
        assert listed[at][0] == ((0, ((0, 1),)),)
    for at in REQUEST_CONTRACTS:
        assert listed[at][0] == ((0, ((2, 1),)),)


def test_there_is_an_item_for_each_2000_gas_of_the_limit() -> None:
    # An empty block has six: the contracts that the system calls.
    for limit, reason in [(12_000, None), (11_999, Reason.ACCESS_LIST_TOO_LARGE)]:
        state = world()
        fine = block_with("amsterdam", [], state, gas_limit=limit)
        assert refusal(fine, state, "amsterdam") is reason


def test_before_it_there_was_none() -> None:
    state = world()
    assert executed("osaka", []).access_list is None
    block = block_with("amsterdam", [], state)
    assert refusal(block, state, "osaka") is Reason.HEADER_MEMBERS
    without = with_header(block, block_access_list_hash=None, slot_number=None)
    assert refusal(without, state, "amsterdam") is Reason.HEADER_MEMBERS
