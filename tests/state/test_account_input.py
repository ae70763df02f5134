"""What goes into accounts: exactly right, or refused by name; nothing is rounded, cut or parsed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import SENDERS, context, transaction

import blockstm
from blockstm.errors import InputError
from blockstm.ethereum import Account, AccountChange, AccountState, StateTrie, state_root
from blockstm.messages import brief
from blockstm.state.memory import MemoryState
from blockstm.vm.evm import Evm

ALICE, BOB = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
BIG = 2**256 - 1


class Index:
    """An integer by itself, of another type."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


class Hostile:
    """Its own code raises."""

    def __index__(self) -> int:
        raise RuntimeError("no number")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Members:
    """Anything with the members of an account."""

    def __init__(self, **members: Any) -> None:
        self.balance = self.nonce = 0
        self.code: Any = b""
        self.code_hash: Any = None
        self.storage: Any = {}
        vars(self).update(members)


NO_NUMBERS: list[Any] = [
    1.5,
    5.0,
    "5",
    "0x5",
    b"5",
    True,
    False,
    None,
    -1,
    2**256,
    10**5000,
    [5],
    {},
    Hostile(),
]
NO_NONCES = [*NO_NUMBERS, 2**64]


def ids(value: Any) -> str:
    return brief(value, 12)


Use = Callable[[str, Any], object]


def by_account(member: str, value: Any) -> object:
    return Account(**{member: value})


def by_state(member: str, value: Any) -> object:
    return AccountState({BOB: Account(1), ALICE: Members(**{member: value})})  # type: ignore[dict-item]  # it has what counts


def by_root(member: str, value: Any) -> object:
    return state_root({ALICE: Members(**{"code_hash": bytes(32), member: value})})


USES: list[Use] = [by_account, by_state, by_root]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=ids)
def test_what_is_no_number_is_refused_everywhere(use: Use, value: Any) -> None:
    with pytest.raises(InputError, match=r"a balance is an int from 0 to 2\*\*256-1, not "):
        use("balance", value)
    with pytest.raises(InputError, match=r"a value of a slot is an int .*, not "):
        use("storage", {1: value})
    if value.__hash__ is not None:
        with pytest.raises(InputError, match=r"a slot is an int .*, not "):
            use("storage", {value: 1})


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("value", NO_NONCES, ids=ids)
def test_what_is_no_nonce_is_refused_everywhere(use: Use, value: Any) -> None:
    with pytest.raises(InputError, match=r"a nonce is an int from 0 to 2\*\*64-1, not "):
        use("nonce", value)


def test_a_message_says_whose_member_it_is_about() -> None:
    with pytest.raises(InputError, match=f"^account 0x{ALICE.hex()}: a balance .* not 1.5$"):
        by_state("balance", 1.5)
    with pytest.raises(InputError, match=f"^account 0x{ALICE.hex()}: a balance .* not '5'$"):
        by_root("balance", "5")
    with pytest.raises(InputError, match=f"^account 0x{ALICE.hex()}: a nonce "):
        by_root("nonce", 2**64)
    with pytest.raises(InputError, match=r"^an account: a nonce "):
        Account(nonce=-1)


@pytest.mark.parametrize(
    "address", [bytes(19), bytes(21), b"", "0x" + "11" * 20, 5, None, (ALICE, "balance", 1)]
)
def test_what_is_no_address_is_refused_everywhere(address: Any) -> None:
    state = AccountState({BOB: Account(1)})
    trie = StateTrie.of(state.accounts())
    uses: list[Callable[[], object]] = [
        lambda: AccountState({address: Account()}),
        lambda: state_root({address: Account()}),
        lambda: state.apply({address: AccountChange(balance=1)}),
        lambda: state.apply({(address, "balance"): 1}),
        lambda: trie.update({address: AccountChange(balance=1)}),
        lambda: state.get((address, "balance")),
    ]
    for use in uses:
        with pytest.raises(InputError):
            use()
    assert dict(state.accounts()) == {BOB: Account(1)}


def test_whole_numbers_and_bytes_of_any_type_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    ints: list[Any] = [5, Index(5), numpy.uint8(5), numpy.int64(5), numpy.array(5)[()]]
    for number in ints:
        account = Account(balance=number, nonce=number, storage={3: number})
        assert (type(account.balance), type(account.nonce)) == (int, int)
        state = AccountState({ALICE: account})
        found = state.account(ALICE)
        assert found == Account(5, 5, storage={3: 5})
        state.apply({(ALICE, "balance"): number, (ALICE, "storage", 0, number): number})
        state.apply({BOB: AccountChange(balance=number, storage={4: number})})
        assert state.account(ALICE) == Account(5, 5, storage={3: 5, 5: 5})
        assert state.account(BOB) == Account(5, storage={4: 5})
        assert state_root(state.accounts()) == state_root(
            {ALICE: Account(5, 5, storage={3: 5, 5: 5}), BOB: Account(5, storage={4: 5})}
        )
    most = Account(BIG, 2**64 - 1, storage={BIG: BIG})
    assert AccountState({ALICE: most}).account(ALICE) == most
    for kind in (bytes, bytearray, memoryview):
        state = AccountState()
        state.apply([(memoryview(ALICE), AccountChange(balance=7))])
        state.apply({BOB: AccountChange(code_hash=kind(bytes(31) + b"\1"))})
        assert state.account(ALICE) == Account(7)
        assert state.account(BOB) == Account(code=None, code_hash=bytes(31) + b"\1")


