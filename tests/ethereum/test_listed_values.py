"""Values of an access list answer reads before who writes them has run; lies cost time alone."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from tests.ethereum.made import COINBASE, SENDERS, block_of, sealed, signed, world

from blockstm import Config, Executor, execute_block
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum import Account, AccountState, Block, Transaction
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import prepare
from blockstm.ethereum.hints import AccessLists, from_access_list
from blockstm.executor import explore
from blockstm.hints import Hints
from blockstm.testing import Ran, assert_same_result, random_schedules
from blockstm.testing.strategies import choices as orders

COUNTER, PAYER, FACTORY = (bytes(19) + bytes([last]) for last in (0xC7, 0xC8, 0xC9))
# Adds 1 to slot 0.
COUNT = bytes.fromhex("60005460010160005500")
# Stores the balance of COUNTER, calls it with one wei, and sends half of its own to the coinbase.
PAY = bytes.fromhex("60c7316001556000808080600160c75af150600080808060024704415af15000")
# Creates a contract of one STOP: its nonce goes up, there is a new code.
CREATE = bytes.fromhex("6460016000f36000526005601b6000f000")
TRANSACTIONS = 16
MISLED_MAX = 5
"""Runs that a list may mislead; the last of them ends it."""
NO_ABORTS = {"validation": 0, "frontier": 0, "estimate": 0, "stopped": 0}
WORKERS = (1, 2, 3, 4)
SCHEDULES = ("optimistic", "declared", "grouped", "listed", "adaptive")


def state() -> AccountState:
    accounts = {
        COUNTER: Account(5, 1, COUNT),
        PAYER: Account(10**9, 1, PAY),
        FACTORY: Account(10**6, 1, CREATE),
    }
    return world(accounts)


def transactions(to: bytes | None = None) -> tuple[Transaction, ...]:
    called = (COUNTER, PAYER, FACTORY, SENDERS[0])
    return tuple(
        signed(key, nonce=nonce, to=to or called[(key + nonce) % 4], value=3, gas=600_000)
        for nonce in range(TRANSACTIONS // 4)
        for key in range(4)
    )


def block(fork: str = "amsterdam", to: bytes | None = None) -> Block:
    return sealed(block_of(transactions(to), fork, gas_limit=30_000_000), state(), fork=fork)


def execute(given: Block, workers: int, hints: Any = None, **options: Any) -> Any:
    """Run a block; with several workers, from its start on all of them."""
    fork = options.pop("fork", "amsterdam")
    with Executor(Config(gate=False, **options), workers=workers) as engine:
        return engine.execute_block(given, state(), "evm", fork=fork, hints=hints, accesses=True)


def listed_of(given: Block, fork: str = "amsterdam") -> BlockAccessList:
    found = execute(given, 1, fork=fork).accesses.access_list
    assert isinstance(found, BlockAccessList)
    return found


def changed(listed: BlockAccessList, change: Callable[[int, Any], Any]) -> BlockAccessList:
    """The same list with other values, each made of its index and its value; None: left out."""

    def of(changes: Any) -> Any:
        found = [(index, change(index, value)) for index, value in changes]
        return tuple((index, value) for index, value in found if value is not None)

    return BlockAccessList(
        tuple(
            replace(
                each,
                storage_changes=tuple(
                    (slot, of(changes)) for slot, changes in each.storage_changes
                ),
                balance_changes=of(each.balance_changes),
                nonce_changes=of(each.nonce_changes),
                code_changes=each.code_changes,
            )
            for each in listed.accounts
        )
    )


def shifted(listed: BlockAccessList) -> BlockAccessList:
    """Every value one transaction too late, as in the list of another order."""
    drop = replace
    return BlockAccessList(
        tuple(
            drop(
                each,
                storage_changes=tuple(
                    (slot, tuple((index + 1, value) for index, value in changes))
                    for slot, changes in each.storage_changes
                ),
                balance_changes=tuple((index + 1, value) for index, value in each.balance_changes),
            )
            for each in listed.accounts
        )
    )


LIES: dict[str, Callable[[BlockAccessList], BlockAccessList]] = {
    "right": lambda listed: listed,
    "partial": lambda listed: changed(listed, lambda index, value: value if index % 3 else None),
    "stale": shifted,
    "one lie": lambda listed: changed(listed, lambda index, value: value + (index == 2)),
    "late lies": lambda listed: changed(listed, lambda index, value: value + (index > 9)),
    "all lies": lambda listed: changed(listed, lambda index, value: value * 7 + 1),
    "zeros": lambda listed: changed(listed, lambda index, value: 0),
    "huge": lambda listed: changed(listed, lambda index, value: (1 << 256) - 1 - value),
    "too huge": lambda listed: changed(listed, lambda index, value: 1 << 300),
    "nothing": lambda listed: BlockAccessList(()),
    "other accounts": lambda listed: BlockAccessList(
        tuple(replace(each, address=each.address[::-1]) for each in listed.accounts)
    ),
    "everything by all": lambda listed: BlockAccessList(
        tuple(
            AccountAccess(
                each.address,
                ((0, tuple((index, index) for index in range(40))),),
                balance_changes=tuple((index, index) for index in range(40)),
                nonce_changes=tuple((index, index) for index in range(40)),
                code_changes=tuple((index, bytes([index])) for index in range(0, 40, 3)),
            )
            for each in listed.accounts
        )
    ),
    "twice and backwards": lambda listed: BlockAccessList(
        tuple(
            replace(each, balance_changes=(*each.balance_changes[::-1], *each.balance_changes))
            for each in (*listed.accounts, *listed.accounts[::-1])
        )
    ),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("fork", ["berlin", "prague", "amsterdam"])
def test_no_list_changes_a_block(fork: str, lie: str) -> None:
    given = block(fork)
    expected = execute(given, 1, fork=fork)
    hints = from_access_list(LIES[lie](listed_of(given, fork)), given.transactions)
    for workers in WORKERS:
        actual = execute(given, workers, hints, fork=fork)
        assert actual == expected
        assert actual.state_root == expected.state_root


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("lie", LIES)
def test_no_list_changes_a_block_under_any_schedule(lie: str, schedule: str) -> None:
    given = block()
    expected = execute(given, 1)
    hints = from_access_list(LIES[lie](listed_of(given)), TRANSACTIONS)
    for options in ({}, {"throttle": False}, {"revalidation": False}, {"estimates": False}):
        for workers in (2, 4):
            assert execute(given, workers, hints, schedule=schedule, **options) == expected


@pytest.mark.parametrize("to", [None, COUNTER, PAYER, FACTORY], ids=["any", "slot", "ether", "new"])
def test_with_the_right_list_nothing_runs_twice(to: bytes | None) -> None:
    given = block(to=to)
    assert all(receipt.succeeded for receipt in execute(given, 1).receipts)
    hints = from_access_list(listed_of(given), given.transactions)
    for workers in (2, 3, 4):
        executed = execute(given, workers, hints)
        assert executed.stats.incarnations_per_transaction == 1.0
        report = executed.hints_report
        assert report is not None
        assert report.listed > TRANSACTIONS
        assert report.misled == report.holds == 0


@pytest.mark.parametrize("to", [None, COUNTER, PAYER], ids=["any", "slot", "ether"])
def test_with_the_right_list_nothing_runs_twice_in_any_schedule(to: bytes | None) -> None:
    given = block(to=to)
    prepared = prepare(given, state(), "evm", fork="amsterdam")
    offset = prepared.transaction_steps.start
    hints = from_access_list(listed_of(given), given.transactions).shifted(offset)
    for choices in islice(random_schedules(11, workers=3), 25):
        explored = explore(
            *(prepared.steps, prepared.state, prepared.vm),
            choices=choices,
            workers=3,
            config=Config(),
            hints=hints,
        )
        assert explored.error is None
        assert explored.result is not None
        stats = explored.result.stats
        assert (stats.incarnations, dict(stats.aborts)) == (stats.transactions, NO_ABORTS), choices


def test_a_list_that_misleads_is_not_believed_for_long() -> None:
    given = block(to=COUNTER)
    lies = changed(listed_of(given), lambda index, value: value + 1 if index > 1 else value)
    for workers in (2, 4):
        report = execute(given, workers, from_access_list(lies, given.transactions)).hints_report
        assert report is not None
        assert report.misled <= MISLED_MAX + workers  # and those that were being looked at


@pytest.mark.parametrize("lies_from", [0, 40], ids=["all", "late"])
def test_many_values_that_are_gone_are_left_out(lies_from: int) -> None:
    """Of a slot that every transaction writes, each listed value goes, and the next is found."""
    count = 120
    calls = tuple(
        signed(index % 4, nonce=index // 4, to=COUNTER, gas=90_000) for index in range(count)
    )
    given = sealed(block_of(calls, "prague", gas_limit=30_000_000), state(), fork="prague")
    expected = execute(given, 1, fork="prague")
    gone = changed(
        listed_of(given, "prague"), lambda index, value: value if index < lies_from else 2 * value
    )
    for workers in (2, 4):
        hints = from_access_list(gone, given.transactions)
        assert execute(given, workers, hints, fork="prague") == expected


@pytest.mark.parametrize("lie", LIES)
def test_a_list_is_read_from_its_encoding_as_from_objects(lie: str) -> None:
    listed = LIES[lie](listed_of(block()))
    if lie == "too huge":
        with pytest.raises(DecodeError, match="blockAccessList"):
            from_access_list(listed.encode(), TRANSACTIONS)
        return
    given, read = (from_access_list(each, TRANSACTIONS) for each in (listed, listed.encode()))
    assert given.dependencies == read.dependencies
    assert given.written is not None
    assert read.written is not None
    assert given.written.touched == read.written.touched
    assert given.written.records() == read.written.records()
    assert execute(block(), 4, read) == execute(block(), 1)


@pytest.mark.parametrize(
    "encoding", [b"", b"\xc1", b"\x80", b"\xc1\xc0", b"\xc3\xc2\x01\x02"], ids=repr
)
def test_bytes_that_are_no_list_are_refused(encoding: bytes) -> None:
    with pytest.raises(DecodeError, match="blockAccessList"):
        from_access_list(encoding, TRANSACTIONS)


def test_a_block_brings_its_list() -> None:
    given = block()
    hints = AccessLists().for_block(replace(given, access_list=listed_of(given)))
    assert hints is not None
    assert execute(given, 4, hints).stats.incarnations_per_transaction == 1.0


def test_without_values_reads_wait_as_ever() -> None:
    given = block(to=COUNTER)
    whole = from_access_list(listed_of(given), TRANSACTIONS)
    assert whole.dependencies == [(), *((n - 1,) for n in range(1, TRANSACTIONS))]


@pytest.mark.parametrize(
    "values",
    [
        (memoryview(bytes(8)).cast("q"), memoryview(bytes(8)).cast("q"), b""),
        (memoryview(bytes(8)).cast("q"), memoryview(bytes(24)).cast("q"), b"key"),
        (b"12345678", b"", b""),
        None,
        5,
    ],
    ids=["few starts", "starts that end early", "bytes", "nothing", "a number"],
)
def test_arrays_of_another_kind_are_refused(values: Any) -> None:
    if values is None:
        assert Hints.from_arrays(3, values=None).listed is None
        return
    with pytest.raises(InputError):
        Hints.from_arrays(3, values=values)


GIVEN = block()
EXPECTED = execute(GIVEN, 1)
LISTED = listed_of(GIVEN)


@hypothesis.settings(max_examples=60, deadline=None, print_blob=True)
@hypothesis.given(st.integers(0, 1 << 32), st.sampled_from(SCHEDULES), st.sampled_from((2, 3, 4)))
def test_any_mixture_of_lies_comes_to_the_same(seed: int, schedule: str, workers: int) -> None:
    draw = Random(seed)
    rate = draw.choice((0.02, 0.2, 0.9))

    def change(index: int, value: int) -> int | None:
        if draw.random() > rate:
            return value
        return draw.choice((None, 0, value + 1, draw.getrandbits(256), draw.getrandbits(64)))

    hints = from_access_list(changed(LISTED, change), draw.choice((TRANSACTIONS, 3, 99)))
    assert execute(GIVEN, workers, hints, schedule=schedule) == EXPECTED


def any_lies(draw: Random) -> BlockAccessList:
    """A mixture of two lies: of each account what the one list has or the other."""
    first, second = (LIES[draw.choice(sorted(LIES))](LISTED).accounts for _ in range(2))
    return BlockAccessList(
        tuple(draw.choice(pair) for pair in zip(first, second, strict=False)) or first
    )


def of_others(draw: Random, listed: BlockAccessList) -> BlockAccessList:
    """Each slot's and balance's changes as those of other transactions, in as many of them."""

    def moved(changes: Any) -> Any:
        indices = draw.sample(range(1, TRANSACTIONS + 1), min(len(changes), TRANSACTIONS))
        return tuple((index, value) for index, (_, value) in zip(indices, changes, strict=False))

    return BlockAccessList(
        tuple(
            replace(
                each,
                storage_changes=tuple((slot, moved(found)) for slot, found in each.storage_changes),
                balance_changes=moved(each.balance_changes),
            )
            for each in listed.accounts
        )
    )


PREPARED = prepare(GIVEN, state(), "evm", fork="amsterdam")
with Executor(workers=1) as _alone:
    IN_ORDER = _alone.execute_block(PREPARED.steps, PREPARED.state, PREPARED.vm)


@hypothesis.settings(max_examples=150, deadline=None, print_blob=True)
@hypothesis.given(
    st.integers(0, 1 << 32), orders(workers=3, max_length=300), st.sampled_from(SCHEDULES[:4])
)
def test_no_lie_changes_a_block_in_any_order_of_steps(seed: int, order: Any, schedule: Any) -> None:
    draw = Random(seed)
    listed = any_lies(draw)
    if draw.random() < 0.5:
        listed = of_others(draw, listed)
    hints = from_access_list(listed, draw.choice((TRANSACTIONS, 3, 99)))
    explored = explore(
        *(PREPARED.steps, PREPARED.state, PREPARED.vm),
        choices=order,
        workers=3,
        config=Config(schedule=schedule, revalidation=draw.random() < 0.8),
        hints=hints.shifted(PREPARED.transaction_steps.start),
    )
    assert_same_result(Ran(explored.result, explored.error), IN_ORDER)


@pytest.mark.parametrize("first", [0, 1, 3])
def test_a_list_of_the_first_says_nothing_of_the_rest(first: int) -> None:
    for workers in (2, 4):
        hints = from_access_list(LISTED, first)
        for schedule in SCHEDULES:
            assert execute(GIVEN, workers, hints, schedule=schedule) == EXPECTED


def values_of(writes: list[tuple[int, bytes, bytes]]) -> tuple[memoryview, memoryview, bytes]:
    """Writes made by hand (transaction, key, value) as `Hints.from_arrays` takes them."""
    starts, data = [0], b""
    for _, key, value in writes:
        starts += [len(data) + len(key), len(data) + len(key) + len(value)]
        data += key + value
    indices = array("q", [index for index, _, _ in writes])
    return memoryview(indices), memoryview(array("q", starts)), data


@pytest.mark.parametrize("workers", [2, 4])
def test_a_code_that_is_not_of_its_hash_is_run_by_nobody(workers: int) -> None:
    """Nor is it kept under that hash for later blocks."""
    codes = [bytes.fromhex("61%04x60005500" % (number + 1)) for number in range(TRANSACTIONS)]
    called = {number.to_bytes(20, "big"): code for number, code in enumerate(codes, 0xC000)}
    start = {address: Account(0, 1, code) for address, code in called.items()}
    given = block_of(
        tuple(
            signed(number % 4, nonce=number // 4, to=to, gas=100_000)
            for number, to in enumerate(called)
        ),
        "prague",
        gas_limit=30_000_000,
    )
    given = sealed(given, world(start), fork="prague")
    expected = execute_block(given, world(start), "evm", workers=1, fork="prague")
    wrong = bytes.fromhex("61ffff60005500")
    lies = values_of([(0, keccak(code), wrong) for code in codes])
    hints = Hints.from_arrays(TRANSACTIONS, values=lies)
    code_cache(limit=0)  # they are met for the first time
    code_cache(limit=CODE_CACHE_LIMIT)
    with Executor(Config(gate=False), workers=workers) as engine:
        for told in (hints, hints, None):
            assert (
                engine.execute_block(given, world(start), "evm", fork="prague", hints=told)
                == expected
            )


@hypothesis.settings(max_examples=60, deadline=None, print_blob=True)
@hypothesis.given(st.integers(0, 1 << 32), st.sampled_from(SCHEDULES), st.sampled_from((2, 3, 4)))
def test_bytes_under_any_key_come_to_the_same(seed: int, schedule: str, workers: int) -> None:
    draw = Random(seed)
    accounts = [COUNTER, PAYER, FACTORY, *SENDERS, COINBASE]
    keys = [
        address + field for address in accounts for field in (b"b", b"n", b"c", b"r", b"e", b"s")
    ]
    keys += [address + bytes(31) + bytes([slot]) for address in accounts for slot in (0, 1)]
    keys += [keccak(code) for code in (COUNT, PAY, CREATE)]
    writes = [
        (
            draw.randrange(TRANSACTIONS),
            draw.choice(keys),
            draw.randbytes(draw.choice((0, 1, 8, 32, 33, 99))),
        )
        for _ in range(draw.choice((3, 60, 600)))
    ]
    hints = Hints.from_arrays(TRANSACTIONS, values=values_of(writes))
    assert execute(GIVEN, workers, hints, schedule=schedule) == EXPECTED
