"""Accounts as a state: loading them and following blocks, against the same said slowly."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st

import blockstm
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm.errors import InputError, UsageError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.state.accounts import EMPTY_CODE_HASH, Account, AccountState
from blockstm.testing.native_scripts import NativeScripts
from blockstm.types import DELETED

ADDRESSES = [Address(bytes([n]) * 20) for n in range(1, 5)]
CODES = [b"\x00", b"\x60\x00" * 20]
BIG = 2**256 - 1

addresses = st.sampled_from(ADDRESSES)
slots = st.sampled_from([0, 1, 2**64, BIG])
numbers = st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64, BIG])
nonces = st.sampled_from([0, 1, 2**63, 2**64 - 1])
codes = st.sampled_from([None, *CODES])


@st.composite
def accounts(draw: Any) -> Account:
    code = draw(st.sampled_from([b"", *CODES]))
    code_hash = keccak(code) if code else EMPTY_CODE_HASH
    known = None if code and draw(st.booleans()) else code
    storage = draw(st.dictionaries(slots, numbers, max_size=4))
    return Account(draw(numbers), draw(nonces), known, code_hash, storage)


@st.composite
def writes(draw: Any) -> dict[Any, Any]:
    """Anything a block might write, and a few things that none does."""
    epochs = draw(st.dictionaries(addresses, st.integers(1, 2), max_size=2))
    written: dict[Any, Any] = {(address, "epoch"): epoch for address, epoch in epochs.items()}
    for _ in range(draw(st.integers(0, 8))):
        address = draw(addresses)
        field = draw(st.sampled_from(["balance", "nonce", "code_hash", "recorded", "slot", "code"]))
        if field == "slot":
            key: Any = (address, "storage", draw(st.integers(0, 2)), draw(slots))
        else:
            key = (address, field)
        if field in ("code_hash", "code"):
            code = draw(codes)
            written[address, "code_hash"] = DELETED if code is None else keccak(code)
            if code is not None and field == "code":
                written["code", keccak(code)] = code
        elif field == "recorded":
            written[key] = draw(st.sampled_from([True, DELETED]))
        else:
            values = nonces if field == "nonce" else numbers
            written[key] = draw(values | st.just(DELETED))
    order = draw(st.permutations(list(written)))
    return {key: written[key] for key in order}


class Slowly:
    """The same accounts as one plain dictionary of locations."""

    def __init__(self, given: Mapping[Address, Account]) -> None:
        self.values: dict[Any, Any] = {}
        for address, account in given.items():
            self._load(address, account)

    def _load(self, address: Address, account: Account) -> None:
        put = self.values.__setitem__
        has_code = account.code_hash != EMPTY_CODE_HASH
        if account.balance:
            put((address, "balance"), account.balance)
        if account.nonce:
            put((address, "nonce"), account.nonce)
        if has_code:
            put((address, "code_hash"), account.code_hash)
        if has_code and account.code is not None:
            put(("code", account.code_hash), account.code)
        if not (account.balance or account.nonce or has_code):
            put((address, "recorded"), True)
        stored = {slot: value for slot, value in account.storage.items() if value}
        for slot, value in stored.items():
            put((address, "storage", 0, slot), value)
        if stored and not (account.nonce or has_code):
            put((address, "stored"), True)

    def apply(self, written: Mapping[Any, Any]) -> None:
        epochs = {key[0]: value for key, value in written.items() if key[1] == "epoch"}
        touched = set()
        for address in epochs:
            gone = [key for key in self.values if len(key) == 4 and key[0] == address]
            touched |= {address for _ in gone}
            for key in gone:
                del self.values[key]
        for key, value in written.items():
            if key[1] == "epoch" or (len(key) == 4 and key[2] != epochs.get(key[0], 0)):
                continue
            if len(key) == 4:
                key = (key[0], "storage", 0, key[3])
                touched.add(key[0])
            if value is DELETED or not value:
                self.values.pop(key, None)
            else:
                self.values[key] = value
            if key[1] in ("nonce", "code_hash") and key not in self.values:
                touched.add(key[0])
        for address in touched:
            named = (address, "nonce") in self.values or (address, "code_hash") in self.values
            self.values.pop((address, "stored"), None)
            if self.slots(address) and not named:
                self.values[address, "stored"] = True

    def slots(self, address: Address) -> dict[int, int]:
        return {
            key[3]: value for key, value in self.values.items() if key[:2] == (address, "storage")
        }

    def locations(self) -> list[Any]:
        """Every location that could hold anything."""
        fields = ["balance", "nonce", "code_hash", "recorded", "stored", "epoch"]
        named: list[Any] = [(address, field) for address in ADDRESSES for field in fields]
        stored = [
            (a, "storage", e, s) for a in ADDRESSES for e in (0, 1) for s in (0, 1, 2**64, BIG)
        ]
        return [*named, *stored]


def check_same(state: AccountState, slowly: Slowly) -> None:
    assert len(state) == len(slowly.values)
    assert all(state.get(key) == value for key, value in slowly.values.items())
    assert all(state.get(key) == slowly.values.get(key) for key in slowly.locations())
    found = dict(state.accounts())
    for address in ADDRESSES:
        account = state.account(address)
        assert account == found.get(address)
        if account is not None:
            assert account.storage == slowly.slots(address)
            assert account.balance == slowly.values.get((address, "balance"), 0)


# ---- equal to the slow meaning


@given(st.dictionaries(addresses, accounts(), max_size=4))
def test_loading_is_what_it_says_slowly(given: dict[Address, Account]) -> None:
    state = AccountState(given)
    check_same(state, Slowly(given))
    check_same(state.copy(), Slowly(given))


@settings(deadline=None)
@given(
    st.dictionaries(addresses, accounts(), max_size=4), st.lists(writes(), max_size=4), st.data()
)
def test_a_state_follows_blocks_as_it_says_slowly(
    given: dict[Address, Account], blocks: list[dict[Any, Any]], data: Any
) -> None:
    state, slowly = AccountState(given), Slowly(given)
    for written in blocks:
        state.apply(written)
        slowly.apply(written)
        if data.draw(st.booleans()):  # what was read before must not matter
            check_same(state, slowly)
    check_same(state, slowly)


class ScriptsOfAccounts(NativeScripts):
    """A native VM that writes whatever it is told to, at the locations of accounts."""

    def __init__(self) -> None:
        super().__init__("bytes", "bytes")

    def __blockstm_bind__(self, transactions: Any) -> Any:
        bound: Any = super().__blockstm_bind__(transactions)
        bound.keys, bound.values = LOCATIONS, LOCATION_VALUES
        return bound


def natively(written: Mapping[Any, Any]) -> Any:
    """The same writes as a native block leaves them."""
    operations = []
    state: dict[Any, Any] = {}
    for key, value in written.items():
        encoded = LOCATIONS.encode(key)
        if value is DELETED:
            state[key] = 1 if key[1] != "code_hash" else bytes(32)
            operations.append(("delete", encoded))
        else:
            operations.append(("put", encoded, LOCATION_VALUES.encode_at(key, value)))
    return blockstm.execute_block([operations], state, ScriptsOfAccounts()).writes  # type: ignore[arg-type]  # bytes are keys here


@settings(deadline=None)
@given(st.dictionaries(addresses, accounts(), max_size=4), st.lists(writes(), max_size=3))
def test_native_writes_do_what_the_same_dictionary_does(
    given: dict[Address, Account], blocks: list[dict[Any, Any]]
) -> None:
    state, other, slowly = AccountState(given), AccountState(given), Slowly(given)
    for written in blocks:
        native = natively(written)
        state.apply(native)
        assert not native.is_decoded
        other.apply(dict(native))
        slowly.apply(written)
        assert native == written
    check_same(state, slowly)
    check_same(other, slowly)


@settings(deadline=None)
@given(st.dictionaries(addresses, accounts(), max_size=4), writes())
def test_the_root_of_native_writes_is_that_of_the_same_dictionary(
    given: dict[Address, Account], written: dict[Any, Any]
) -> None:
    state = AccountState(given)
    native, trie = natively(written), StateTrie.of(state.accounts())
    then, other = trie.copy(), trie.copy()
    then.apply(native, state)
    assert not native.is_decoded
    other.apply(written, state)
    assert then.root == other.root
    state.apply(native)
    assert StateTrie.of(state.accounts()).root == then.root


def test_a_nonce_that_no_account_can_have_is_refused_where_roots_are_made() -> None:
    state = AccountState({ADDRESSES[0]: Account(1)})
    with pytest.raises(InputError, match="nonce"):
        StateTrie.of(state.accounts()).apply(natively({(ADDRESSES[0], "nonce"): 2**64}), state)


def test_the_index_outlives_what_a_table_leaves_behind() -> None:
    """A table that is mostly dead keys is copied, and its entries get other numbers."""
    alice, bob = ADDRESSES[:2]
    state = AccountState({alice: Account(1, storage={9: 9})})
    for first in range(0, 8192, 1024):
        state.apply({(bob, "storage", 0, slot): 5 for slot in range(first, first + 1024)})
        assert len(state._memory.slots(bob)) == 1024
        state.apply({(bob, "epoch"): 1, (bob, "balance"): first + 1})
        assert state.account(bob) == Account(first + 1)
        assert state.account(alice) == Account(1, storage={9: 9})
    assert state._memory.__sizeof__() < 1 << 20
    state.apply({(alice, "epoch"): 3, (alice, "storage", 3, 7): 7})
    assert state.account(alice) == Account(1, storage={7: 7})


def test_accounts_come_in_the_order_in_which_their_addresses_came() -> None:
    state = AccountState({each: Account(1) for each in ADDRESSES[:2]})
    state.apply({(ADDRESSES[3], "balance"): 1, (ADDRESSES[0], "balance"): 2})
    assert [address for address, _ in state.accounts()] == [*ADDRESSES[:2], ADDRESSES[3]]


def test_any_mapping_and_any_exact_number_will_do() -> None:
    numpy = pytest.importorskip("numpy")
    storage = {numpy.uint64(3): numpy.uint64(2**63)}
    state = AccountState({ADDRESSES[0]: Account(numpy.int8(1), storage=storage)})
    assert state.account(ADDRESSES[0]) == Account(1, storage={3: 2**63})
    state.apply([((ADDRESSES[0], "balance"), 5), ((ADDRESSES[0], "balance"), 6)])
    assert state.get((ADDRESSES[0], "balance")) == 6


def test_code_of_which_only_the_hash_is_known_is_an_error_until_it_comes() -> None:
    code_hash = keccak(CODES[0])
    state = AccountState({ADDRESSES[0]: Account(1, code=None, code_hash=code_hash)})
    for each in (state, state.copy()):
        with pytest.raises(LookupError, match="only the hash"):
            each.get(("code", code_hash))
    state.apply(natively({("code", code_hash): CODES[0]}))
    assert state.get(("code", code_hash)) == CODES[0]
    other = Account(1, code=CODES[0], code_hash=code_hash)
    both = {ADDRESSES[0]: Account(1, code=None, code_hash=code_hash), ADDRESSES[1]: other}
    assert AccountState(both).account(ADDRESSES[0]) == other


# ---- bad input


@pytest.mark.parametrize(
    ("address", "members"),
    [
        (bytes(19), {}),
        ("0x" + "11" * 20, {}),
        (ADDRESSES[0], {"balance": -1}),
        (ADDRESSES[0], {"balance": 2**256}),
        (ADDRESSES[0], {"nonce": "x"}),
        (ADDRESSES[0], {"code_hash": bytes(31)}),
        (ADDRESSES[0], {"code_hash": bytes(31), "code": None}),
        (ADDRESSES[0], {"code_hash": bytes(32), "code": "x"}),
        (ADDRESSES[0], {"storage": {-1: 1}}),
        (ADDRESSES[0], {"storage": {2**256: 1}}),
        (ADDRESSES[0], {"storage": {"1": 1}}),
        (ADDRESSES[0], {"storage": {1: 2**256}}),
        (ADDRESSES[0], {"storage": {1: -5}}),
        (ADDRESSES[0], {"storage": {1: object()}}),
    ],
)
def test_what_is_no_account_is_refused(address: Any, members: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        AccountState({ADDRESSES[1]: Account(1), address: Account(**members)})


@pytest.mark.parametrize(
    "bad",
    [
        {(bytes(19), "balance"): 1},
        {(ADDRESSES[0], "balance"): -1},
        {(ADDRESSES[0], "balance"): 2**256},
        {(ADDRESSES[0], "weight"): 1},
        {(ADDRESSES[0], "code_hash"): bytes(31)},
        {(ADDRESSES[0], "storage", 0, -1): 1},
        {(ADDRESSES[0], "storage", 0, 1): "x"},
        {("code", bytes(31)): b"x"},
        {5: 1},
        {(ADDRESSES[0],): 1},
    ],
)
def test_a_bad_write_changes_nothing(bad: dict[Any, Any]) -> None:
    given = {ADDRESSES[0]: Account(7, storage={1: 1})}
    state = AccountState(given)
    for written in ({(ADDRESSES[0], "epoch"): 1, (ADDRESSES[0], "balance"): 5, **bad}, bad):
        with pytest.raises(InputError):
            state.apply(written)
        check_same(state, Slowly(given))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (bytes(20), b"\1"),
        (bytes(20) + b"x", b"\1"),
        (bytes(53), b"\1"),
        (bytes(20) + b"b", bytes(33)),
        (bytes(20) + b"c", bytes(31)),
        (bytes(52), bytes(33)),
    ],
)
def test_a_native_write_that_is_none_of_an_account_changes_nothing(
    key: bytes, value: bytes
) -> None:
    given = {ADDRESSES[0]: Account(7)}
    state = AccountState(given)
    good = ("put", LOCATIONS.encode((ADDRESSES[0], "balance")), (9).to_bytes(32, "little"))
    block = [[good, ("put", key, value)]]

    written = blockstm.execute_block(block, state, ScriptsOfAccounts()).writes  # type: ignore[arg-type]  # as above
    with pytest.raises(InputError):
        state.apply(written)
    check_same(state, Slowly(given))


def test_a_number_of_fewer_bytes_is_a_number() -> None:
    key = LOCATIONS.encode((ADDRESSES[0], "balance"))
    block = [[("put", key, b"\5\1"), ("put", LOCATIONS.encode((ADDRESSES[0], "nonce")), b"")]]
    state = AccountState()
    state.apply(blockstm.execute_block(block, state, ScriptsOfAccounts()).writes)  # type: ignore[arg-type]  # as above
    assert state.account(ADDRESSES[0]) == Account(0x105)
    assert len(state) == 1


def test_a_pinned_state_refuses_writes_and_can_be_read() -> None:
    given = {ADDRESSES[0]: Account(7, storage={1: 1})}
    state = AccountState(given)
    pin = state._pin()
    with pytest.raises(UsageError, match="while a block is running"):
        state.apply({(ADDRESSES[0], "balance"): 8})
    check_same(state, Slowly(given))
    del pin
    state.apply({(ADDRESSES[0], "balance"): 8})
    assert state.get((ADDRESSES[0], "balance")) == 8


def test_threads_may_read_accounts_while_another_moves_the_state_on() -> None:
    alice = ADDRESSES[0]
    state = AccountState({alice: Account(1, storage=dict.fromkeys(range(50), 1))})
    seen: list[Any] = []

    def read() -> None:
        for _ in range(300):
            stored = state._memory.slots(alice)
            seen.append((len(stored), len(set(stored.values()))))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for value in range(2, 200):
        state.apply({(alice, "epoch"): 1, **{(alice, "storage", 1, s): value for s in range(50)}})
    for reader in readers:
        reader.join()
    assert set(seen) == {(50, 1)}  # always one block's slots, and all of them


def test_a_transaction_in_python_cannot_change_the_accounts_it_starts_from() -> None:
    state, place = AccountState({ADDRESSES[0]: Account(7)}), (ADDRESSES[0], "balance")

    def meddle(view: Any, index: int) -> Any:
        with pytest.raises(UsageError, match="while a block is running"):
            state.apply({place: 8})
        return view.get(place)

    result = blockstm.execute_block(range(3), state, meddle)
    assert [outcome.value for outcome in result.outcomes] == [7] * 3
    state.apply({place: 8})
    assert state.get(place) == 8
