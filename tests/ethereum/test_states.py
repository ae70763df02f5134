"""States of one's own: blocks run on them as on an `AccountState`, and errors are never zeros."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address, Hash32

import blockstm
from blockstm.errors import InputError, StateError
from blockstm.ethereum import (
    Account,
    AccountChange,
    AccountChanges,
    AccountInfo,
    AccountState,
    Overlay,
    RootedState,
    State,
    StateTrie,
    overlay,
    state_root,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.witnesses import Witness, WitnessState
from blockstm.testing import check_ethereum_state
from blockstm.testing import ethereum_states as conformance

ALICE, BOB = Address(b"\x01" * 20), Address(b"\x02" * 20)


class Plain:
    """Dictionaries."""

    def __init__(self, accounts: Mapping[Address, Account]) -> None:
        self.accounts = dict(accounts)
        self.asked: list[Address] = []

    def account(self, address: Address) -> Any:
        self.asked.append(address)
        found = self.accounts.get(address)
        if found is None:
            return None
        return AccountInfo(found.balance, found.nonce, found.code_hash, bool(found.storage))

    def storage(self, address: Address, slot: int) -> int:
        found = self.accounts.get(address)
        return 0 if found is None else found.storage.get(slot, 0)

    def code(self, code_hash: Hash32) -> bytes:
        codes = {keccak(each.code): each.code for each in self.accounts.values() if each.code}
        return codes[code_hash]


class Rooted(Plain):
    """One that knows its root."""

    def root_after(self, writes: AccountChanges) -> Hash32:
        trie = StateTrie.of(self.accounts)
        trie.apply(writes, self)
        return trie.root


def witnessed(accounts: Mapping[Address, Account]) -> WitnessState:
    trie = StateTrie.of(accounts)
    proofs = [trie.prove(address, account.storage) for address, account in accounts.items()]
    nodes = [node for proof in proofs for node in proof.nodes]
    nodes += [node for proof in proofs for _, path in proof.storage.values() for node in path]
    codes = tuple(each.code for each in accounts.values() if each.code)
    return WitnessState(Witness(trie.root, tuple(nodes), codes))


def overlaid(below: Callable[[Mapping[Address, Account]], Any]) -> Callable[..., Overlay]:
    """Half of the accounts are changes, and the state below has others in their place."""

    def make(accounts: Mapping[Address, Account]) -> Overlay:
        above = dict(list(accounts.items())[::2])
        held = {address: each for address, each in accounts.items() if address not in above}
        held |= {address: Account(1, 1, b"\x01", None, {1: 1, 5: 5}) for address in above}
        held[BOB] = Account(1)
        changes = {
            address: AccountChange(
                each.nonce,
                each.balance,
                each.code_hash,
                each.storage,
                cleared=True,
                exists=True,
                code=each.code,
            )
            for address, each in above.items()
        }
        changed = overlay(below(held), changes)
        changed.apply({BOB: AccountChange(exists=False)})
        return changed

    return make


@pytest.mark.parametrize(
    "make",
    [AccountState, Plain, Rooted, overlaid(Plain), overlaid(Rooted), overlaid(AccountState)],
    ids=["accounts", "plain", "rooted", "on plain", "on rooted", "on accounts"],
)
def test_conforming_states(make: Any) -> None:
    check_ethereum_state(make)


def test_an_overlay_knows_its_root_if_the_state_below_does() -> None:
    accounts = {ALICE: Account(5, storage={1: 1})}
    assert isinstance(overlay(Rooted(accounts)), RootedState)
    assert not isinstance(overlay(Plain(accounts)), RootedState)


def test_a_witness_is_a_state() -> None:
    accounts = {ALICE: Account(5, 1, b"\x01", None, {1: 7})}
    state = witnessed(accounts)
    assert isinstance(state, RootedState)
    found = state.account(ALICE)
    assert found is not None
    assert (found.balance, found.has_storage) == (5, True)
    assert (state.storage(ALICE, 1), state.code(keccak(b"\x01"))) == (7, b"\x01")
    with pytest.raises(LookupError):
        state.code(keccak(b"\x02"))


class Broken(Plain):
    """Fails at one thing."""

    def __init__(self, accounts: Mapping[Address, Account], fails_at: str) -> None:
        super().__init__(accounts)
        self.fails_at = fails_at

    def account(self, address: Address) -> Any:
        if self.fails_at == "account" and address == conformance._MAKER:
            raise OSError("the disk is gone")
        return super().account(address)

    def storage(self, address: Address, slot: int) -> int:
        if self.fails_at == "storage":
            raise OSError("the disk is gone")
        return super().storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        if self.fails_at == "code":
            raise LookupError("no such code")
        return super().code(code_hash)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fails_at", ["account", "storage", "code"])
def test_what_cannot_be_read_ends_the_block(fails_at: str, workers: int) -> None:
    state = Broken(conformance._accounts(), fails_at)
    with pytest.raises(StateError) as raised:
        conformance._executed(state, workers)
    assert isinstance(raised.value.__cause__, LookupError if fails_at == "code" else OSError)


class Lying(Plain):
    """Answers something that is no answer."""

    def __init__(self, accounts: Mapping[Address, Account], **answers: Any) -> None:
        super().__init__(accounts)
        self.answers = answers

    def account(self, address: Address) -> Any:
        found = super().account(address)
        if found is None or "account" not in self.answers:
            return found
        answer = self.answers["account"]
        return replace(found, **answer) if isinstance(answer, dict) else answer

    def storage(self, address: Address, slot: int) -> Any:
        return self.answers.get("storage", super().storage(address, slot))

    def code(self, code_hash: Hash32) -> Any:
        return self.answers["code"] if "code" in self.answers else super().code(code_hash)


@pytest.mark.parametrize(
    "answers",
    [
        {"account": {"balance": -1}},
        {"account": {"balance": 2**256}},
        {"account": {"balance": None}},
        {"account": {"nonce": 2**64}},
        {"account": {"nonce": True}},
        {"account": {"code_hash": b"short"}},
        {"account": {"has_storage": 1}},
        {"account": (1, 2, 3)},
        {"storage": None},
        {"storage": -1},
        {"storage": 2**256},
        {"storage": b"\x01"},
        {"code": None},
        {"code": "0x00"},
    ],
    ids=repr,
)
def test_a_wrong_answer_ends_the_block(answers: dict[str, Any]) -> None:
    state = Lying(conformance._accounts(), **answers)
    with pytest.raises(StateError) as raised:
        conformance._executed(state, 1)
    assert isinstance(raised.value.__cause__, InputError)
    assert "State." in str(raised.value)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(InputError, match=r"blockstm\.ethereum\.State"):
        blockstm.execute_block(conformance._block(), object(), "evm")
    with pytest.raises(InputError, match=r"blockstm\.ethereum\.State"):
        overlay({})  # type: ignore[arg-type]  # what a caller may pass all the same


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda accounts: object(), "account, storage and code"),
        (lambda accounts: Plain({**accounts, conformance._NOBODY: Account(1)}), "reads as None"),
        (lambda accounts: Plain({}), "reads as None"),
        (lambda accounts: Lying(accounts, account={"balance": 1}), "balance"),
        (lambda accounts: Lying(accounts, storage=3), "slot"),
        (lambda accounts: Lying(accounts, code=b""), "code"),
    ],
)
def test_the_conformance_test_finds_faults(make: Any, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_ethereum_state(make)


def test_the_conformance_test_finds_a_wrong_root() -> None:
    class Wrong(Rooted):
        def root_after(self, writes: AccountChanges) -> Hash32:
            return Hash32(bytes(32))

    with pytest.raises(AssertionError, match="root_after"):
        check_ethereum_state(Wrong)


def test_an_account_is_asked_for_once_a_block() -> None:
    state = Plain(conformance._accounts())
    conformance._executed(state, 1)
    assert len(state.asked) == len(set(state.asked))


def test_changes_of_one_account_add_up() -> None:
    state = overlay(AccountState({ALICE: Account(5, 2, b"\x01", None, {1: 1, 2: 2})}))
    state.apply({ALICE: AccountChange(balance=6, storage={1: 0, 3: 3})})
    state.apply({ALICE: AccountChange(nonce=3, storage={3: 4})})
    assert [state.storage(ALICE, slot) for slot in (1, 2, 3)] == [0, 2, 4]
    assert state.changes[ALICE] == AccountChange(nonce=3, balance=6, storage={1: 0, 3: 4})
    state.apply({ALICE: AccountChange(exists=False)})
    assert state.account(ALICE) is None
    assert state.storage(ALICE, 2) == 0
    state.apply({ALICE: AccountChange(balance=1)})
    again = state.account(ALICE)
    assert again is not None
    assert (again.balance, again.nonce, again.code_hash) == (1, 0, keccak(b""))
    assert state.storage(ALICE, 2) == 0


def test_the_root_of_an_overlay_is_that_of_all_its_changes() -> None:
    accounts = {ALICE: Account(5, storage={1: 1, 2: 2}), BOB: Account(3)}
    state: Any = overlay(Rooted(accounts), {ALICE: AccountChange(storage={1: 0}, balance=4)})
    root = state.root_after({BOB: AccountChange(balance=9)})
    assert root == state_root({ALICE: Account(4, storage={2: 2}), BOB: Account(9)})
    assert isinstance(state, State)
