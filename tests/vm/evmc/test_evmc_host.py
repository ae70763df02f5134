"""EVMC libraries as VMs: each function of the host, asked by a tiny VM in C, on any workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import (
    COINBASE,
    GAS_PRICE,
    NOBODY,
    SENDERS,
    context,
    contract,
    number_of,
    transaction,
    words,
    world,
)
from tests.vm.evmc.libraries import tiny, tiny_library

from blockstm import reference
from blockstm.bench.evm.assembly import assemble
from blockstm.config import Config
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import Executor
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.vm import evmc
from blockstm.vm.evm import BlockStart, Evm

AT, OTHER = Address(b"\xaa" * 20), Address(b"\xbb" * 20)
PRICE = 100  # gas, of each frame of the tiny VM
EXECUTORS: dict[str, Callable[..., Any]] = {
    "reference": reference.execute_block,
    "one worker": Executor(Config(gate=False), workers=1).execute_block,
    "two workers": Executor(Config(gate=False), workers=2).execute_block,
}
ASSIGNED, ADDED, DELETED, MODIFIED = range(4)


@pytest.fixture(params=EXECUTORS)
def execute_block(request: Any) -> Callable[..., Any]:
    return EXECUTORS[request.param]


def run(
    execute_block: Any,
    code: str | bytes,
    *data: bytes,
    accounts: Any = None,
    fork: str = "cancun",
    vm: Any = None,
    value: int = 0,
    storage: Any = None,
) -> Any:
    """The outcomes of calls to a contract with this code, and the accounts after them."""
    own = contract(code.encode() if isinstance(code, str) else code, 5, storage)
    state = AccountState(world({AT: own, **(accounts or {})}))
    calls = [
        transaction(0, AT, nonce=nonce, data=each, value=value) for nonce, each in enumerate(data)
    ]
    result = execute_block(calls, state, Evm(fork, context(fork), evmc=vm or tiny()))
    after = state.copy()
    after.apply(result.writes)
    return [outcome.value for outcome in result.outcomes], after


def output(execute_block: Any, code: str | bytes, data: bytes = b"", **options: Any) -> bytes:
    """The output of one call, which succeeds."""
    [execution], _ = run(execute_block, code, data, **options)
    assert execution.succeeded
    return execution.output


def calling(to: bytes, data: bytes = b"", kind: int = 0, flags: int = 0, value: int = 0) -> bytes:
    """Call data with which the tiny VM calls."""
    return bytes([kind, flags]) + to + words(value) + data


def called(answer: bytes) -> tuple[int, int, int, bytes, bytes]:
    """What a call came to: status, gas left, refund, created address, output."""
    gas, refund = (int.from_bytes(answer[at : at + 8], "little", signed=True) for at in (1, 9))
    return answer[0], gas, refund, answer[17:37], answer[37:]


def test_an_input_comes_back_and_costs_what_the_library_says(execute_block: Any) -> None:
    [execution], _ = run(execute_block, "I", b"\1\2")
    assert (execution.output, execution.succeeded) == (b"\1\2", True)
    assert execution.gas_used == 21_000 + 2 * 16 + PRICE


def test_a_revert_keeps_the_gas_that_is_left(execute_block: Any) -> None:
    [execution], after = run(execute_block, "V", b"why", value=3)
    assert (execution.output, execution.succeeded) == (b"why", False)
    assert execution.gas_used == 21_000 + 3 * 16 + PRICE
    assert after.account(AT).balance == 5


def test_a_halt_takes_all_gas(execute_block: Any) -> None:
    [execution], _ = run(execute_block, "F", b"")
    assert (execution.gas_used, execution.output) == (400_000, b"")


def test_the_message_says_who_calls_whom(execute_block: Any) -> None:
    head = bytes([0, 0, 0, 12, 1])  # kind, flags, depth, Cancun, the code
    expected = head + AT + SENDERS[0] + AT + words(3)
    assert output(execute_block, "Q", value=3) == expected


@pytest.mark.parametrize(("fork", "revision"), [("frontier", 0), ("london", 9), ("osaka", 14)])
def test_the_revision_is_the_forks(execute_block: Any, fork: str, revision: int) -> None:
    assert output(execute_block, "Q", fork=fork)[3] == revision


def test_a_delegation_names_the_code_that_runs(execute_block: Any) -> None:
    accounts = {OTHER: contract(b"Q")}
    told = output(execute_block, b"\xef\x01\x00" + OTHER, accounts=accounts, fork="prague")
    assert (told[1], told[5:25], told[45:65]) == (2, AT, OTHER)


def test_storage_is_stored_and_its_status_told(execute_block: Any) -> None:
    [new, again, gone], after = run(
        execute_block, "W", words(1, 7), words(1, 8), words(2, 0), storage={2: 9}
    )
    assert [each.output for each in (new, again, gone)] == [
        bytes([0, ADDED]),
        bytes([0, MODIFIED]),
        bytes([0, DELETED]),
    ]
    assert dict(after.account(AT).storage) == {1: 8}


def test_slots_of_an_access_list_are_warm() -> None:
    state = AccountState(world({AT: contract(b"W")}))
    call = transaction(0, AT, data=words(1, 7), type=1, access_list=((AT, (1,)),))
    result = reference.execute_block([call], state, Evm("cancun", context("cancun"), evmc=tiny()))
    assert result.outcomes[0].value.output == bytes([1, ADDED])


def test_storage_is_read(execute_block: Any) -> None:
    assert output(execute_block, "S", words(3), storage={3: 33}) == words(33)


def test_transient_storage_is_written_and_read(execute_block: Any) -> None:
    assert output(execute_block, "P", words(3, 4)) == words(4)


def test_balance_code_and_existence_of_others(execute_block: Any) -> None:
    accounts = {OTHER: contract(b"0123456789", 77)}
    assert output(execute_block, "B", OTHER, accounts=accounts) == words(77)
    assert output(execute_block, "K", OTHER, accounts=accounts) == keccak(b"0123456789")
    assert output(execute_block, "K", NOBODY) == bytes(32)
    assert output(execute_block, "A", OTHER, accounts=accounts) == b"\1\0\1\x0a" + b"12345678"
    assert output(execute_block, "A", NOBODY) == b"\0\0\1\0"
    assert output(execute_block, "A", bytes(19) + b"\4") == b"\0\1\1\0"


def test_an_empty_account_exists_until_spurious_dragon(execute_block: Any) -> None:
    accounts = {OTHER: Account()}
    assert output(execute_block, "A", OTHER, accounts=accounts, fork="homestead")[0] == 1
    assert output(execute_block, "A", OTHER, accounts=accounts, fork="byzantium")[0] == 0


def test_the_surroundings_are_those_of_the_block(execute_block: Any) -> None:
    told = output(execute_block, "T")
    assert told[:72] == words(GAS_PRICE) + SENDERS[0] + COINBASE
    numbers = [int.from_bytes(told[at : at + 8], "little") for at in (72, 80, 88)]
    assert numbers == [1_000, 1_000_000, 30_000_000]
    assert told[128:160] == words(1)  # the chain
    assert told[160:192] == words(7)  # the base fee


def test_a_block_hash_is_asked_for(execute_block: Any) -> None:
    block = context("cancun")
    block = type(block)(**{**vars_of(block), "parent_hash": b"\x77" * 32})
    state = AccountState(world({AT: contract(b"H")}))
    calls = [transaction(0, AT, data=(999).to_bytes(2, "little"))]
    result = execute_block(calls, state, Evm("cancun", block, evmc=tiny()))
    assert result.outcomes[0].value.output == b"\x77" * 32


def vars_of(block: Any) -> dict[str, Any]:
    return {name: getattr(block, name) for name in block.__dataclass_fields__}


def test_a_log_is_left(execute_block: Any) -> None:
    [execution], _ = run(execute_block, "E", words(5, 6))
    [log] = execution.logs
    assert (log.address, log.topics, log.data) == (AT, (words(5), words(6)), words(5, 6))


def test_a_selfdestruct_pays_and_is_registered_once(execute_block: Any) -> None:
    [execution], after = run(execute_block, "D", OTHER, fork="shanghai")
    assert execution.output == b"\1\0"
    assert after.account(OTHER).balance == 5
    assert after.account(AT) is None
    [execution], after = run(execute_block, "D", OTHER)
    assert execution.output == b"\0\0"  # EIP-6780
    assert after.account(AT).code


# ------------------------------------------------------------------------------ calls


def test_a_call_runs_on_the_library_too(execute_block: Any) -> None:
    told = called(
        output(
            execute_block, "C", calling(OTHER, b"abc", value=2), accounts={OTHER: contract(b"Q")}
        )
    )
    status, gas, refund, _, answer = told
    assert (status, refund) == (0, 0)
    assert answer == bytes([0, 0, 1, 12, 1]) + OTHER + AT + OTHER + words(2)
    assert gas > 0


def test_kinds_of_calls_differ_in_whose_account_it_is(execute_block: Any) -> None:
    accounts = {OTHER: contract(b"Q")}

    def seen(kind: int, flags: int = 0) -> bytes:
        return called(
            output(execute_block, "C", calling(OTHER, kind=kind, flags=flags), accounts=accounts)
        )[4]

    assert seen(0, flags=1)[:2] == b"\0\1"  # static
    assert (seen(1)[0], seen(1)[5:45], seen(1)[45:65]) == (1, AT + SENDERS[0], OTHER)
    assert (seen(2)[0], seen(2)[5:45], seen(2)[45:65]) == (2, AT + AT, OTHER)


def test_a_failed_call_is_taken_back(execute_block: Any) -> None:
    reverted = called(
        output(execute_block, "C", calling(OTHER, b"no", value=2), accounts={OTHER: contract(b"V")})
    )
    assert (reverted[0], reverted[4]) == (2, b"no")
    halted = called(
        output(execute_block, "C", calling(OTHER, b"no"), accounts={OTHER: contract(b"F")})
    )
    assert halted[:2] == (1, 0)
    assert halted[4] == b""
    poor = called(output(execute_block, "C", calling(OTHER, value=10**9)))
    assert poor[0] == 17
    assert poor[1] > 0


def test_a_precompile_is_the_hosts(execute_block: Any) -> None:
    told = called(output(execute_block, "C", calling(bytes(19) + b"\4", b"same")))
    assert (told[0], told[4]) == (0, b"same")


def test_a_creation_puts_code_where_it_should(execute_block: Any) -> None:
    [execution], after = run(execute_block, "C", calling(bytes(20), b"NI", kind=3))
    status, _, _, created, answer = called(execution.output)
    assert (status, answer) == (0, b"")
    assert after.account(Address(created)).code == b"I"
    assert after.account(AT).nonce == 2


def test_calls_nest(execute_block: Any) -> None:
    nested = b""
    for _ in range(4):
        nested = calling(AT, nested)
    told, depth = (
        output(execute_block, "C", nested + calling(OTHER), accounts={OTHER: contract(b"I")}),
        0,
    )
    while told:
        told = called(told)[4]
        depth += 1
    assert depth == 5


# ------------------------------------------------------------------------------ native frames


RETURNS_ORIGIN = b"J"  # 0x4a: the library rejects it; natively PREVRANDAO
NATIVE = RETURNS_ORIGIN + assemble("POP CALLER 0 MSTORE 42 1 SSTORE 32 0 RETURN")


def test_rejected_code_runs_natively(execute_block: Any) -> None:
    [execution], after = run(execute_block, NATIVE, b"")
    assert execution.output == words(number_of(SENDERS[0]))
    assert dict(after.account(AT).storage) == {1: 42}


def test_native_and_foreign_frames_call_each_other(execute_block: Any) -> None:
    forward = f"""
        POP CALLDATASIZE 0 0 CALLDATACOPY
        0 0 CALLDATASIZE 0 0 {number_of(OTHER):#x} GAS CALL
        RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 RETURN
    """
    native = RETURNS_ORIGIN + assemble(forward)
    accounts = {OTHER: contract(b"C"), NOBODY: contract(NATIVE), COINBASE: contract(native)}
    data = calling(NOBODY, b"x")
    # the library calls native code, which calls the library, which calls native code
    told = output(execute_block, "C", calling(COINBASE, data), accounts=accounts)
    assert called(called(told)[4])[4] == words(number_of(OTHER))


def test_native_code_creates_by_the_library(execute_block: Any) -> None:
    creating = RETURNS_ORIGIN + assemble("POP 0x4e49 0 MSTORE 2 30 0 CREATE 0 MSTORE 32 0 RETURN")
    [execution], after = run(execute_block, creating, b"")
    assert after.account(Address(execution.output[12:])).code == b"I"


def test_refunds_of_native_frames_are_passed_on(execute_block: Any) -> None:
    clearing = RETURNS_ORIGIN + assemble("POP 0 1 SSTORE")
    accounts = {OTHER: contract(clearing, 0, {1: 9})}
    [execution], _ = run(execute_block, "C", calling(OTHER), accounts=accounts)
    assert called(execution.output)[2] == 4_800
    plain = contract(RETURNS_ORIGIN + assemble("POP 9 1 SSTORE"), 0, {1: 9})
    [same], _ = run(execute_block, "C", calling(OTHER), accounts={OTHER: plain})
    assert called(same.output)[2] == 0


# ------------------------------------------------------------------------------ blocks


def test_blocks_in_parallel_equal_sequential() -> None:
    accounts = {AT: contract(b"W"), OTHER: contract(b"C", 1000)}
    counts = [0] * len(SENDERS)
    block: list[Any] = [BlockStart()]
    for index in range(200):
        sender = index % len(SENDERS)
        data = words(index % 5, index % 3)
        block.append(
            transaction(sender, AT, nonce=counts[sender], data=data)
            if index % 2
            else transaction(sender, OTHER, nonce=counts[sender], data=calling(AT, data, value=1))
        )
        counts[sender] += 1
    vm = Evm("cancun", context("cancun"), evmc=tiny())
    assert_serial_equivalent(
        block, AccountState(world(accounts)), vm, reference_vm=vm, schedules=20, seed=1
    )


def test_options_are_set_on_each_instance(execute_block: Any) -> None:
    vm = evmc.load(tiny_library(), {"gas": "1234"})
    told = called(
        output(execute_block, "C", calling(OTHER), accounts={OTHER: contract(b"I")}, vm=vm)
    )
    assert told[1] == 1234 - PRICE
    assert evmc.load_configured(f"{tiny_library()},gas=7").options == {"gas": "7"}


def test_a_vm_says_what_it_is_and_can_be_pickled() -> None:
    vm = tiny()
    assert (vm.name, vm.version, vm.capabilities) == ("tiny", "1", {"evm1"})
    assert repr(vm) == f"EvmcVm('tiny' 1, {vm.path!r})"
    again = pickle.loads(pickle.dumps(evmc.load(tiny_library(), {"gas": "5"})))
    assert (again.path, again.options) == (vm.path, {"gas": "5"})
