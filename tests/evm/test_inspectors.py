"""Inspectors: what they are told, equal on any number of workers, and that it changes nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from tests.evm.world_blocks import (
    NOBODY,
    SENDERS,
    context,
    contract,
    number_of,
    transaction,
    words,
    world,
)

from blockstm import reference
from blockstm.config import Config
from blockstm.errors import InputError, InvalidBlock, Revert, TransactionError
from blockstm.executor import Executor, explore
from blockstm.state.account import Account
from blockstm.state.accounts import AccountState
from blockstm.types import Address
from blockstm.vm.evm import BlockEnd, BlockStart, Call, CallEnd, Evm, Inspector, Log

AT, OTHER = Address(b"\xaa" * 20), Address(b"\xbb" * 20)
FORK = "prague"
EXECUTORS: dict[str, Callable[..., Any]] = {
    "reference": reference.execute_block,
    "one worker": Executor(Config(gate=False), workers=1).execute_block,
    "two workers": Executor(Config(gate=False), workers=2).execute_block,
    "four workers": Executor(Config(gate=False), workers=4).execute_block,
}


METHODS = [name for name in vars(Inspector) if not name.startswith("_")]


class Everything:
    """Keeps all it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        for name in METHODS:
            setattr(self, name, partial(self.keep, name))

    def keep(self, name: str, *arguments: Any) -> None:
        self.told.append((name, *arguments))


def only(told: list[tuple[Any, ...]], *names: str) -> list[Any]:
    return [event[1] if len(event) == 2 else event[1:] for event in told if event[0] in names]


def inspected(
    accounts: Mapping[Address, Account],
    steps: Sequence[Any],
    execute_block: Callable[..., Any] = reference.execute_block,
    fork: str = FORK,
) -> tuple[Any, list[tuple[Any, ...]]]:
    inspector = Everything()
    result = execute_block(
        steps, AccountState(accounts), Evm(fork, context(fork), inspector=inspector)
    )
    return result, inspector.told


# ---- what is told


def test_a_transfer_is_a_call_that_ends() -> None:
    _, told = inspected(world(), [transaction(0, NOBODY, value=7, gas=21_000)])
    assert told == [
        ("transaction", 0),
        ("call", Call("CALL", 0, False, SENDERS[0], NOBODY, NOBODY, 7, 0, b"")),
        ("call_end", CallEnd("CALL", 0, True, "", 0, None, b"")),
    ]


def test_steps_are_told_with_their_operands_and_what_is_left_behind_each() -> None:
    accounts = world({AT: contract("2 3 ADD POP")})
    _, told = inspected(accounts, [transaction(0, AT, gas=21_000 + 100)])
    steps = only(told, "step")
    assert [(each.pc, each.opcode, each.gas, each.operands) for each in steps] == [
        (0, 0x60, 100, ()),
        (2, 0x60, 97, ()),
        (4, 0x01, 94, (3, 2)),
        (5, 0x50, 91, (5,)),
        (6, 0x00, 89, ()),
    ]
    assert only(told, "step_end") == [(97, ""), (94, ""), (91, ""), (89, ""), (89, "")]


def test_a_step_that_fails_says_why() -> None:
    _, told = inspected(world({AT: contract("1 ADD")}), [transaction(0, AT)])
    assert only(told, "step")[-1].operands == (1,)
    assert only(told, "step_end")[-1] == (0, "stack underflow")
    assert only(told, "call_end")[0][3:5] == ("stack underflow", 0)


def test_slots_are_told_where_a_delegate_call_has_them() -> None:
    """The storage is the caller's, the code another's."""
    library = contract("5 1 SSTORE 1 SLOAD POP")
    caller = contract(f"0 0 0 0 {number_of(OTHER):#x} GAS DELEGATECALL")
    _, told = inspected(world({AT: caller, OTHER: library}), [transaction(0, AT, value=3)])
    assert only(told, "sstore") == [(AT, 1, 5)]
    assert only(told, "sload") == [(AT, 1, 5)]
    inner = only(told, "call")[1]
    assert inner[:7] == ("DELEGATECALL", 1, False, SENDERS[0], AT, OTHER, 3)


@pytest.mark.parametrize("count", range(5))
def test_logs_are_told_with_all_their_topics(count: int) -> None:
    topics = " ".join(str(topic) for topic in range(count, 0, -1))
    accounts = world({AT: contract(f"0xabcd 0 MSTORE {topics} 2 30 LOG{count}")})
    result, told = inspected(accounts, [transaction(0, AT)])
    wanted = Log(AT, tuple(words(topic) for topic in range(1, count + 1)), b"\xab\xcd")
    assert only(told, "log") == [wanted]
    assert result.outcomes[0].value.logs == (wanted,)


