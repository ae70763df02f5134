"""What an executed block's transactions read and wrote, and whose writes they read."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from eth_typing import Address
from tests.ethereum.made import COINBASE, SENDERS, block_of, sealed, signed, world
from tests.fixtures import mainnet_block

import blockstm
from blockstm import Config, Executor, reference
from blockstm.errors import ConfigError
from blockstm.ethereum import Account, AccountState, Block, prepare, read_block_file
from blockstm.ethereum.hints import BorHeaders, bor_extra_data
from blockstm.hints import Expected, Hints, from_dependencies
from blockstm.reference.view import Delta
from blockstm.values import plus, same_value

COUNTER = Address(bytes(19) + b"\xc7")
# Adds 1 to slot 0: PUSH1 0 SLOAD PUSH1 1 ADD PUSH1 0 SSTORE.
COUNT = bytes.fromhex("60005460010160005500")
ASKER = Address(bytes(19) + b"\xc8")
# Keeps the balance of the account in its input at slot 1.
ASK = bytes.fromhex("60003531600155")
DOOMED = Address(bytes(19) + b"\xc9")
# With no value it ends itself in favour of the caller, else keeps 1 at slot 5:
# CALLVALUE PUSH1 6 JUMPI CALLER SELFDESTRUCT JUMPDEST PUSH1 1 PUSH1 5 SSTORE.
DIE = bytes.fromhex("34600657" + "33ff" + "5b6001600555")
EXTCODE = Address(bytes(19) + b"\xca")
# Keeps the hash of the code of the account in its input at slot 0.
ASK_CODE = bytes.fromhex("6000353f600055")
MAKER = Address(bytes(19) + b"\xcb")
# Creates an account without code, and keeps its address at slot 0.
MAKE = bytes.fromhex("600060006000f0600055")
FORKS = ("byzantium", "berlin", "shanghai", "prague", "amsterdam")


def word(address: bytes) -> bytes:
    return address.rjust(32, b"\0")


def state() -> AccountState:
    codes = {COUNTER: COUNT, ASKER: ASK, DOOMED: DIE, EXTCODE: ASK_CODE, MAKER: MAKE}
    return world({address: Account(7, 1, code) for address, code in codes.items()})


CALLS: list[dict[str, Any]] = [
    {"to": COUNTER},
    {"to": SENDERS[3], "value": 5},
    {"to": ASKER, "data": word(SENDERS[3])},
    {"to": COUNTER},
    {"to": ASKER, "data": word(COINBASE)},
    {"to": DOOMED, "value": 1},
    {"to": EXTCODE, "data": word(DOOMED)},
    {"to": DOOMED},
    {"to": EXTCODE, "data": word(DOOMED)},
    {"to": ASKER, "data": word(DOOMED)},
    {"to": MAKER},
    {"to": MAKER},
    {"to": DOOMED, "value": 1},
]


def block(fork: str) -> Block:
    sent = [0, 0, 0]
    transactions = []
    for index, call in enumerate(CALLS):
        key = index % 3
        given = {"value": 0, "gas": 200_000, **call}
        transactions.append(signed(key, nonce=sent[key], **given))
        sent[key] += 1
    return sealed(block_of(tuple(transactions), fork), state(), fork=fork)


class Recorded:
    """A view that notes what is asked of it."""

    def __init__(self, view: Any, reads: set[Any]) -> None:
        self._view, self._reads = view, reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def get(self, key: Any, default: Any = None) -> Any:
        if key not in self._view.writes:
            self._reads.add(key)
        return self._view.get(key, default)


def named(key: Any) -> Any:
    """A location by the name that accesses have for it; None for one that they do not tell of."""
    match key:
        case (address, "storage", _, slot):
            return address, slot
        case (address, "balance" | "nonce" | "code_hash" as field):
            return address, field
    return None


class InOrder:
    """The accesses of a block that runs in order on Python views."""

    def __init__(self, given: Block, before: AccountState, **options: Any) -> None:
        self.reads: list[set[Any]] = []
        self.writes: list[set[Any]] = []
        self.adds: list[set[Any]] = []
        self.dependencies: list[tuple[int, ...]] = []
        self._makers: defaultdict[Any, list[int]] = defaultdict(list)
        prepared = prepare(given, before, "evm", **options)
        steps = prepared.transaction_steps

        def recorded(view: Any, step: Any) -> Any:
            reads: set[Any] = set()
            value = prepared.vm(Recorded(view, reads), step)
            if view.index in steps:
                self._note(view, reads, prepared.senders[view.index - steps.start])
            return value

        reference.execute_block(prepared.steps, before, recorded)

    def _note(self, view: Any, reads: set[Any], sender: bytes) -> None:
        index = len(self.reads)
        read = {key for key in reads if key != (sender, "nonce")}
        names = {named(key) for key in read} - {None}
        read = {key for key in read if named(key) or key[1] == "epoch"}
        needed = {maker for key in read for maker in self._makers[key]}
        self.reads.append(names)
        self.dependencies.append(tuple(sorted(needed)))
        writes, adds = set(), set()
        for key, write in view.writes.items():
            is_delta = isinstance(write, Delta)
            after = plus(view.before(key), write.amount) if is_delta else write
            if same_value(view.before(key), after):
                continue
            makers = self._makers[key]
            makers[:] = [*makers, index] if is_delta else [index]
            if named(key):
                (adds if is_delta else writes).add(named(key))
        self.writes.append(writes)
        self.adds.append(adds)


def execute(given: Block, before: Any, workers: int, **options: Any) -> Any:
    with Executor(Config(gate=False), workers=workers) as engine:
        return engine.execute_block(given, before, "evm", accesses=True, **options)


@pytest.mark.parametrize("fork", FORKS)
def test_accesses_are_those_of_a_run_in_order(fork: str) -> None:
    given = block(fork)
    expected = InOrder(given, state(), fork=fork)
    for workers in (1, 2, 4):
        accesses = execute(given, state(), workers, fork=fork).accesses
        assert [each.reads for each in accesses] == expected.reads
        assert [each.adds for each in accesses] == expected.adds
        assert [each.writes for each in accesses] == expected.writes
        assert [*accesses.dependencies] == expected.dependencies
    assert any(expected.dependencies)


@pytest.mark.parametrize("number", [4370000, 12300570, 13287210, 19426587, 23879620])
def test_dependencies_of_mainnet_blocks_are_those_of_a_run_in_order(number: int) -> None:
    file = read_block_file(mainnet_block(number))
    hashes = {"block_hashes": file.block_hashes}
    expected = InOrder(file.block, file.state(), **hashes)
    for workers in (1, 2, 4):
        executed = execute(file.block, file.state(), workers, **hashes)
        assert [*executed.dependencies] == expected.dependencies


@pytest.mark.parametrize("fork", FORKS)
def test_a_block_of_any_fork_has_an_access_list_of_what_it_changed(fork: str) -> None:
    executed = execute(block(fork), state(), 2, fork=fork)
    listed = {each.address: each for each in executed.accesses.access_list.accounts}
    assert [*listed] == sorted(listed)
    before, after = state(), state()
    after.apply(executed.writes)
    assert listed.keys() >= executed.writes.keys()
    for address, entry in listed.items():
        was = before.account(address) or Account()
        now = after.account(address) or Account()
        assert last(entry.balance_changes, was.balance) == now.balance
        assert last(entry.nonce_changes, was.nonce) == now.nonce
        assert last(entry.code_changes, was.code) == now.code
        if address != DOOMED:  # whose slots go without being named
            slots = {slot: changes[-1][1] for slot, changes in entry.storage_changes}
            there = {slot: value for slot, value in {**was.storage, **slots}.items() if value}
            assert there == now.storage
    if fork == "amsterdam":
        assert executed.accesses.access_list == executed.access_list
    else:
        assert executed.access_list is None


def last(changes: Any, before: Any) -> Any:
    return changes[-1][1] if changes else before


def test_a_deletion_takes_balance_nonce_and_code() -> None:
    accesses = execute(block("shanghai"), state(), 2, fork="shanghai").accesses
    [gone] = [each for each in accesses.access_list.accounts if each.address == DOOMED]
    death = 1 + CALLS.index({"to": DOOMED})
    assert (death, 0) in gone.balance_changes
    assert gone.nonce_changes == ((death, 0),)
    assert gone.code_changes == ((death, b""),)
    assert {(DOOMED, field) for field in ("balance", "nonce", "code_hash")} <= accesses[7].writes


def test_a_transaction_has_the_accounts_and_slots_that_it_touched() -> None:
    accesses = execute(block("shanghai"), state(), 2, fork="shanghai").accesses
    touched = dict(accesses[0].access_list)
    assert touched == {SENDERS[0]: (), COUNTER: (0,), COINBASE: ()}
    assert [*touched] == sorted(touched)
    assert len(accesses[1:]) == len(accesses) - 1


def test_accesses_change_nothing_and_are_there_on_request_alone() -> None:
    given = block("shanghai")
    plain = blockstm.execute_block(given, state(), "evm", fork="shanghai")
    assert (plain.accesses, plain.dependencies) == (None, None)
    asked = execute(given, state(), 2, fork="shanghai")
    assert (asked.receipts, asked.writes) == (plain.receipts, plain.writes)
    assert asked.state_root == plain.state_root


def test_accesses_are_hints_of_the_same_block() -> None:
    given = block("shanghai")
    first = execute(given, state(), 2, fork="shanghai")
    declared = Hints.of(
        Expected(reads=each.reads, writes=each.writes, adds=each.adds) for each in first.accesses
    )
    for some, every in zip(declared.dependencies, first.dependencies, strict=True):
        assert some[:1] == every[-1:]  # of those that add, the last stands for all
        assert {*some} <= {*every}
    for hints in (declared, from_dependencies(first.dependencies)):
        again = execute(given, state(), 2, fork="shanghai", hints=hints)
        assert again == first
        assert again.hints_report.expected > 0


def test_dependencies_go_into_a_header_of_bor() -> None:
    dependencies = execute(block("shanghai"), state(), 2, fork="shanghai").dependencies
    extra_data = bor_extra_data(dependencies)
    given = block_of((), "shanghai", extra_data=extra_data)
    hints = BorHeaders().for_block(given)
    assert hints is not None
    assert [tuple(sorted(each)) for each in hints.dependencies] == [*dependencies]


def test_py_evm_tells_no_accesses() -> None:
    with pytest.raises(ConfigError, match="accesses"):
        blockstm.execute_block(block("shanghai"), state(), "py-evm", fork="shanghai", accesses=True)
