"""Opcodes of your own: what running one comes to, in both tiers and on any number of workers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.ethereum.made import block_of, sealed, signed
from tests.ethereum.made import world as made_world
from tests.evm.capsules import capsule, compiled
from tests.evm.world_blocks import context, contract, number_of, transaction, world

import blockstm
from blockstm import reference
from blockstm._native.evm.prepared import first_tier
from blockstm.bench.evm.assembly import assemble
from blockstm.config import Config
from blockstm.errors import (
    ConfigError,
    ExceptionalHalt,
    InputError,
    Invalid,
    Revert,
    TransactionError,
)
from blockstm.ethereum import MAINNET, Account, Chain
from blockstm.executor import Executor
from blockstm.state.accounts import AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.types import Address
from blockstm.vm.evm import Evm, Memory, Opcode

CALLEE, CALLER = Address(b"\xce" * 20), Address(b"\xca" * 20)
FORK = "cancun"
AT = 0x0C  # of no fork
NEVER = 2**32 - 1
GAS = 400_000
EXECUTORS: dict[str, Callable[..., Any]] = {
    "reference": reference.execute_block,
    "one worker": Executor(Config(gate=False), workers=1).execute_block,
    "two workers": Executor(Config(gate=False), workers=2).execute_block,
    "four workers": Executor(Config(gate=False), workers=4).execute_block,
}


@pytest.fixture(params=[0, 2, NEVER], ids=["translated", "soon hot", "first tier"], autouse=True)
def tier(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test in both tiers, and where code changes from one to the other."""
    before = first_tier()
    first_tier(hot_after=request.param)
    yield
    first_tier(hot_after=before)


@pytest.fixture(params=EXECUTORS)
def way(request: pytest.FixtureRequest) -> Any:
    return EXECUTORS[request.param]


