"""The account database: what a transaction reads, what it records, what it leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from blockstm.ethereum.codecs.hashing import keccak
from blockstm.reference import ReferenceView
from blockstm.state.accounts import (
    EMPTY_CODE_HASH,
    balance_of,
    code_hash_of,
    code_with,
    epoch_of,
    nonce_of,
    recorded_of,
    slot_of,
)
from blockstm.values import ABSENT
from blockstm.vm.pyevm import Account, AccountState
from blockstm.vm.pyevm.accounts import EmptyKeepingViewAccounts, ViewAccounts
from blockstm.vm.pyevm.balance import UnreadBalance

RICH, EMPTY, NOBODY, COINBASE = (bytes([i]) * 20 for i in (1, 2, 3, 4))
CODE = b"\x60\x00"
STATE = AccountState(
    {
        RICH: Account(100, 1, CODE, keccak(CODE), {5: 50}),
        EMPTY: Account(),
        COINBASE: Account(7),
    }
)


class Spy(ReferenceView):
    """A reference view that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__(0, lambda key: ABSENT if STATE.get(key) is None else STATE.get(key))
        self.asked: list[tuple[str, Any]] = []

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.append(("get", key))
        return super().get(key, default)

    def at_least(self, key: Any, bound: Any) -> bool:
        self.asked.append((f"at_least {bound}", key))
        return super().at_least(key, bound)


@pytest.fixture
def view() -> Spy:
    return Spy()


@pytest.fixture
def accounts(view: Spy) -> ViewAccounts:
    return ViewAccounts(view)


def writes(view: Spy, accounts: ViewAccounts) -> dict[Any, Any]:
    """What the flushed transaction wrote; an amount added stands as ``(+, amount)``."""
    accounts.flush()
    return {
        key: ("+", value.amount) if hasattr(value, "amount") else value
        for key, value in view.writes.items()
    }


def test_a_payment_is_a_delta_and_reads_nothing(view: Spy, accounts: ViewAccounts) -> None:
    accounts.delta_balance(COINBASE, 3)
    accounts.delta_balance(COINBASE, 4)
    assert writes(view, accounts) == {balance_of(COINBASE): ("+", 7)}
    assert view.asked == []


def test_a_payment_of_nothing_writes_nothing(view: Spy, accounts: ViewAccounts) -> None:
    accounts.delta_balance(NOBODY, 0)
    assert writes(view, accounts) == {}


def test_a_paid_account_is_known_to_exist_without_a_read(view: Spy, accounts: ViewAccounts) -> None:
    accounts.delta_balance(NOBODY, 1)
    assert accounts.account_exists(NOBODY)
    assert not accounts.account_is_empty(NOBODY)
    assert [what for what, key in view.asked if key == balance_of(NOBODY)] == []


def test_existence_asks_for_a_bound_and_not_for_the_number(
    view: Spy, accounts: ViewAccounts
) -> None:
    assert accounts.account_exists(COINBASE)
    assert view.asked == [("at_least 1", balance_of(COINBASE))]


def test_absent_empty_and_present_are_three_things(accounts: ViewAccounts) -> None:
    seen = [
        (accounts.account_exists(address), accounts.account_is_empty(address))
        for address in (NOBODY, EMPTY, RICH)
    ]
    assert seen == [(False, True), (True, True), (True, False)]


def test_saying_that_nothing_is_there_records_every_read(view: Spy, accounts: ViewAccounts) -> None:
    assert not accounts.account_exists(NOBODY)
    assert {key for _, key in view.asked} == {
        location(NOBODY) for location in (balance_of, nonce_of, code_hash_of, recorded_of)
    }


def test_a_comparison_of_a_balance_is_a_condition(view: Spy, accounts: ViewAccounts) -> None:
    accounts.delta_balance(RICH, 10)
    balance = accounts.get_balance(RICH)
    assert not balance < 110
    assert balance < 111
    assert view.asked == [("at_least 100", balance_of(RICH)), ("at_least 101", balance_of(RICH))]


def test_an_unread_balance_stands_for_its_moment(accounts: ViewAccounts) -> None:
    before = accounts.get_balance(RICH)
    accounts.delta_balance(RICH, 10)
    assert isinstance(before, UnreadBalance)
    assert (int(before), before + 1, 1 + before, before - 1, 1 - before) == (100, 101, 101, 99, -99)
    assert (-1 * before, before * 2, -before, bool(before)) == (-100, 200, -100, True)
    assert before == 100
    assert before >= 100
    assert accounts.get_balance(RICH) == 110


def test_an_unread_balance_is_no_number_by_accident(accounts: ViewAccounts) -> None:
    balance: Any = accounts.get_balance(RICH)
    with pytest.raises(TypeError):
        hash(balance)
    with pytest.raises(TypeError):
        balance // 2
    assert RICH.hex() in repr(balance)


def test_a_balance_that_was_read_is_written_and_not_added_to(
    view: Spy, accounts: ViewAccounts
) -> None:
    accounts.reads_balances = True
    assert accounts.get_balance(RICH) == 100
    accounts.delta_balance(RICH, -100)
    assert writes(view, accounts) == {balance_of(RICH): ABSENT}


def test_what_ends_as_it_began_is_not_written(view: Spy, accounts: ViewAccounts) -> None:
    accounts.set_storage(RICH, 5, accounts.get_storage(RICH, 5))
    accounts.set_nonce(RICH, accounts.get_nonce(RICH))
    accounts.set_code(RICH, accounts.get_code(RICH))
    accounts.delta_balance(RICH, 5)
    accounts.delta_balance(RICH, -5)
    assert writes(view, accounts) == {}


