"""Calls nest as deep as the EVM allows; an interpreter without room for it changes no result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from eth.constants import STACK_DEPTH_LIMIT
from eth_typing import Address
from tests.vm.pyevm.blocks import (
    KEYS,
    SENDERS,
    Call,
    authorize,
    context,
    contract,
    funded,
    set_code,
    signed,
)
from tests.vm.pyevm.contracts import assemble

from blockstm import Config, reference
from blockstm.errors import StateError, TransactionError
from blockstm.executor import Executor
from blockstm.types import BlockResult
from blockstm.vm.pyevm import Account, AccountState, PyEvm

DIGGER_AT, ASKER_AT, HEIR_AT = (Address(bytes([0xD1 + i]) * 20) for i in range(3))
LEVELS = STACK_DEPTH_LIMIT + 1  # the outermost call is at depth 0
ROOMS = range(15, 200)  # for nested calls: from too little to enough
CALLS_ITSELF = "0 0 0 0 0 ADDRESS GAS CALL POP"
CREATES_ITSELF = "CODESIZE 0 0 CODECOPY CODESIZE 0 0 CREATE POP"


def run_digger(fork: str, code: bytes, gas: int) -> BlockResult:
    """Two transactions that call the digger, on two workers, with as much gas as they ask for."""
    block = replace(context(fork), gas_limit=2**60)
    calls = [Call(i, DIGGER_AT, gas=gas) for i in range(2)]
    state = AccountState(funded({DIGGER_AT: contract(code, balance=7)}))
    with Executor(Config(gate=False), workers=2) as executor:
        return executor.execute_block(signed(fork, calls), state, PyEvm(fork, block))


def test_calls_nest_as_deep_as_the_evm_allows_on_a_worker_thread() -> None:
    digger = assemble("0 0 0 0 0 ADDRESS 1000 GAS SUB CALL @end JUMPI 0 0 LOG0 end: STOP")
    result = run_digger("homestead", digger, 8_000_000)
    # Only the innermost call could not call itself once more.
    assert [len(outcome.value.logs) for outcome in result.outcomes] == [1, 1]
    assert all(1024 * 1000 > outcome.gas_used > 1024 * 60 for outcome in result.outcomes)


@pytest.mark.parametrize("fork", ["homestead", "shanghai", "prague"])
def test_what_every_level_leaves_is_gathered(fork: str) -> None:
    # Before Tangerine Whistle a call cannot ask for more gas than there is.
    calls = CALLS_ITSELF.replace("GAS", "2000 GAS SUB") if fork == "homestead" else CALLS_ITSELF
    heir = int.from_bytes(HEIR_AT, "big")
    digger = assemble(f"{calls} GAS 0 MSTORE 32 0 LOG0 {heir} SELFDESTRUCT")
    result = run_digger(fork, digger, 10**14)
    gas = [int.from_bytes(log.data, "big") for log in result.outcomes[0].value.logs]
    assert len(gas) == LEVELS
    assert gas == sorted(gas)  # the innermost call, which has least, logs first
    assert result.writes[HEIR_AT, "balance"] == 7


@pytest.mark.parametrize("fork", ["homestead", "prague"])
def test_creations_nest_as_deep_as_the_evm_allows(fork: str) -> None:
    result = run_digger(fork, assemble(f"{CREATES_ITSELF} 0 0 LOG0 STOP"), 10**15)
    assert [len(outcome.value.logs) for outcome in result.outcomes] == [LEVELS, LEVELS]


# -- too little room ---------------------------------------------------------------------------


def with_little_room(execute: Callable[[], BlockResult]) -> tuple[list[BlockResult], list[Any]]:
    """Run with so little stack that a run has to fail, up to enough: results, kinds of failures."""
    results, failures = [], []
    before, base = sys.getrecursionlimit(), lowest_limit()
    try:
        for room in ROOMS:
            try:
                sys.setrecursionlimit(base + room)
                results.append(execute())
            except (TransactionError, StateError, RecursionError) as error:
                failures.append(type(error.__cause__ or error))
    finally:
        sys.setrecursionlimit(before)
    return results, failures


@pytest.fixture
def deep_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery of a signature is what nests deepest, as it may in some version of some library."""
    coincurve = pytest.importorskip("coincurve", reason="no wheel for this Python")
    recover = coincurve.PublicKey.from_signature_and_message

    def nested(calls: int, *args: Any, **kwargs: Any) -> Any:
        return nested(calls - 1, *args, **kwargs) if calls else recover(*args, **kwargs)

    monkeypatch.setattr(coincurve.PublicKey, "from_signature_and_message", partial(nested, 10))


def lowest_limit() -> int:
    """The lowest recursion limit that may be set at the caller's depth; it stays set."""
    for limit in count(1):
        try:
            sys.setrecursionlimit(limit)
        except RecursionError:
            continue
        return limit
    raise AssertionError("counts without end")


@pytest.mark.usefixtures("deep_recovery")
def test_a_signature_is_not_taken_for_bad_where_the_stack_ends() -> None:
    digest = b"\x2a" * 32
    signature = KEYS[0].sign_msg_hash(digest)
    v, r, s = signature.vrs
    number = int.from_bytes(digest, "big")
    # Calls itself once for each byte of its input, so that nothing nests deeper than the recovery.
    asker = assemble(
        f"""
        CALLDATASIZE @nest JUMPI
        {number} 0 MSTORE {v + 27} 32 MSTORE {r} 64 MSTORE {s} 96 MSTORE
        32 0 128 0 0 1 GAS CALL POP 32 0 LOG0 STOP
        nest: 0 0 1 CALLDATASIZE SUB 0 0 ADDRESS GAS CALL STOP
        """
    )
    world = funded({ASKER_AT: contract(asker)})

    transactions, vm = (
        signed("london", [Call(1, ASKER_AT, bytes(10))]),
        PyEvm("london", context("london")),
    )

    def execute() -> BlockResult:
        return reference.execute_block(transactions, AccountState(world), vm)

    expected = execute()
    assert expected.outcomes[0].value.logs[0].data == SENDERS[0].rjust(32, b"\0")
    results, failures = with_little_room(execute)
    assert all(result == expected for result in results)
    assert len(results) > 5
    assert len(failures) > 5
    assert set(failures) == {RecursionError}


@pytest.mark.usefixtures("deep_recovery")
def test_an_authorization_is_not_taken_for_invalid_where_the_stack_ends() -> None:
    vm = PyEvm("prague", context("prague"))
    transactions = [set_code(authorize(KEYS[0], HEIR_AT))]
    state = AccountState({**funded(), SENDERS[0]: Account()})

    def execute() -> BlockResult:
        return reference.execute_block(transactions, state, vm)

    expected = execute()
    assert expected.writes[SENDERS[0], "nonce"] == 1
    results, failures = with_little_room(execute)
    assert all(result == expected for result in results)
    assert len(results) > 5
    assert len(failures) > 5
    assert set(failures) == {RecursionError}
