"""Blocks made by hand with members that no block has: always a typed error, always the same one."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum.documents import block_document

import blockstm
from blockstm.errors import BlockstmError, ConfigError, InputError
from blockstm.ethereum import (
    AccountState,
    Authorization,
    Block,
    Header,
    Transaction,
    Withdrawal,
    prepare,
)
from blockstm.ethereum.files.block_files import parse_block_file

WRONG: list[Any] = [
    *(None, -1, 0, 1, 2**64, 2**256, 2**300, 1.5, float("nan"), True, "5", "", b"", b"\x01"),
    *(bytes(19), bytes(20), bytes(32), bytes(33), bytearray(32), (), (1,), ((),), [b"x"], {}),
    *(object(), range(3), ((bytes(20), (1,)),), ((bytes(20), (-1,)),), (bytes(31),), (bytes(32),)),
]
HEADER = [field.name for field in fields(Header)]
TRANSACTION = [field.name for field in fields(Transaction) if field.init]


@cache
def block_and_state() -> tuple[Block, AccountState]:
    file = parse_block_file(block_document())
    return file.block, AccountState(file.accounts, partial=True)


def refusal(block: Any, state: AccountState, workers: int, **options: Any) -> str:
    """The error of a block, in words; empty if it is valid."""
    try:
        blockstm.execute_block(block, state, vm="evm", workers=workers, **options)
    except BlockstmError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def check_is_typed(block: Any, state: AccountState, **options: Any) -> str:
    said = refusal(block, state, 1, **options)
    assert said == refusal(block, state, 2, **options)
    return said


@pytest.mark.parametrize("name", HEADER)
def test_a_header_with_a_wrong_member_is_a_typed_error(name: str) -> None:
    block, state = block_and_state()
    for value in WRONG:
        header = replace(block.header, **{name: value})
        check_is_typed(replace(block, header=header), state)
        check_is_typed(block, state, parent=header)
        check_is_typed(replace(block, ommers=(header,)), state)


@pytest.mark.parametrize("name", TRANSACTION)
def test_a_transaction_with_a_wrong_member_is_a_typed_error(name: str) -> None:
    block, state = block_and_state()
    for kind in range(5):
        first = replace(block.transactions[0], type=kind)
        for value in WRONG:
            wrong = replace(first, **{name: value})
            changed = replace(block, transactions=(block.transactions[1], wrong))
            for fork in ("frontier", "london", "osaka"):
                check_is_typed(changed, state, fork=fork)


@pytest.mark.parametrize(
    "name", ["hash", "header", "transactions", "withdrawals", "ommers", "transaction_hashes"]
)
def test_a_block_with_a_wrong_member_is_a_typed_error(name: str) -> None:
    block, state = block_and_state()
    for value in [*WRONG, block.header, (block.header,), block.transactions[0], (block,)]:
        check_is_typed(replace(block, **{name: value}), state)


def test_wrong_members_in_lists_are_named() -> None:
    block, state = block_and_state()
    transaction = replace(block.transactions[0], type=4)
    authorization = Authorization(1, b"", 0, 0, 1, 1)  # type: ignore[arg-type]  # on purpose
    withdrawal = Withdrawal(0, 0, bytes(20), -1)  # type: ignore[arg-type]  # on purpose
    wrong: dict[str, dict[str, Any]] = {
        r"block.transactions\[0\].*authorizations": {
            "transactions": (replace(transaction, authorizations=(authorization,)),)
        },
        r"block.withdrawals\[0\].amount_gwei": {"withdrawals": (withdrawal,)},
        r"block.transactions\[1\] is a blockstm.ethereum.Transaction": {
            "transactions": (transaction, b"")
        },
        r"block.ommers\[0\].nonce is 8 bytes": {"ommers": (replace(block.header, nonce=b""),)},
        r"block.header.timestamp is an int": {"header": replace(block.header, timestamp=1.5)},
        r"block.header.mix_hash is 32 bytes, not b''": {
            "header": replace(block.header, mix_hash=b"")
        },
    }
    for message, members in wrong.items():
        with pytest.raises(InputError, match=message):
            blockstm.execute_block(replace(block, **members), state, vm="evm")


def test_many_wrong_members_at_once_are_typed_errors() -> None:
    block, state = block_and_state()
    random_of = random.Random(7)
    for _ in range(300):
        header, transaction = block.header, block.transactions[0]
        for _ in range(random_of.randint(1, 3)):
            if random_of.random() < 0.5:
                changed = {random_of.choice(HEADER): random_of.choice(WRONG)}
                header = replace(header, **changed)
            else:
                transaction = replace(
                    transaction, **{random_of.choice(TRANSACTION): random_of.choice(WRONG)}
                )
        check_is_typed(replace(block, header=header, transactions=(transaction,)), state)


@pytest.mark.parametrize(
    ("error", "match", "options"),
    [
        (InputError, "pass parent.header", {"parent": "block"}),
        (InputError, "parent is a blockstm.ethereum.Header", {"parent": 5}),
        (InputError, "ancestors is a tuple", {"ancestors": 5}),
        (InputError, r"ancestors\[0\]", {"ancestors": ["header"]}),
        (ConfigError, "chain is a blockstm.ethereum.Chain", {"chain": "mainnet"}),
        (ConfigError, "fork is a name or a Fork", {"fork": 5}),
        (InputError, "block_hashes map", {"block_hashes": [bytes(32)]}),
        (InputError, "block_hashes map", {"block_hashes": {1: bytes(31)}}),
        (InputError, "block_hashes map", {"block_hashes": {"1": bytes(32)}}),
        (ConfigError, "total_difficulty is an int", {"total_difficulty": -1}),
        (ConfigError, "total_difficulty is an int", {"total_difficulty": "5"}),
    ],
)
def test_options_of_the_wrong_kind_are_refused_in_words(
    error: type[Exception], match: str, options: dict[str, Any]
) -> None:
    block, state = block_and_state()
    named = {"block": block, "header": block.header}
    given = {
        name: [named.get(each, each) for each in value]
        if name == "ancestors" and value != 5
        else named.get(value, value)
        if isinstance(value, str) and name == "parent"
        else value
        for name, value in options.items()
    }
    with pytest.raises(error, match=match):
        blockstm.execute_block(block, state, vm="evm", **given)  # type: ignore[call-overload]  # on purpose


def test_what_is_no_state_is_refused() -> None:
    block, _ = block_and_state()
    with pytest.raises(InputError, match="AccountState"):
        blockstm.execute_block(block, 5, vm="evm")


@pytest.mark.parametrize("name", HEADER)
def test_prepare_refuses_wrong_members_as_well(name: str) -> None:
    block, state = block_and_state()
    for value in WRONG:
        wrong = replace(block, header=replace(block.header, **{name: value}))
        with suppress(BlockstmError):
            prepare(wrong, state)


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        (0, {"access_list": ((bytes(20), ()),)}),
        (2, {"blob_hashes": (bytes(32),)}),
        (3, {"authorizations": (Authorization(1, Address(bytes(20)), 0, 0, 1, 1),)}),
    ],
)
def test_a_list_that_the_type_does_not_have_is_refused(kind: int, member: dict[str, Any]) -> None:
    """It is not encoded, so that it would count for nobody else."""
    block, state = block_and_state()
    made = Transaction(
        type=kind, nonce=0, gas=21_000, to=None, value=0, data=b"", v=0, r=1, s=1, chain_id=1
    )
    [name] = member
    with pytest.raises(InputError, match=f"type {kind} .*{name}"):
        blockstm.execute_block(
            replace(block, transactions=(replace(made, **member),)), state, vm="evm"
        )


def test_a_typed_transaction_without_a_chain_is_of_chain_0_however_often_it_was_encoded() -> None:
    block, state = block_and_state()
    transaction = replace(block.transactions[0], chain_id=None)
    assert transaction.hash
    said = refusal(replace(block, transactions=(transaction,)), state, 1)
    assert "signed for chain 0" in said
