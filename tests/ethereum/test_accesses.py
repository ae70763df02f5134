"""Access lists of blocks (EIP-7928): put together from reports, and equal in any schedule."""

from __future__ import annotations

from dataclasses import replace

from eth_typing import Address
from tests.evm.world_blocks import COINBASE, FUNDS, SENDERS, context, contract, transaction, world

from blockstm import execute_block, reference
from blockstm.ethereum.blocks.access_list import AccountAccess
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.state.accounts import AccountState, balance_of
from blockstm.vm.evm import Evm

A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
GREW, SHRANK, GONE, NONCE, CODE = 1, 2, 4, 8, 16


def number(value: int) -> bytes:
    return value.to_bytes(32, "little")


def account(address: Address, changes: int = 0, tail: bytes = b"") -> bytes:
    return b"\x01" + address + bytes([0, changes]) + tail


def looked(address: Address, slot: int) -> bytes:
    return b"\x02" + address + number(slot)


def wrote(address: Address, slot: int, before: int, after: int) -> bytes:
    return b"\x03" + address + number(slot) + number(before) + number(after)


def entries(*reports: bytes, balance: int = 100) -> tuple[AccountAccess, ...]:
    return fold_accesses(reports, lambda _: balance).accounts


def test_balances_add_up_in_block_order() -> None:
    grew, shrank = account(A, GREW, number(7)), account(A, SHRANK, number(30))
    assert entries(grew, b"", shrank) == (AccountAccess(A, balance_changes=((0, 107), (2, 77))),)


def test_a_balance_that_is_the_same_after_a_step_of_several_parts_did_not_change() -> None:
    there_and_back = account(A, GREW, number(7)) + account(A, SHRANK, number(7))
    assert entries(there_and_back) == (AccountAccess(A),)


def test_what_is_deleted_has_nothing_and_what_had_nothing_does_not_change() -> None:
    gone = account(A, GONE)
    assert entries(gone, gone) == (AccountAccess(A, balance_changes=((0, 0),)),)
    assert entries(gone, balance=0) == (AccountAccess(A),)


def test_nonces_and_codes_come_with_their_step() -> None:
    nonce, code = (9).to_bytes(8, "little"), (2).to_bytes(4, "little") + b"\x60\x00"
    both = account(B, NONCE | CODE, nonce + code)
    expected = AccountAccess(B, nonce_changes=((1, 9),), code_changes=((1, b"\x60\x00"),))
    assert entries(account(A), both + account(A)) == (AccountAccess(A), expected)


def test_a_slot_is_read_or_changed_never_both() -> None:
    reports = looked(A, 2) + looked(A, 1), wrote(A, 1, 0, 5), looked(A, 1)
    [entry] = entries(*reports)
    assert entry.storage_changes == ((1, ((1, 5),)),)
    assert entry.storage_reads == (2,)


def test_a_slot_that_a_step_of_several_parts_puts_back_was_only_read() -> None:
    [entry] = entries(looked(A, 1) + wrote(A, 1, 4, 5) + wrote(A, 1, 5, 4))
    assert (entry.storage_changes, entry.storage_reads) == ((), (1,))


COUNTER = "1 SLOAD 1 ADD 1 SSTORE"
REVERTS = "3 SLOAD 0 0 REVERT"


def test_access_lists_are_equal_in_any_schedule() -> None:
    block = replace(context("osaka"), has_access_list=True)
    accounts = world({A: contract(COUNTER), B: contract(REVERTS)})
    steps = [
        transaction(sender, to, nonce=nonce, value=value)
        for nonce in range(6)
        for sender, to, value in [(0, A, 0), (1, SENDERS[2], 5), (2, B, 0), (3, COINBASE, 9)]
    ]
    vm = Evm("osaka", block)
    expected = reference.execute_block(steps, AccountState(accounts), vm)
    reports = [outcome.value.accesses for outcome in expected.outcomes]
    for workers in (1, 2, 4):
        result = execute_block(steps, AccountState(accounts), vm, workers=workers)
        assert [outcome.value.accesses for outcome in result.outcomes] == reports
    state = AccountState(accounts)
    listed = fold_accesses(reports, lambda address: state.get(balance_of(address), 0))
    changes = {entry.address: entry for entry in listed.accounts}
    assert changes[A].storage_changes == ((1, tuple((4 * n, n + 1) for n in range(6))),)
    assert changes[B].storage_reads == (3,)
    assert changes[COINBASE].balance_changes[-1] == (23, expected.writes[balance_of(COINBASE)])
    assert [index for index, _ in changes[COINBASE].balance_changes] == [*range(24)]
    assert changes[SENDERS[1]].balance_changes[-1][1] == expected.writes[balance_of(SENDERS[1])]
    assert changes[SENDERS[1]].balance_changes[-1][1] < FUNDS
