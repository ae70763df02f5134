"""The access list that comes with a block (EIP-7928): its one form, and every difference named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum.official import documents, official_chain

from blockstm import execute_block
from blockstm.cli.fixtures import values
from blockstm.errors import DecodeError, InvalidBlock
from blockstm.ethereum import AccountState, Block, Chain, Header, Reason
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.results.access_list_differences import differences

ARCHIVE = "eest-amsterdam-glamsterdam-devnet-8.tar.xz"
A, B, C = (Address(bytes([n]) * 20) for n in (1, 2, 3))


def access(address: Address, **members: Any) -> AccountAccess:
    return AccountAccess(address, **members)


FULL = access(
    B,
    storage_changes=((1, ((1, 7), (2, 8))), (5, ((1, 9),))),
    storage_reads=(2, 3),
    balance_changes=((1, 10), (3, 11)),
    nonce_changes=((1, 1),),
    code_changes=((2, b"\x60"),),
)


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ((access(B), access(A)), f"address 0x{A.hex()} behind 0x{B.hex()}"),
        ((access(A), access(A)), f"address 0x{A.hex()} twice"),
        ((replace(FULL, storage_reads=(3, 2)),), "storageReads: slot 0x2 behind 0x3"),
        ((replace(FULL, storage_reads=(2, 2)),), "storageReads: slot 0x2 twice"),
        ((replace(FULL, storage_reads=(5,)),), "slot 0x5, which is among storageChanges"),
        ((replace(FULL, storage_changes=((1, ()),)),), "storageChanges of slot 0x1: none"),
        (
            (replace(FULL, storage_changes=((5, ((1, 1),)), (1, ((1, 1),)))),),
            "storageChanges: slot 0x1 behind 0x5",
        ),
        (
            (replace(FULL, storage_changes=((1, ((2, 1), (1, 2))),)),),
            "storageChanges of slot 0x1: blockAccessIndex 0x1 behind 0x2",
        ),
        (
            (replace(FULL, balance_changes=((1, 1), (1, 2))),),
            "balanceChanges: blockAccessIndex 0x1",
        ),
        ((replace(FULL, nonce_changes=((2, 1), (1, 2))),), "nonceChanges: blockAccessIndex 0x1"),
        ((replace(FULL, code_changes=((2, b""), (1, b"a"))),), "codeChanges: blockAccessIndex 0x1"),
    ],
)
def test_a_list_has_one_form(accounts: tuple[AccountAccess, ...], said: str) -> None:
    listed = BlockAccessList(accounts)
    [deviation] = listed.deviations()
    assert said in deviation
    with pytest.raises(DecodeError, match="blockAccessList"):
        BlockAccessList.decode(listed.encode())
    document = {"blockAccessList": listed.to_json()}
    with pytest.raises(DecodeError, match="blockAccessList"):
        BlockAccessList.from_fields(Fields(document, ""))
    assert BlockAccessList.decode(listed.encode(), canonical=False) == listed
    assert BlockAccessList.from_fields(Fields(document, ""), canonical=False) == listed


def test_an_index_has_32_bits() -> None:
    last = 2**32 - 1
    listed = BlockAccessList((access(A, nonce_changes=((last, 1),)),))
    assert BlockAccessList.decode(listed.encode()) == listed
    beyond = encode([[A, [], [], [], [[last + 1, 1]], []]])
    with pytest.raises(DecodeError, match="blockAccessIndex"):
        BlockAccessList.decode(beyond)


CHANGES: dict[str, tuple[AccountAccess, str]] = {
    "a slot's value": (
        replace(FULL, storage_changes=((1, ((1, 7), (2, 9))), FULL.storage_changes[1])),
        "storageChanges slot 0x1 blockAccessIndex 0x2: expected 0x8, given 0x9",
    ),
    "a slot's index": (
        replace(FULL, storage_changes=((1, ((1, 7), (3, 8))), FULL.storage_changes[1])),
        "storageChanges slot 0x1 blockAccessIndex 0x2: expected 0x8, given none",
    ),
    "a read that is missing": (
        replace(FULL, storage_reads=(2,)),
        "storageReads slot 0x3: expected one, given none",
    ),
    "a read too many": (
        replace(FULL, storage_reads=(2, 3, 4)),
        "storageReads slot 0x4: expected none, given one",
    ),
    "a change that is none": (
        replace(FULL, balance_changes=((1, 10), (2, 10), (3, 11))),
        "balanceChanges blockAccessIndex 0x2: expected none, given 0xa",
    ),
    "a nonce": (
        replace(FULL, nonce_changes=((1, 2),)),
        "nonceChanges blockAccessIndex 0x1: expected 0x1, given 0x2",
    ),
    "a code": (
        replace(FULL, code_changes=((2, b"\x61"),)),
        "codeChanges blockAccessIndex 0x2: expected 0x60, given 0x61",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_names_the_entry_and_both_values(name: str) -> None:
    given, said = CHANGES[name]
    found = [*differences(BlockAccessList((FULL,)), BlockAccessList((given,)))]
    assert f"account 0x{B.hex()} {said}" in map(str, found)
    back = [*differences(BlockAccessList((given,)), BlockAccessList((FULL,)))]
    assert [(each.entry, each.given, each.expected) for each in back] == [
        (each.entry, each.expected, each.given) for each in found
    ]


def test_an_account_that_is_missing_is_one_difference() -> None:
    both, one = BlockAccessList((access(A), FULL)), BlockAccessList((access(A),))
    assert [*map(str, differences(both, one))] == [f"account 0x{B.hex()}: expected one, given none"]
    assert [*differences(both, both)] == []


# --- of whole blocks


@cache
def cases() -> tuple[tuple[Chain, Header, dict[Any, Any], Block], ...]:
    """First blocks of official tests with their access lists: chain, parent, accounts, block."""
    return tuple(_cases())


def _cases() -> Iterator[tuple[Chain, Header, dict[Any, Any], Block]]:
    for path, document in documents(ARCHIVE, "block_access_lists/"):
        for name, test in document.items():
            case = official_chain(f"{path}:{name}", test)
            first = case.blocks[0]
            if first.is_valid and "blockAccessList" in first.members:
                listed = BlockAccessList.from_fields(Fields(first.members, ""))
                block = replace(Block.decode(first.encoding), access_list=listed)
                yield case.chain, case.genesis.header, values.accounts(test["pre"], ""), block


def run(case: tuple[Chain, Header, dict[Any, Any], Block], block: Block, workers: int = 2) -> Any:
    chain, parent, accounts, _ = case
    state = AccountState(accounts)
    return execute_block(
        block, state, vm="evm", chain=chain, parent=parent, workers=workers
    ).access_list


def test_the_lists_of_the_official_tests_come_out() -> None:
    assert len(cases()) > 40
    for case in cases():
        assert run(case, case[3]) == case[3].access_list


def refusal(case: tuple[Chain, Header, dict[Any, Any], Block], block: Block) -> InvalidBlock:
    found = []
    for workers in (1, 2):
        with pytest.raises(InvalidBlock) as caught:
            run(case, block, workers)
        found.append(caught.value)
    assert str(found[0]) == str(found[1])
    return found[0]


def changed_lists(listed: BlockAccessList) -> Iterator[BlockAccessList]:
    """The list with one thing wrong, each in turn."""
    yield BlockAccessList(listed.accounts[1:])
    yield BlockAccessList(listed.accounts[::-1])
    for place, account in enumerate(listed.accounts):
        before, after = listed.accounts[:place], listed.accounts[place + 1 :]
        changes: list[dict[str, Any]] = [
            {"storage_reads": (*account.storage_reads, 2**256 - 1)},
            {"balance_changes": (*account.balance_changes, (2**32 - 1, 0))},
            {"nonce_changes": account.nonce_changes[1:] if account.nonce_changes else ((1, 9),)},
            {"code_changes": (*account.code_changes, (2**31, b"\x00"))},
        ]
        for change in changes:
            yield BlockAccessList((*before, replace(account, **change), *after))


def test_every_deviation_is_refused_by_its_name() -> None:
    case = cases()[0]
    block = case[3]
    assert block.access_list is not None
    for listed in changed_lists(block.access_list):
        error = refusal(case, replace(block, access_list=listed))
        assert error.reason in (Reason.ACCESS_LIST_FORM, Reason.ACCESS_LIST_DIFFERS)
        assert error.index is None
        assert "0x" in str(error)
        if error.reason == Reason.ACCESS_LIST_DIFFERS:
            assert "expected" in str(error)
            assert "given" in str(error)


def test_a_transaction_that_is_invalid_wins_over_the_list() -> None:
    case = next(case for case in cases() if case[3].transactions)
    block = case[3]
    wrong = replace(block, access_list=BlockAccessList())
    assert refusal(case, wrong).reason == Reason.ACCESS_LIST_DIFFERS
    doubled = replace(wrong, transactions=(*wrong.transactions, wrong.transactions[-1]))
    header = replace(doubled.header, transactions_root=doubled.transactions_root)
    error = refusal(case, replace(doubled, header=header, hash=header.hash))
    assert error.reason == Reason.NONCE_TOO_LOW
    assert error.index == len(block.transactions)


def test_without_a_list_the_hash_alone_is_compared() -> None:
    case = cases()[0]
    header = replace(case[3].header, block_access_list_hash=bytes(32))
    block = replace(case[3], header=header, hash=header.hash)
    assert refusal(case, block).reason == Reason.ACCESS_LIST_HASH  # the list itself is right
    assert refusal(case, replace(block, access_list=None)).reason == Reason.ACCESS_LIST_HASH