@pytest.mark.parametrize("fork", ["frontier", "shanghai", "prague"])
def test_a_selfdestruct_is_told_with_what_it_sends(fork: str) -> None:
    accounts = world({AT: contract("0xbeef SELFDESTRUCT", balance=30)})
    _, told = inspected(accounts, [transaction(0, AT, value=4)], fork=fork)
    assert only(told, "selfdestruct") == [(AT, (0xBEEF).to_bytes(20, "big"), 34)]


def test_creations_are_told_with_their_initcode_and_where_they_led() -> None:
    initcode = bytes.fromhex("00")
    copies = "CALLDATASIZE 0 0 CALLDATACOPY"
    creators = {
        AT: contract(f"{copies} CALLDATASIZE 0 1 CREATE", 9),
        OTHER: contract(f"{copies} 5 CALLDATASIZE 0 1 CREATE2", 9),
    }
    accounts = world(creators)
    block = [
        transaction(0, None, data=initcode),
        transaction(1, AT, data=initcode),
        transaction(2, OTHER, data=initcode),
    ]
    result, told = inspected(accounts, block)
    begun = only(told, "create")
    assert [(each.kind, each.depth, each.value, each.input) for each in begun] == [
        ("CREATE", 0, 0, initcode),
        ("CREATE", 1, 1, initcode),
        ("CREATE2", 1, 1, initcode),
    ]
    assert all(each.target is None and each.code_address is None for each in begun)
    created = [each.created for each in only(told, "create_end")]
    state = AccountState(accounts)
    state.apply(result.writes)
    made = [state.account(each) for each in created]
    assert [each.nonce for each in made if each is not None] == [1, 1, 1]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (f"0 0 0 0 9 {number_of(NOBODY):#x} GAS CALL", "insufficient balance"),
        ("0 0 9 CREATE", "insufficient balance"),
        (f"0 0 0 0 0 {number_of(AT):#x} 5000 GAS SUB CALL", "depth exceeded"),
    ],
)
def test_calls_that_come_to_nothing_are_told_with_their_reason(source: str, error: str) -> None:
    """Before EIP-150 gas for a thousand calls inside each other is easily had."""
    gas, fork = (30_000_000, "frontier") if "depth" in error else (100_000, FORK)
    accounts = world({AT: contract(source)})
    _, told = inspected(accounts, [transaction(0, AT, gas=gas)], fork=fork)
    kinds = ("call", "create"), ("call_end", "create_end")
    assert len(only(told, *kinds[0])) == len(only(told, *kinds[1]))
    assert error in {each.error for each in only(told, *kinds[1])}


def test_a_precompile_is_a_call_like_any_other() -> None:
    identity = Address(bytes(19) + b"\x04")
    _, told = inspected(world(), [transaction(0, identity, data=b"\x01\x02")])
    assert only(told, "call")[0].input == b"\x01\x02"
    assert only(told, "call_end")[0].output == b"\x01\x02"


def test_what_a_block_does_around_its_transactions_is_told_by_its_place() -> None:
    roots = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
    accounts = world({roots: contract("CALLDATASIZE 0 SSTORE")})
    _, told = inspected(accounts, [BlockStart(), transaction(0, NOBODY), BlockEnd()])
    assert only(told, "transaction") == [0, 1, 2]
    assert (told[1][1].target, told[1][1].input) == (roots, bytes(32))


# ---- how it is told


class CountsCalls:
    """No more than a method: no base class, no steps."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def call(self, call: Call) -> None:
        self.calls[call.kind] += 1


def test_an_object_with_one_method_is_an_inspector() -> None:
    inspector = CountsCalls()
    proxy = contract(f"0 0 0 0 {number_of(OTHER):#x} GAS STATICCALL POP", 0)
    accounts = world({AT: proxy, OTHER: contract("STOP")})
    Executor(workers=2).execute_block(
        [transaction(sender, AT) for sender in range(8)],
        AccountState(accounts),
        Evm(FORK, context(FORK), inspector=inspector),
    )
    assert inspector.calls == {"CALL": 8, "STATICCALL": 8}


@pytest.mark.parametrize("wrong", [object(), 7, "calls", Inspector()])
def test_what_has_no_method_of_an_inspector_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="an inspector has at least one of the methods"):
        Evm(FORK, context(FORK), inspector=wrong)


# ---- the same however a block is run

CONTENTION = """
    0 SLOAD 1 ADD DUP1 0 SSTORE             ; one counter for all
    0 MSTORE 32 0 LOG0
    CALLDATASIZE @fail JUMPI
    STOP
    fail: 0 0 REVERT
