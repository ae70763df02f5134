"""Precompiles of your own: what a call of one comes to, equal on any number of workers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
from tests.evm.capsules import capsule, compiled
from tests.evm.world_blocks import NOBODY, context, contract, number_of, transaction, world

from blockstm import reference
from blockstm.config import Config
from blockstm.errors import InputError, Invalid, PrecompileFailure, Revert, TransactionError
from blockstm.ethereum import Account, CallSession, Message, call
from blockstm.executor import Executor
from blockstm.state.accounts import AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.types import Address
from blockstm.vm.evm import Evm, ForkPrecompile, Unsigned

AT, CALLER = Address(b"\x0a" * 20), Address(b"\xca" * 20)
IDENTITY = Address(bytes(19) + b"\x04")
FORK = "cancun"  # before calls paid a floor for their data
EXECUTORS: dict[str, Callable[..., Any]] = {
    "reference": reference.execute_block,
    "one worker": Executor(Config(gate=False), workers=1).execute_block,
    "two workers": Executor(Config(gate=False), workers=2).execute_block,
}


def twice(data: bytes, gas: int) -> tuple[bytes, int]:
    """Its input two times, for a gas a byte."""
    return data * 2, len(data)


def run(
    precompile: Any,
    steps: Any,
    accounts: Any = None,
    way: str = "reference",
    fork: str = FORK,
    at: Address = AT,
) -> Any:
    evm = Evm(fork, context(fork), precompiles={at: precompile})
    state = AccountState(world(accounts))
    return EXECUTORS[way](steps, state, evm)


def calling(kind: str = "CALL", gas: str = "GAS", at: Address = AT) -> str:
    """Passes its call data on; logs whether that went well, what came back, and the gas it took."""
    value = "0" if kind in ("CALL", "CALLCODE") else ""
    return f"""
        CALLDATASIZE 0 0 CALLDATACOPY
        0 0 CALLDATASIZE 0 {value} {number_of(at):#x} {gas} {kind}
        0 MSTORE RETURNDATASIZE 0 32 RETURNDATACOPY
        RETURNDATASIZE 32 ADD 0 LOG0
    """


def logged(outcome: Any) -> tuple[int, bytes]:
    data = outcome.value.logs[0].data
    return int.from_bytes(data[:32], "big"), data[32:]


# ---- what a call comes to


@pytest.mark.parametrize("way", EXECUTORS)
def test_a_transaction_calls_it_and_pays_what_it_says(way: str) -> None:
    [outcome] = run(twice, [transaction(0, AT, data=b"\x01\x02")], way=way).outcomes
    assert outcome.value.output == b"\x01\x02\x01\x02"
    assert outcome.value.gas_used == 21_000 + 2 * 16 + 2


@pytest.mark.parametrize("kind", ["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
@pytest.mark.parametrize("way", EXECUTORS)
def test_a_contract_calls_it_in_any_way(kind: str, way: str) -> None:
    accounts = {CALLER: contract(calling(kind))}
    [outcome] = run(twice, [transaction(0, CALLER, data=b"xyz")], accounts, way).outcomes
    assert logged(outcome) == (1, b"xyzxyz")


def test_it_gets_the_gas_of_the_call() -> None:
    seen = []

    def note(data: bytes, gas: int) -> tuple[bytes, int]:
        seen.append((data, gas))
        return b"", 0

    run(note, [transaction(0, CALLER)], {CALLER: contract(calling(gas="777"))})
    assert seen == [(b"", 777)]


def test_it_is_warm_from_the_start_and_its_absence_is_not() -> None:
    """EIP-2929: a first BALANCE of it costs 100 gas, of another account 2,600."""
    accounts = {CALLER: contract(f"{number_of(AT):#x} BALANCE")}
    with_it = run(twice, [transaction(0, CALLER)], accounts).outcomes[0].value.gas_used
    without = run(twice, [transaction(0, CALLER)], accounts, at=NOBODY).outcomes[0].value.gas_used
    assert without - with_it == 2_500


def test_value_sent_to_it_arrives_and_comes_back_where_it_fails() -> None:
    def picky(data: bytes, gas: int) -> tuple[bytes, int]:
        if data:
            raise PrecompileFailure("no data, please")
        return b"", 0

    block = [transaction(0, AT, value=5), transaction(1, AT, value=7, data=b"\x01")]
    result = run(picky, block)
    assert [outcome.value.succeeded for outcome in result.outcomes] == [True, False]
    assert result.outcomes[1].value.gas_used == 400_000
    assert result.outcomes[1].value.error == "precompile failure"
    state = AccountState(world())
    state.apply(result.writes)
    paid = state.account(AT)
    assert paid is not None
    assert paid.balance == 5


def test_more_gas_than_there_is_fails_the_call() -> None:
    def dear(data: bytes, gas: int) -> tuple[bytes, int]:
        return b"never seen", gas + 1

    accounts = {CALLER: contract(calling(gas="5000"))}
    [outcome] = run(dear, [transaction(0, CALLER)], accounts).outcomes
    assert logged(outcome) == (0, b"")


def test_all_the_gas_there_is_is_not_too_much() -> None:
    accounts = {CALLER: contract(calling(gas="5000"))}
    [outcome] = run(lambda data, gas: (b"!", gas), [transaction(0, CALLER)], accounts).outcomes
    assert logged(outcome) == (1, b"!")


def test_it_can_revert_with_an_output_and_keep_what_gas_is_left() -> None:
    def reverts(data: bytes, gas: int) -> tuple[bytes, int, bool]:
        return b"because", 10, True

    accounts = {CALLER: contract(calling())}
    inner, outer = run(
        reverts, [transaction(0, CALLER), transaction(1, AT, value=3)], accounts
    ).outcomes
    assert logged(inner) == (0, b"because")
    assert outer.value.error == "reverted"
    assert outer.value.output == b"because"
    assert outer.value.gas_used == 21_010


def test_it_can_take_the_place_of_a_forks_own() -> None:
    accounts = {CALLER: contract(calling(at=IDENTITY))}
    [outcome] = run(twice, [transaction(0, CALLER, data=b"ab")], accounts, at=IDENTITY).outcomes
    assert logged(outcome) == (1, b"abab")
    [plain] = EXECUTORS["one worker"](
        [transaction(0, CALLER, data=b"ab")],
        AccountState(world(accounts)),
        Evm(FORK, context(FORK)),
    ).outcomes
    assert logged(plain) == (1, b"ab")


@pytest.mark.parametrize("fork", ["frontier", "spurious_dragon", "istanbul", "amsterdam"])
@pytest.mark.parametrize("way", EXECUTORS)
def test_every_fork_can_have_more(fork: str, way: str) -> None:
    [outcome] = run(twice, [transaction(0, AT, data=b"\x01")], way=way, fork=fork).outcomes
    assert outcome.value.output == b"\x01\x01"


# ---- in blocks with conflicts

COUNTER = f"""
    0 SLOAD 0 MSTORE                        ; the counter goes through the precompile
    32 0 32 0 0 {number_of(AT):#x} GAS CALL POP
    0 MLOAD 0 SSTORE
    32 0 LOG0
"""


def plus_one(data: bytes, gas: int) -> tuple[bytes, int]:
    """The next number, or the one behind it."""
    number = int.from_bytes(data, "big")
    if number % 7 == 5:
        return (number + 2).to_bytes(32, "big"), 50
    return (number + 1).to_bytes(32, "big"), 3 + number


def test_blocks_whose_transactions_conflict_through_it_are_equal_in_every_schedule() -> None:
    accounts = world({CALLER: contract(COUNTER)})
    block = [transaction(turn % 8, CALLER, nonce=turn // 8) for turn in range(24)]
    evm = Evm(FORK, context(FORK), precompiles={AT: plus_one})
    ran = assert_serial_equivalent(
        block, AccountState(accounts), evm, schedules=50, reference_vm=evm
    )
    assert ran.result is not None
    numbers = [int.from_bytes(o.value.logs[0].data, "big") for o in ran.result.outcomes]
    expected, number = [], 0
    for _ in block:
        number += 2 if number % 7 == 5 else 1
        expected.append(number)
    assert numbers == expected


# ---- what is wrong with one


@pytest.mark.parametrize("way", EXECUTORS)
@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by mine"), Revert("no"), Invalid("no"), RecursionError()]
)
def test_another_exception_ends_the_block_and_is_its_cause(way: str, error: Exception) -> None:
    def broken(data: bytes, gas: int) -> tuple[bytes, int]:
        raise error

    block = [transaction(0, NOBODY), transaction(1, AT), transaction(2, NOBODY)]
    with pytest.raises(TransactionError) as raised:
        run(broken, block, way=way)
    cause = raised.value.__cause__
    assert raised.value.index == 1
    assert cause is error or (isinstance(cause, InputError) and isinstance(error, Revert | Invalid))


@pytest.mark.parametrize("way", EXECUTORS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "a precompile gives"),
        (b"output", "a precompile gives"),
        ((b"", 1, False, 2), "a precompile gives"),
        (("text", 1), "a precompile's output is bytes, not str"),
        ((bytearray(1), 1), "a precompile's output is bytes, not bytearray"),
        ((b"", -1), "the gas that a precompile has used is an int of 0 or more, not -1"),
        ((b"", 1.5), "the gas that a precompile has used is an int of 0 or more"),
        ((b"", True), "the gas that a precompile has used is an int of 0 or more"),
    ],
)
def test_what_it_gives_is_checked(way: str, given: Any, said: str) -> None:
    with pytest.raises(TransactionError) as raised:
        run(lambda data, gas: given, [transaction(0, AT)], way=way)
    assert isinstance(raised.value.__cause__, InputError)
    assert said in str(raised.value.__cause__)


def test_gas_beyond_64_bits_is_more_than_there_is() -> None:
    [outcome] = run(lambda data, gas: (b"", 1 << 70), [transaction(0, AT)]).outcomes
    assert not outcome.value.succeeded


@pytest.mark.parametrize(
    "precompiles",
    [
        {b"\x01" * 19: twice},
        {"0x01": twice},
        {AT: None},
        {AT: 7},
        [(AT, twice)],
    ],
)
def test_a_mapping_that_is_none_of_addresses_to_callables_is_refused(precompiles: Any) -> None:
    with pytest.raises(InputError, match=r"precompile"):
        Evm(FORK, context(FORK), precompiles=precompiles)


# ---- functions of C

NAME = b"blockstm.precompile"
SOURCE = """
#include "blockstm/precompile.h"

/* Adds up its bytes, for a gas each; refuses those of 0xff, and stops the call at 0xfe. */
static int32_t sum(void *context, blockstm_precompile_call *call)
{
    uint8_t total = (uint8_t)(uintptr_t)context;
    for (uint64_t i = 0; i < call->size; ++i) {
        if (call->input[i] == 0xff) return BLOCKSTM_PRECOMPILE_FAILED;
        total += call->input[i];
    }
    call->gas_used = (int64_t)call->size;
    int32_t status = call->write(call, &total, 1);
    if (status == BLOCKSTM_PRECOMPILE_SUCCESS && call->size && call->input[0] == 0xfe)
        return BLOCKSTM_PRECOMPILE_REVERTED;
    return status;
}

blockstm_precompile table = {BLOCKSTM_PRECOMPILE_ABI_VERSION, sizeof table, (void *)5, sum};
blockstm_precompile old = {0, sizeof old, 0, sum};
blockstm_precompile small = {BLOCKSTM_PRECOMPILE_ABI_VERSION, 8, 0, sum};
blockstm_precompile empty = {BLOCKSTM_PRECOMPILE_ABI_VERSION, sizeof empty, 0, 0};
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return compiled(SOURCE, tmp_path_factory.mktemp("precompile"))


@pytest.mark.parametrize("way", EXECUTORS)
def test_a_function_of_c_is_called_without_python(library: ctypes.CDLL, way: str) -> None:
    block = [
        transaction(0, AT, data=b"\x01\x02"),
        transaction(1, AT, data=b"\x01\xff"),
        transaction(2, AT, data=b"\xfe"),
    ]
    good, failed, reverted = run(capsule(library, "table", NAME), block, way=way).outcomes
    assert (good.value.output, good.value.gas_used) == (b"\x08", 21_000 + 32 + 2)
    assert (failed.value.error, failed.value.gas_used) == ("precompile failure", 400_000)
    assert (reverted.value.error, reverted.value.output) == ("reverted", b"\x03")
    assert reverted.value.gas_used == 21_000 + 16 + 1


@pytest.mark.parametrize("name", ["old", "small", "empty"])
def test_a_table_of_another_abi_is_refused(library: ctypes.CDLL, name: str) -> None:
    with pytest.raises(InputError):
        Evm(FORK, context(FORK), precompiles={AT: capsule(library, name, NAME)})


@pytest.mark.parametrize("way", EXECUTORS)
def test_precompiles_of_the_fork_are_moved_and_taken_away(way: str) -> None:
    moved = {AT: ForkPrecompile(IDENTITY), IDENTITY: ForkPrecompile(None)}
    vm = Evm(FORK, context(FORK), precompiles=moved)
    for address, output in ((IDENTITY, b""), (AT, b"abc")):
        step = Unsigned(Message(to=address, data=b"abc", gas=30_000, nonce=0))
        result = EXECUTORS[way]([step], AccountState({}), vm)
        assert result.outcomes[0].value.output == output


@pytest.mark.parametrize("way", EXECUTORS)
def test_a_precompile_may_run_calls_itself(way: str) -> None:
    answer = Account(nonce=1, code=bytes.fromhex("602a5f5260205ff3"))
    inner = AccountState({CALLER: answer})
    block = context(FORK)

    def asks(data: bytes, gas: int) -> tuple[bytes, int]:
        session = CallSession(inner, fork=FORK, block=block)
        found = session.call(NOBODY, CALLER).output
        return found + call(inner, Message(to=CALLER), fork=FORK).output, 100

    outer = AccountState({CALLER: Account(nonce=1, code=_asking(AT))})
    vm = Evm(FORK, context(FORK), precompiles={AT: asks})
    steps = [Unsigned(Message(to=CALLER, gas=10**6, nonce=0)) for _ in range(8)]
    for outcome in EXECUTORS[way](steps, outer, vm).outcomes:
        output = outcome.value.output
        assert [output[at + 31] for at in (0, 32, 64)] == [7, 42, 42]


def _asking(address: bytes) -> bytes:
    """Code that stores 7, calls an address, and returns the 7 with what came back."""
    store = bytes.fromhex("60075f52")
    ask = bytes.fromhex("604060205f5f5f73") + address + bytes.fromhex("5af150")
    return store + ask + bytes.fromhex("60605ff3")


def test_a_capsule_of_another_name_is_refused() -> None:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    with pytest.raises(InputError, match="is a callable or a capsule"):
        Evm(FORK, context(FORK), precompiles={AT: make(8, b"other", None)})
