"""The root that an access list leads to is computed while the block runs, and not believed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import COINBASE, SENDERS, block_of, sealed, signed, world
from tests.ethereum.test_listed_values import LIES

import blockstm
from blockstm.ethereum import Account, AccountState, Block
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.execution import listed_root
from blockstm.ethereum.hints import from_access_list
from blockstm.hints import Hints

STORE = bytes(19) + b"\xd1"
# SSTORE(CALLDATALOAD(0), CALLDATALOAD(32))
STORE_CODE = bytes.fromhex("6020356000355500")
CREATION = bytes.fromhex("7f" + "60" * 32 + "60005260206000f3")


def state() -> AccountState:
    return world({STORE: Account(1, 1, STORE_CODE, None, {1: 1, 2: 2})})


def stores(slot: int, value: int) -> dict[str, Any]:
    data = slot.to_bytes(32, "big") + value.to_bytes(32, "big")
    return {"to": STORE, "value": 0, "data": data, "gas": 900_000}


def block(fork: str) -> Block:
    """Slots are set, removed and set again to what they were; accounts and a contract are made."""
    calls: list[dict[str, Any]] = [
        stores(1, 7),
        stores(2, 0),
        stores(1, 1),
        stores(5, 3),
        {"to": bytes(19) + b"\xee", "value": 9, "gas": 900_000},
        {"to": None, "value": 2, "data": CREATION, "gas": 2_900_000},
        stores(5, 0),
        {"to": SENDERS[1], "value": 10**15, "gas": 900_000},
    ]
    transactions = tuple(
        signed(index % 4, nonce=index // 4, **members) for index, members in enumerate(calls)
    )
    given = block_of(transactions, fork, gas_limit=30_000_000)
    return sealed(given, state(), fork=fork)


def execute(given: Block, on: Any, hints: Hints | None, fork: str, **options: Any) -> Any:
    return blockstm.execute_block(given, on, "evm", hints=hints, fork=fork, **options)


def listed(given: Block, fork: str) -> BlockAccessList:
    executed = execute(given, state(), None, fork, accesses=True)
    assert all(receipt.succeeded for receipt in executed.receipts)
    found = executed.accesses.access_list
    assert isinstance(found, BlockAccessList)
    return found


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever this runs: a thread more than the workers has a core."""
    monkeypatch.setattr(listed_root, "usable_cores", lambda: 4)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fork", ["berlin", "shanghai", "prague", "amsterdam"])
def test_the_root_of_a_right_list_is_the_blocks(fork: str, workers: int) -> None:
    given = block(fork)
    hints, on = from_access_list(listed(given, fork), given.transactions), state()
    executed = execute(given, on, hints, fork, workers=workers)
    assert "roots" in executed.overlapped
    assert executed.state_root == execute(given, state(), None, fork).state_root
    on.apply(executed.writes)  # the tries go on from those that the list led to
    assert execute(given, state(), None, fork).writes == executed.writes
    empty = sealed(block_of((), fork, 2), on, fork=fork)
    assert execute(empty, on, None, fork).state_root == empty.header.state_root


@pytest.mark.parametrize("lie", sorted(set(LIES) - {"right"}))
@pytest.mark.parametrize("fork", ["berlin", "amsterdam"])
def test_the_root_of_a_list_that_lies_is_thrown_away(fork: str, lie: str) -> None:
    given = block(fork)
    hints = from_access_list(LIES[lie](listed(given, fork)), given.transactions)
    executed = execute(given, state(), hints, fork, workers=2)
    expected = execute(given, state(), None, fork)
    assert executed.state_root == expected.state_root
    assert executed == expected


def test_what_is_listed_and_was_not_done_is_no_root() -> None:
    """One account more, or one slot more, that the block leaves as it is."""
    given = block("prague")
    right = listed(given, "prague")
    for account in right.accounts:
        more = ((2**255, ((3, 5),)), *account.storage_changes[::-1])
        lies = replace(account, storage_changes=more[::-1])
        accounts = tuple(lies if each is account else each for each in right.accounts)
        hints = from_access_list(BlockAccessList(accounts), given.transactions)
        executed = execute(given, state(), hints, "prague", workers=2)
        assert "roots" not in executed.overlapped
        assert executed.state_root == execute(given, state(), None, "prague").state_root


@pytest.mark.parametrize("workers", [4, 5])
def test_no_core_is_taken_from_workers_for_a_root(workers: int) -> None:
    given = block("prague")
    hints = from_access_list(listed(given, "prague"), given.transactions)
    executed = execute(given, state(), hints, "prague", workers=workers)
    assert "roots" not in executed.overlapped
    assert executed.state_root == execute(given, state(), None, "prague").state_root


def test_a_partial_state_has_no_root() -> None:
    given = block("prague")
    hints = from_access_list(listed(given, "prague"), given.transactions)
    accounts = dict(state().accounts())
    partial = AccountState(accounts, partial=True)
    assert execute(given, partial, hints, "prague", workers=2).state_root is None


BOMB, ABSENT = bytes(19) + b"\xd2", bytes(19) + b"\xef"
# Without calldata it destroys itself, to who calls it; with some it is `STORE_CODE`.
BOMB_CODE = bytes.fromhex("3660065733ff5b") + STORE_CODE


def state_of_deletions() -> AccountState:
    return world({BOMB: Account(5, 1, BOMB_CODE, None, {1: 9, 3: 4})})


def block_of_deletions(fork: str) -> Block:
    """A contract is written to, destroyed with its slots, and paid again; nobody gets nothing."""
    stored = {**stores(1, 7), "to": BOMB}
    calls: list[dict[str, Any]] = [
        stored,
        {"to": BOMB, "value": 0, "gas": 900_000},
        {**stored, "value": 3},
        {"to": ABSENT, "value": 0, "gas": 900_000},
        {**stored, "value": 4},
    ]
    transactions = tuple(
        signed(index % 4, nonce=index // 4, **members) for index, members in enumerate(calls)
    )
    given = block_of(transactions, fork, gas_limit=30_000_000)
    return sealed(given, state_of_deletions(), fork=fork)


MORE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a slot as it was": {"storage_changes": ((1, ((2, 9),)),)},
    "a slot of nothing": {"storage_changes": ((1, ((2, 0),)), (8, ((5, 0),)))},
    "no ether": {"balance_changes": ((5, 0),)},
    "ether as it was": {"balance_changes": ((9, 5),)},
    "no nonce": {"nonce_changes": ((5, 0),)},
    "no code": {"code_changes": ((0, b""), (5, b""))},
    "another code": {"code_changes": ((1, STORE_CODE),)},
}


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("fork", ["byzantium", "berlin", "prague", "amsterdam"])
def test_a_list_does_not_bring_back_what_is_deleted(fork: str, more: str) -> None:
    """What is listed besides of an account that is deleted, absent, or one of the block's."""
    given = block_of_deletions(fork)
    expected = execute(given, state_of_deletions(), None, fork, accesses=True)
    assert expected.accesses is not None
    right = expected.accesses.access_list.accounts
    for address in (BOMB, ABSENT, SENDERS[3], COINBASE):
        access_list = BlockAccessList((*right, AccountAccess(address, **MORE[more])))
        hints = from_access_list(access_list, given.transactions)
        for workers in (1, 2):
            on = state_of_deletions()
            executed = execute(given, on, hints, fork, workers=workers, accesses=True)
            assert executed == expected
            assert executed.state_root == given.header.state_root