"""


def contended() -> tuple[dict[Address, Account], list[Any]]:
    """Each reads what the one before it wrote; some take it back; some call, create and destroy."""
    caller = contract(f"0 0 0 0 0 {number_of(AT):#x} GAS CALL POP 0 0 0 CREATE POP", 5)
    doomed = Address(b"\xdd" * 20)
    accounts = world({AT: contract(CONTENTION), OTHER: caller, doomed: contract("0 SELFDESTRUCT")})
    block: list[Any] = [BlockStart()]
    for turn in range(40):
        to = (AT, AT, OTHER, doomed, AT)[turn % 5]
        data = b"\x01" if turn % 5 == 4 else b""
        block.append(transaction(turn % 8, to, nonce=turn // 8, value=turn % 3, data=data))
    return accounts, [*block, BlockEnd()]


@pytest.mark.parametrize("way", EXECUTORS)
@pytest.mark.parametrize("fork", ["frontier", "berlin", "prague", "amsterdam"])
def test_what_is_told_and_what_comes_out_are_the_same_on_any_workers(way: str, fork: str) -> None:
    accounts, block = contended()
    plain = reference.execute_block(block, AccountState(accounts), Evm(fork, context(fork)))
    _, wanted = inspected(accounts, block, fork=fork)
    for _ in range(3):
        result, told = inspected(accounts, block, EXECUTORS[way], fork)
        assert told == wanted
        assert result.outcomes == plain.outcomes
        assert result.writes == plain.writes


def test_only_runs_that_count_are_told_whatever_the_schedule() -> None:
    accounts, block = contended()
    block = block[:8]
    _, wanted = inspected(accounts, block)
    for seed in range(30):
        draw = random.Random(seed)
        choices = [draw.randrange(2) for _ in range(400)]
        inspector = Everything()
        evm = Evm(FORK, context(FORK), inspector=inspector)
        ran = explore(block, AccountState(accounts), evm, choices=choices)
        assert ran.error is None
        assert inspector.told == wanted


def test_bound_steps_are_told_each_time_they_run() -> None:
    accounts, block = contended()
    inspector = Everything()
    evm = Evm(FORK, context(FORK), inspector=inspector)
    steps = evm.bind(block)
    for _ in range(2):
        EXECUTORS["two workers"](steps, AccountState(accounts), evm)
    told = inspector.told
    assert told[: len(told) // 2] == told[len(told) // 2 :] == inspected(accounts, block)[1]


def test_a_stream_tells_as_it_goes() -> None:
    accounts, block = contended()
    inspector = Everything()
    evm = Evm(FORK, context(FORK), inspector=inspector)
    with (
        Executor(workers=2) as executor,
        executor.stream(block, AccountState(accounts), evm) as stream,
    ):
        assert len(list(stream)) == len(block)
    assert inspector.told == inspected(accounts, block)[1]


@pytest.mark.parametrize("way", EXECUTORS)
def test_a_transaction_that_is_refused_is_not_told(way: str) -> None:
    block = [transaction(0, NOBODY), transaction(1, NOBODY, nonce=9), transaction(2, NOBODY)]
    inspector = Everything()
    evm = Evm(FORK, context(FORK), inspector=inspector)
    with pytest.raises(InvalidBlock):
        EXECUTORS[way](block, AccountState(world()), evm)
    assert only(inspector.told, "transaction") == [0]


class Raises(Inspector):
    """Raises at the third transaction."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.index = -1

    def transaction(self, index: int) -> None:
        self.index = index

    def call(self, call: Call) -> None:
        if self.index == 2:
            raise self.error


@pytest.mark.parametrize("way", EXECUTORS)
@pytest.mark.parametrize("error", [ValueError("seen enough"), Revert("no"), MemoryError()])
def test_what_an_inspector_raises_ends_the_block_before_that_transaction(
    way: str, error: Exception
) -> None:
    block = [transaction(sender, NOBODY, value=1) for sender in range(6)]
    evm = Evm(FORK, context(FORK), inspector=Raises(error))
    with pytest.raises(TransactionError) as raised:
        EXECUTORS[way](block, AccountState(world()), evm)
    cause = raised.value.__cause__
    assert cause is error or (isinstance(cause, InputError) and cause.__cause__ is error)
    assert raised.value.index == 2
    assert raised.value.prefix is not None
    assert len(raised.value.prefix.outcomes) == 2


def test_an_interruption_in_an_inspector_goes_through() -> None:
    evm = Evm(FORK, context(FORK), inspector=Raises(KeyboardInterrupt()))
    block = [transaction(sender, NOBODY) for sender in range(6)]
    with pytest.raises(KeyboardInterrupt):
        EXECUTORS["two workers"](block, AccountState(world()), evm)
    plain = Evm(FORK, context(FORK))
    result = EXECUTORS["two workers"](block, AccountState(world()), plain)
    assert len(result.outcomes) == 6


def test_long_loops_are_told_whole() -> None:
    """More events than any buffer holds at first."""
    source = "500 loop: 1 SWAP1 SUB DUP1 @loop JUMPI"
    _, told = inspected(
        world({AT: contract(source)}), [transaction(0, AT)], EXECUTORS["two workers"]
    )
    opcodes = Counter(step.opcode for step in only(told, "step"))
    assert opcodes[0x57] == 500
    assert len(only(told, "step")) == len(only(told, "step_end"))
