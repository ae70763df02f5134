"""Hints of Ethereum blocks: read from what comes with a block, used, and never believed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import block_of, sealed, signed, world

import blockstm
from blockstm import Config, Executor
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum import Account, AccountState, Block
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.hints import (
    AccessLists,
    BorHeaders,
    TransactionLists,
    bor_extra_data,
    dependencies_in_extra_data,
    from_access_list,
    from_transactions,
)
from blockstm.hints import Expected, Hints, from_dependencies

COUNTER = bytes(19) + b"\xc7"
# Adds 1 to slot 0: PUSH1 0 SLOAD PUSH1 1 ADD PUSH1 0 SSTORE.
COUNT = bytes.fromhex("60005460010160005500")
OWN = bytes(19) + b"\xc8"
# Adds 1 to the caller's slot: CALLER SLOAD PUSH1 1 ADD CALLER SSTORE.
COUNT_OWN = bytes.fromhex("33546001013355")
TRANSACTIONS = 12


def state() -> AccountState:
    return world({COUNTER: Account(0, 1, COUNT), OWN: Account(0, 1, COUNT_OWN)})


def block(to: bytes = COUNTER, fork: str = "shanghai") -> Block:
    transactions = tuple(
        signed(key, nonce=nonce, to=to, value=0, gas=200_000)
        for nonce in range(TRANSACTIONS // 4)
        for key in range(4)
    )
    return sealed(block_of(transactions, fork), state(), fork=fork)


def execute(given: Block, workers: int, hints: Any = None, fork: str = "shanghai") -> Any:
    """Run a block; with several workers, from its start on all of them."""
    with Executor(Config(gate=False), workers=workers) as engine:
        return engine.execute_block(given, state(), "evm", fork=fork, hints=hints)


FORKS = ("berlin", "shanghai", "prague", "amsterdam")
HINTS: dict[str, Any] = {
    "right": from_dependencies([[n - 1] if n else [] for n in range(TRANSACTIONS)]),
    "wrong": from_dependencies([range(n) for n in range(TRANSACTIONS)]),
    "shifted": from_dependencies([[n + 1] for n in range(TRANSACTIONS)]),
    "too many": from_dependencies([[0] for n in range(3 * TRANSACTIONS)]),
    "long": Hints.of(Expected(weight=n) for n in range(TRANSACTIONS)),
    "objects": [None, Expected(dependencies=[0])],
    "access lists": AccessLists(),
    "transactions": TransactionLists(),
    "bor": BorHeaders(),
}


@pytest.mark.parametrize("hints", HINTS)
@pytest.mark.parametrize("to", [COUNTER, OWN], ids=["one slot", "a slot each"])
@pytest.mark.parametrize("fork", FORKS)
def test_hints_never_change_a_block(fork: str, to: bytes, hints: str) -> None:
    given = block(to, fork)
    expected = execute(given, 1, fork=fork)
    for workers in (1, 2, 4):
        actual = execute(given, workers, HINTS[hints], fork)
        assert actual == expected
        assert actual.state_root == expected.state_root


def test_an_invalid_transaction_stays_the_first_error() -> None:
    given = block()
    wrong = (*given.transactions[:5], signed(0, nonce=99), *given.transactions[5:])
    broken = block_of(wrong, "shanghai")
    for hints in HINTS.values():
        with pytest.raises(blockstm.InvalidBlock) as caught:
            execute(broken, 2, hints)
        assert caught.value.index == 5


def test_a_report_tells_what_hints_did() -> None:
    report = execute(block(), 2, HINTS["right"]).hints_report
    assert report is not None
    assert report.expected == TRANSACTIONS - 1
    assert report.right >= TRANSACTIONS - 1
    assert report.wrong == 0
    wrong = execute(block(OWN), 2, HINTS["right"]).hints_report
    assert wrong is not None
    assert not wrong.trusted
    assert execute(block(), 2).hints_report is None


def test_py_evm_takes_hints_too() -> None:
    pytest.importorskip("eth")
    given = block()
    options: Any = {"vm": "py-evm", "fork": "shanghai"}
    expected = blockstm.execute_block(given, state(), workers=1, **options)
    actual = blockstm.execute_block(given, state(), workers=2, hints=HINTS["right"], **options)
    assert actual.receipts == expected.receipts
    assert actual.writes == expected.writes


@pytest.mark.parametrize("hints", [["a key"], 5, b"keys"], ids=repr)
def test_hints_of_another_kind_are_refused(hints: Any) -> None:
    with pytest.raises(InputError, match="hints"):
        execute(block(), 1, hints)


def test_a_blocks_access_list_orders_the_writers_of_a_slot() -> None:
    changes = ((7, ((0, 1), (1, 2), (3, 4), (4, 5))), (8, ((2, 1), (9, 9), (1 << 31, 1))))
    listed = BlockAccessList(
        (AccountAccess(COUNTER, changes, (3,), balance_changes=((1, 5), (2, 6))),)
    )
    assert from_access_list(listed, 4).dependencies == [(), (), (0,), (2,)]
    wrong: list[Any] = [1 << 40, -1, True, 1.5, None, "a", [None], [True], [1.5]]
    for transactions in wrong:
        with pytest.raises(InputError):
            from_access_list(listed, transactions)
    with pytest.raises(InputError, match="BlockAccessList"):
        from_access_list(None, 3)  # type: ignore[arg-type]  # what a caller may pass


def test_an_executed_blocks_list_is_a_source() -> None:
    given = block(fork="amsterdam")
    listed = execute(given, 1, fork="amsterdam").access_list
    hints = AccessLists().for_block(replace(given, access_list=listed))
    assert hints is not None
    assert hints.dependencies == [(), *((n - 1,) for n in range(1, TRANSACTIONS))]
    assert AccessLists().for_block(given) is None


def test_transactions_that_list_a_slot_are_ordered() -> None:
    plain = signed(0, nonce=0)
    a, b = ((COUNTER, (1, 2)),), ((COUNTER, (2,)), (OWN, (2,)))
    listed = [plain, replace(plain, access_list=a), plain, replace(plain, access_list=b)]
    assert from_transactions(listed).dependencies == [(), (), (), (1,)]
    assert TransactionLists().for_block(block()) is None


def test_bors_extra_data_are_read_and_written() -> None:
    dependencies = [(), (0,), (), (1, 2)]
    extra = bor_extra_data(dependencies, vanity=b"v" * 32, validators=b"validators", seal=b"s" * 65)
    assert extra[:32] == b"v" * 32
    assert extra[-65:] == b"s" * 65
    # One list: the validators' bytes, and a list of lists of numbers.
    assert extra[32:-65].hex() == "d3" + "8a" + b"validators".hex() + "c7" + "c0c180c0c20102"
    assert dependencies_in_extra_data(extra) == dependencies


@pytest.mark.parametrize(
    "extra",
    [b"", bytes(96), bytes(97), bytes(32) + b"\xc1\x80" + bytes(65), bytes(32) + b"\xc3\x80\xc0"],
    ids=["none", "short", "no list", "no dependencies", "no seal"],
)
def test_other_extra_data_are_told(extra: bytes) -> None:
    with pytest.raises(DecodeError, match="extraData"):
        dependencies_in_extra_data(extra)


@pytest.mark.parametrize("dependencies", [[(0,)], [(), (-1,)], [(), ("0",)], [(), (True,)]])
def test_no_header_names_what_is_no_dependency(dependencies: Any) -> None:
    with pytest.raises(InputError):
        bor_extra_data(dependencies)


def test_a_block_of_bor_brings_its_hints() -> None:
    given = block()
    extra = bor_extra_data([(), (0,)])
    told = replace(given, header=replace(given.header, extra_data=extra))
    hints = BorHeaders().for_block(told)
    assert hints is not None
    assert hints.dependencies == [(), (0,)]
    assert BorHeaders().for_block(given) is None