def test_a_slot_is_read_behind_its_epoch(view: Spy, accounts: ViewAccounts) -> None:
    assert accounts.get_storage(RICH, 5) == 50
    assert view.asked == [("get", epoch_of(RICH)), ("get", slot_of(RICH, 0, 5))]


def test_deletion_begins_an_epoch_in_which_nothing_is_stored(
    view: Spy, accounts: ViewAccounts
) -> None:
    accounts.set_storage(RICH, 6, 60)
    accounts.delete_account(RICH)
    assert accounts.get_storage(RICH, 5) == 0
    assert accounts.get_storage(RICH, 6) == 0
    assert accounts.get_storage(RICH, 5, from_journal=False) == 50
    assert not accounts.account_exists(RICH)
    accounts.set_storage(RICH, 7, 70)
    assert writes(view, accounts) == {
        balance_of(RICH): ABSENT,
        nonce_of(RICH): ABSENT,
        code_hash_of(RICH): ABSENT,
        recorded_of(RICH): ABSENT,
        epoch_of(RICH): 1,
        slot_of(RICH, 1, 7): 70,
    }


def test_a_revert_undoes_everything_and_keeps_what_was_read(
    view: Spy, accounts: ViewAccounts
) -> None:
    outer = accounts.record()
    accounts.set_nonce(RICH, 9)
    inner = accounts.record()
    accounts.delete_account(RICH)
    accounts.delta_balance(COINBASE, 1)
    accounts.set_code(NOBODY, CODE)
    accounts.mark_address_warm(NOBODY)
    accounts.mark_storage_warm(NOBODY, 1)
    accounts.set_transient(NOBODY, 1, b"x")
    accounts.discard(inner)
    assert accounts.get_nonce(RICH) == 9
    assert accounts.get_storage(RICH, 5) == 50
    assert accounts.get_code(RICH) == CODE
    assert accounts.get_code(NOBODY) == b""
    assert not accounts.is_address_warm(NOBODY)
    assert not accounts.is_storage_warm(NOBODY, 1)
    assert accounts.get_transient(NOBODY, 1) == b""
    accounts.commit(outer)
    assert writes(view, accounts) == {nonce_of(RICH): 9}


def test_code_and_its_hash_come_from_one_read(view: Spy, accounts: ViewAccounts) -> None:
    assert accounts.get_code(RICH) == CODE
    assert accounts.get_code_hash(RICH) == keccak(CODE)
    assert view.asked == [("get", code_hash_of(RICH)), ("get", code_with(keccak(CODE)))]


def test_new_code_is_stored_by_its_hash(view: Spy, accounts: ViewAccounts) -> None:
    new = b"\x60\x01"
    accounts.set_code(NOBODY, new)
    assert accounts.get_code(NOBODY) == new
    assert writes(view, accounts) == {
        code_hash_of(NOBODY): keccak(new),
        code_with(keccak(new)): new,
    }


def test_code_taken_away_leaves_no_hash(view: Spy, accounts: ViewAccounts) -> None:
    accounts.delete_code(RICH)
    assert accounts.get_code_hash(RICH) == EMPTY_CODE_HASH
    assert writes(view, accounts) == {code_hash_of(RICH): ABSENT}


def test_a_hash_without_its_code_is_an_error() -> None:
    gone = {code_hash_of(RICH): keccak(b"gone")}
    accounts = ViewAccounts(ReferenceView(0, lambda key: gone.get(key, ABSENT)))
    with pytest.raises(LookupError, match=keccak(b"gone").hex()):
        accounts.get_code(RICH)


def test_before_eip_161_a_touch_makes_an_account_exist(view: Spy) -> None:
    accounts = EmptyKeepingViewAccounts(view)
    accounts.touch_account(NOBODY)
    accounts.delta_balance(COINBASE, 0)
    assert accounts.account_exists(NOBODY)
    assert accounts.account_is_empty(NOBODY)
    assert writes(view, accounts) == {recorded_of(NOBODY): True, recorded_of(COINBASE): True}


def test_since_eip_161_a_touch_leaves_nothing(view: Spy, accounts: ViewAccounts) -> None:
    accounts.touch_account(NOBODY)
    assert not accounts.account_exists(NOBODY)
    assert writes(view, accounts) == {}


def test_the_state_has_a_value_where_something_is_and_none_where_nothing_is() -> None:
    assert STATE.get(balance_of(RICH)) == 100
    assert STATE.get(recorded_of(RICH)) is None
    assert STATE.get(recorded_of(EMPTY)) is True
    assert STATE.get(balance_of(EMPTY)) is None
    assert STATE.get(slot_of(RICH, 1, 5)) is None
    assert len(STATE) == 7


def test_the_state_does_not_pretend_to_have_code_that_it_lacks() -> None:
    known, unknown = keccak(CODE), keccak(b"unknown")
    state = AccountState(
        {
            RICH: Account(nonce=1, code=CODE, code_hash=known),
            NOBODY: Account(nonce=1, code=None, code_hash=known),
            COINBASE: Account(nonce=1, code=None, code_hash=unknown),
        }
    )
    assert state.get(code_with(known)) == CODE
    assert state.get(code_with(keccak(b"new"))) is None
    with pytest.raises(LookupError, match=unknown.hex()):
        state.get(code_with(unknown))