def average(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
    """The mean of two words, for 2 gas beside its own 5."""
    return sum(operands) // 2, 2


AVERAGE = Opcode(2, 1, 5, average)


def code(before: str, opcode: int = AT, after: str = "0 MSTORE 32 0 RETURN") -> bytes:
    """A contract that runs one opcode between two others' work."""
    return assemble(before) + bytes([opcode]) + assemble(after)


def run(opcode: Any, runs: bytes, execute: Any = reference.execute_block, **members: Any) -> Any:
    """The outcome of a transaction that calls such a contract."""
    evm = Evm(FORK, context(FORK), opcodes={AT: opcode})
    state = AccountState(world({CALLER: contract(runs)}))
    return execute([transaction(0, CALLER, **members)], state, evm).outcomes[0].value


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


# ---- what it computes and costs


def test_it_takes_its_operands_from_the_top_and_pays_both_its_gas(way: Any) -> None:
    seen: list[tuple[int, ...]] = []

    def note(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
        seen.append((*operands, gas))
        return operands[0] - operands[1], 11

    done = run(Opcode(2, 1, 7, note), code("3 20"), way)
    assert done.output == word(17)
    pushes, store, end = 2 * 3, 3 + 3 + 3, 2 * 3
    assert done.gas_used == 21_000 + pushes + 7 + 11 + store + end
    assert set(seen) == {(20, 3, GAS - 21_000 - pushes - 7)}


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 0), (0, 1), (3, 0), (16, 1), (1, 1)])
def test_the_words_below_stay_where_they_are(way: Any, inputs: int, outputs: int) -> None:
    def add_up(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
        return sum(operands) + 1000, 0

    pushes = " ".join(str(n) for n in range(1, 18))
    runs = code(pushes, after="0 MSTORE 32 MSTORE 64 0 RETURN")
    done = run(Opcode(inputs, outputs, 0, add_up), runs, way)
    left = list(range(1, 18 - inputs))
    if outputs:
        left.append(1000 + sum(range(18 - inputs, 18)))
    assert done.output == word(left[-1]) + word(left[-2] if len(left) > 1 else 0)


def test_jumps_lead_where_they_did(way: Any) -> None:
    """A PUSH may carry the opcode's byte, and the byte behind the opcode is an instruction."""
    body = assemble("5") + b"\x60" + bytes([AT]) + bytes([AT])  # PUSH1 5, PUSH1 AT, AT
    target = len(body) + 3
    runs = body + b"\x60" + bytes([target]) + b"\x56" + b"\x5b" + assemble("0 MSTORE 32 0 RETURN")
    assert run(AVERAGE, runs, way).output == word((5 + AT) // 2)


def test_in_a_loop_it_crosses_the_tiers(way: Any) -> None:
    # 10 times: the mean of the slot and 1000.
    runs = (
        assemble("10 0") + b"\x5b"  # JUMPDEST at 4, with the count and the value
        + assemble("1000") + bytes([AT]) + assemble("SWAP1 1 SWAP1 SUB SWAP1 DUP2")
        + b"\x60\x04\x57" + assemble("0 MSTORE 32 0 RETURN")
    )  # fmt: skip
    value = 0
    for _ in range(10):
        value = (value + 1000) // 2
    assert run(AVERAGE, runs, way).output == word(value)


def test_it_reads_and_writes_memory_and_pays_for_it(way: Any) -> None:
    def swap_halves(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
        held = memory.read(0, 32)
        memory.write(operands[0], held[16:] + held[:16])
        assert memory.read(5, 0) == b""
        return len(memory.read(operands[0], 32)), 0

    done = run(Opcode(1, 1, 1, swap_halves), code("7 0 MSTORE 96", after="POP 32 96 RETURN"), way)
    assert done.output == bytes(15) + b"\x07" + bytes(16)
    memory = 4 * 3  # four words
    assert done.gas_used == 21_000 + 2 * 3 + 3 + 3 + 1 + memory + 2 + 2 * 3


def test_memory_that_the_gas_does_not_last_for_halts(way: Any) -> None:
    for offset in (1 << 30, 1 << 50, (1 << 64) - 1, 1 << 64, 1 << 255):

        def reach(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
            memory.write(operands[0], b"!")
            return 0, 0

        done = run(Opcode(1, 0, 0, reach), code(str(offset), after="STOP"), way)
        assert (done.succeeded, done.gas_used) == (False, GAS)


def test_memory_is_good_for_one_run_only() -> None:
    kept: list[Memory] = []

    def keep(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
        kept.append(memory)
        return 0, 0

    run(Opcode(0, 0, 0, keep), code("", after="STOP"))
    for offset in (0, 2**64):
        for size in (0, 32, 2**64):
            with pytest.raises(InputError, match="has run"):
                kept[0].read(offset, size)
        for data in (b"", b"!"):
            with pytest.raises(InputError, match="has run"):
                kept[0].write(offset, data)


# ---- how it fails


def halts(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
    raise ExceptionalHalt("no")


FAILURES = {
    "halts": (Opcode(1, 1, 0, halts), "1"),
    "uses more than there is": (Opcode(1, 1, 0, lambda operands, gas, memory: (0, gas + 1)), "1"),
    "uses more than 64 bits hold": (Opcode(1, 1, 0, lambda o, g, m: (0, 1 << 80)), "1"),
    "finds too few words": (Opcode(3, 1, 0, average), "1 2"),
    "costs more than there is": (Opcode(0, 0, 65_535, average), "GAS"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_frame_halts_and_loses_its_gas(way: Any, failure: str) -> None:
    opcode, before = FAILURES[failure]
    gas = 60_000
    done = run(opcode, code(before, after="STOP"), way, gas=gas)
    assert (done.succeeded, done.gas_used, done.output) == (False, gas, b"")


def test_a_full_stack_has_no_room_for_its_word(way: Any) -> None:
    full = assemble("0 " * 1024)
    runs = full + bytes([AT]) + assemble("STOP")
    assert run(Opcode(0, 1, 0, lambda o, g, m: (1, 0)), runs, way).gas_used == GAS
    assert run(Opcode(1, 1, 0, lambda o, g, m: (1, 0)), runs, way).succeeded


def test_all_the_gas_there_is_is_not_too_much(way: Any) -> None:
    done = run(Opcode(0, 0, 0, lambda operands, gas, memory: (0, gas)), code("", after=""), way)
    assert (done.succeeded, done.gas_used) == (True, GAS)


@pytest.mark.parametrize("kind", ["CALL", "DELEGATECALL", "STATICCALL"])
def test_a_call_may_run_it_and_survives_its_halt(way: Any, kind: str) -> None:
    value = "0" if kind == "CALL" else ""
    caller = f"32 0 0 0 {value} {number_of(CALLEE):#x} 9000 {kind} 32 MSTORE 64 0 RETURN"
    for opcode, expected in ((AVERAGE, word(6) + word(1)), (Opcode(2, 1, 5, halts), bytes(64))):
        evm = Evm(FORK, context(FORK), opcodes={AT: opcode})
        accounts = {CALLER: contract(caller), CALLEE: contract(code("4 8"))}
        [outcome] = way([transaction(0, CALLER)], AccountState(world(accounts)), evm).outcomes
        assert outcome.value.output == expected


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by mine"), Revert("no"), Invalid("no"), RecursionError()]
)
def test_another_exception_ends_the_block_and_is_its_cause(way: Any, error: Exception) -> None:
    def broken(operands: tuple[int, ...], gas: int, memory: Memory) -> tuple[int, int]:
        raise error

    with pytest.raises(TransactionError) as caught:
        run(Opcode(0, 0, 0, broken), code("", after="STOP"), way)
    expected = InputError if isinstance(error, Revert | Invalid) else type(error)
    assert type(caught.value.__cause__) is expected


@pytest.mark.parametrize(
    "given",
    [None, 5, (1,), (1, 2, 3), (-1, 0), (1 << 256, 0), (True, 0), (1, -1), (1, 0.5), ("1", 0)],
    ids=repr,
)
def test_what_it_gives_is_checked(given: Any) -> None:
    with pytest.raises(TransactionError) as caught:
        run(Opcode(0, 1, 0, lambda operands, gas, memory: given), code(""))
    assert isinstance(caught.value.__cause__, InputError)


# ---- in blocks with conflicts, and beside codes without


def test_blocks_whose_transactions_conflict_through_it_are_equal_in_every_schedule() -> None:
    # The slot becomes the mean of itself and the call's value.
    runs = (
        assemble("CALLVALUE 0 SLOAD") + bytes([AT]) + assemble("DUP1 0 SSTORE 0 MSTORE 32 0 LOG0")
    )
    block = [
        transaction(turn % 8, CALLER, nonce=turn // 8, value=turn * turn) for turn in range(24)
    ]
    evm = Evm(FORK, context(FORK), opcodes={AT: AVERAGE})
    accounts = world({CALLER: contract(runs)})
    ran = assert_serial_equivalent(
        block, AccountState(accounts), evm, schedules=30, reference_vm=evm
    )
    assert ran.result is not None
    slot, expected = 0, []
    for turn in range(24):
        slot = (slot + turn * turn) // 2
        expected.append(slot)
    logs = [outcome.value.logs[0].data for outcome in ran.result.outcomes]
    assert [int.from_bytes(data, "big") for data in logs] == expected


def test_the_same_code_runs_otherwise_under_other_opcodes(way: Any) -> None:
    """One cache of translations serves all: what they depend on is in its key."""
    runs = code("4 8")
    assert run(AVERAGE, runs, way).output == word(6)
    assert run(Opcode(2, 1, 5, lambda o, g, m: (9, 0)), runs, way).output == word(9)
    assert run(Opcode(1, 1, 0, lambda o, g, m: (7, 0)), runs, way).output == word(7)
    state = AccountState(world({CALLER: contract(runs)}))
    plain = Evm(FORK, context(FORK))
    done = way([transaction(0, CALLER)], state, plain).outcomes[0].value
    assert (done.succeeded, done.gas_used) == (False, GAS)


def test_a_chains_blocks_have_its_opcodes() -> None:
    chain = Chain(1, MAINNET.activations, fork=blockstm.ethereum.fork_named("shanghai"),
                  opcodes={AT: AVERAGE})  # fmt: skip
    runs = code("4 8", after="0 SSTORE STOP")
    state = made_world({CALLER: Account(0, 1, runs)})
    block = sealed(
        block_of((signed(0, nonce=0, to=CALLER, value=0),), "shanghai"), state, chain=chain
    )
    for workers in (1, 2):
        done = blockstm.execute_block(block, state, "evm", chain=chain, workers=workers)
        assert done.writes[CALLER].storage == {0: 6}
    with pytest.raises(ConfigError, match="native EVM"):
        blockstm.execute_block(block, state, "py-evm", chain=chain)
    with pytest.raises(ConfigError, match="mapping"):
        Chain(1, MAINNET.activations, opcodes=[AVERAGE])  # type: ignore[arg-type]  # on purpose


# ---- what is refused


@pytest.mark.parametrize("number", [0x00, 0x01, 0x5B, 0x60, 0x5F, 0xFE, 0xFF])
def test_a_forks_own_are_not_replaced(number: int) -> None:
    with pytest.raises(InputError, match="cannot be replaced"):
        Evm(FORK, context(FORK), opcodes={number: AVERAGE})


def test_what_a_later_fork_defines_may_be_added_before_it() -> None:
    push0 = {0x5F: Opcode(0, 1, 2, lambda o, g, m: (0, 0))}
    Evm("paris", context("paris"), opcodes=push0)
    with pytest.raises(InputError, match="shanghai's own"):
        Evm("shanghai", context("shanghai"), opcodes=push0)


NO_OPCODES: dict[str, Any] = {
    "a list": [AVERAGE],
    "below 0": {-1: AVERAGE},
    "beyond a byte": {256: AVERAGE},
    "a name": {"0x0c": AVERAGE},
    "a truth": {True: AVERAGE},
    "a function": {AT: average},
    "too many operands": {AT: Opcode(17, 1, 0, average)},
    "two results": {AT: Opcode(0, 2, 0, average)},
    "too much gas": {AT: Opcode(0, 0, 65_536, average)},
    "gas below 0": {AT: Opcode(0, 0, -1, average)},
    "nothing to run": {AT: Opcode(0, 0, 0, "average")},
    "a truth as a count": {AT: Opcode(True, 0, 0, average)},
}


@pytest.mark.parametrize("given", NO_OPCODES)
def test_what_is_none_is_refused(given: str) -> None:
    with pytest.raises(InputError):
        Evm(FORK, context(FORK), opcodes=NO_OPCODES[given])


# ---- functions of C

NAME = b"blockstm.opcode"
SOURCE = """
#include <string.h>
#include "blockstm/opcode.h"

/* The low bytes of its two words added up, put into memory at 0 too, for 4 gas.
 * Halts at 99, and makes gas at 98. */
static int32_t sum(void *context, blockstm_opcode_call *call)
{
    const uint8_t *words = call->operands;
    uint8_t total = (uint8_t)(words[31] + words[63] + (uint8_t)(uintptr_t)context);
    if (total == 99) return BLOCKSTM_OPCODE_HALTED;
    if (total == 98) call->gas += 1000;
    uint8_t *memory = call->memory(call, 0, 32);
    if (!memory) return BLOCKSTM_OPCODE_SUCCESS;
    memory[31] = total;
    call->result[31] = total;
    call->gas -= 4;
    return BLOCKSTM_OPCODE_SUCCESS;
}

blockstm_opcode table = {BLOCKSTM_OPCODE_ABI_VERSION, sizeof table, (void *)5, sum};
blockstm_opcode old = {0, sizeof old, 0, sum};
blockstm_opcode small = {BLOCKSTM_OPCODE_ABI_VERSION, 8, 0, sum};
blockstm_opcode empty = {BLOCKSTM_OPCODE_ABI_VERSION, sizeof empty, 0, 0};
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return compiled(SOURCE, tmp_path_factory.mktemp("opcode"))


def test_a_function_of_c_is_called_without_python(library: ctypes.CDLL, way: Any) -> None:
    opcode = Opcode(2, 1, 5, capsule(library, "table", NAME))
    done = run(opcode, code("4 8", after="32 MSTORE 64 0 RETURN"), way)
    assert done.output == word(17) * 2
    assert done.gas_used == 21_000 + 2 * 3 + 5 + 4 + 3 + (3 + 3 + 3) + 2 * 3
    for second in (90, 89):  # it halts, and it makes gas
        assert run(opcode, code(f"{second} 4"), way).gas_used == GAS
    assert run(opcode, code("4 8"), way, gas=21_015).gas_used == 21_015


@pytest.mark.parametrize("name", ["old", "small", "empty"])
def test_a_table_of_another_abi_is_refused(library: ctypes.CDLL, name: str) -> None:
    with pytest.raises(InputError):
        Evm(FORK, context(FORK), opcodes={AT: Opcode(2, 1, 5, capsule(library, name, NAME))})