@pytest.mark.parametrize(
    "account",
    [{"balance": 5}, {}, {"balance": "0x5", "nonce": "0x0"}, 5, None, "0x", [5, 0], object()],
)
def test_what_is_no_account_is_refused_by_name(account: Any) -> None:
    named = rf"an account is a blockstm.ethereum.Account, not {type(account).__name__}"
    with pytest.raises(InputError, match=named):
        AccountState({ALICE: account})
    state = AccountState({ALICE: Account(1)})
    named = rf"at .* a change is an AccountChange, not {type(account).__name__}"
    with pytest.raises(InputError, match=named):
        state.apply({ALICE: AccountChange(balance=5), BOB: account})
    assert state.account(ALICE) == Account(1)


@pytest.mark.parametrize("accounts", [5, "accounts", [ALICE], [(ALICE, Account())], {ALICE}])
def test_what_is_no_mapping_of_accounts_is_refused(accounts: Any) -> None:
    with pytest.raises(InputError, match="accounts are a mapping"):
        AccountState(accounts)


@pytest.mark.parametrize("writes", [5, None, "writes", [5], [ALICE], {ALICE}, object()])
def test_what_are_no_writes_is_refused(writes: Any) -> None:
    state = AccountState({ALICE: Account(1)})
    with pytest.raises(InputError):
        state.apply(writes)
    assert state.account(ALICE) == Account(1)


@pytest.mark.parametrize(
    "writes",
    [
        *({(ALICE, "balance"): value} for value in NO_NUMBERS),
        *({(ALICE, "nonce"): value} for value in NO_NONCES),
        *({(ALICE, "storage", 0, 1): value} for value in NO_NUMBERS),
        *({(ALICE, "storage", 0, slot): 1} for slot in (1.0, "1", True, -1, 2**256, None)),
        *({(ALICE, "storage", epoch, 1): 1} for epoch in (0.0, "0", -1, 2**32, None)),
        {(ALICE, "epoch"): 1.0},
        {(ALICE, "code_hash"): 5},
        {(ALICE, "code_hash"): bytes(33)},
        {(ALICE, "recorded"): "yes"},
        {("code", bytes(32)): 5},
        {(ALICE, "balance"): 2, BOB: AccountChange(balance=1)},
        {ALICE: Account(5)},
        {(ALICE, "weight"): 1},
        {(ALICE, 5): 1},
        {("balance", ALICE): 1},
    ],
    ids=lambda writes: "writes",
)
def test_bad_writes_change_nothing(writes: Any) -> None:
    state = AccountState({ALICE: Account(1, storage={1: 1})})
    for given in (writes, {(BOB, "balance"): 3, **writes}, {BOB: AccountChange(nonce=1), **writes}):
        with pytest.raises(InputError):
            state.apply(given)
        assert dict(state.accounts()) == {ALICE: Account(1, storage={1: 1})}


@pytest.mark.parametrize(
    "members",
    [
        *({"balance": value} for value in NO_NUMBERS if value is not None),
        *({"nonce": value} for value in NO_NONCES if value is not None),
        *({"storage": {1: value}} for value in NO_NUMBERS),
        {"storage": 5},
        {"storage": {"1": 1}},
        {"code": "0x"},
        {"code_hash": bytes(31)},
    ],
    ids=lambda members: next(iter(members)),
)
def test_a_change_that_is_none_is_refused_when_it_is_made(members: Any) -> None:
    with pytest.raises(InputError):
        AccountChange(**members)


def test_a_storage_that_was_changed_since_is_checked_again() -> None:
    storage: dict[Any, Any] = {1: 1}
    account, change = Account(storage=storage), AccountChange(storage=storage)
    storage[2] = "2"
    state = AccountState()
    for use in (
        lambda: AccountState({ALICE: account}),
        lambda: state.apply({ALICE: change}),
        lambda: StateTrie().update({ALICE: change}),
    ):
        with pytest.raises(InputError, match=f"account 0x{ALICE.hex()}: a value of a slot"):
            use()
    assert len(state) == 0


@pytest.mark.parametrize("value", [1.5, "5", None, [5]])
@pytest.mark.parametrize("kind", ["int64", "uint256"])
def test_a_memory_state_takes_no_other_numbers(kind: Any, value: Any) -> None:
    state = MemoryState({1: 1}, keys=kind, values=kind)
    for writes in ({2: value}, [(value, 2)]) if value.__hash__ else ({2: value},):
        with pytest.raises(InputError):
            state.apply(writes)
        with pytest.raises(InputError):
            MemoryState(writes, keys=kind, values=kind)
    assert dict(state) == {1: 1}


def test_a_reader_of_other_numbers_ends_the_block() -> None:

    for value in (1.5, "5", True, -1, 2**256):
        reader = {(SENDERS[0], "balance"): value}
        with pytest.raises(blockstm.StateError) as caught:
            blockstm.execute_block(
                [transaction(0, ALICE)], reader, Evm("london", context("london")), workers=2
            )
        assert isinstance(caught.value.__cause__, InputError)
        assert "is an int from 0 to 2**256-1" in str(caught.value.__cause__)


# ---- copies


def test_copies_do_not_follow_each_other() -> None:
    state = AccountState({ALICE: Account(1, storage={1: 1})})
    copies = [
        state.copy(),
        copy.copy(state),
        copy.deepcopy(state),
        pickle.loads(pickle.dumps(state)),
    ]
    for number, each in enumerate(copies):
        each.apply({ALICE: AccountChange(balance=number + 10, cleared=True)})
    state.apply({ALICE: AccountChange(exists=False)})
    assert state.account(ALICE) is None
    assert [each.account(ALICE) for each in copies] == [Account(n) for n in range(10, 14)]
