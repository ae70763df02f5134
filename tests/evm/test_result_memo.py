"""Precompiles whose results are remembered within a block: right however often inputs come, in
whatever order, in this block and in the next."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from py_ecc import bn128
from py_ecc import optimized_bls12_381 as bls
from tests.evm.precompile_inputs import (
    BLS_PAIRING,
    BN254_MUL,
    BN254_PAIRING,
    ECRECOVER,
    P256VERIFY,
    POINT_EVALUATION,
    bls_g1,
    bls_g2,
    bn254_g1,
    bn254_g2,
    call,
    words,
)
from tests.evm.world_blocks import SENDERS, context, contract, transaction, world

import blockstm
from blockstm._native.evm.prepared import computed_precompiles
from blockstm.config import Config
from blockstm.executor import Executor
from blockstm.state.accounts import AccountState
from blockstm.types import Address
from blockstm.vm.evm import Evm, Execution

FORK = "osaka"
CALLER = Address(b"\xca" * 20)
# Calls a precompile, given its address and input; logs whether that went well, and what came of
# it.
PROGRAM = """
    32 CALLDATASIZE SUB 32 0 CALLDATACOPY
    0 0 32 CALLDATASIZE SUB 0 0 CALLDATALOAD GAS STATICCALL
    0 MSTORE RETURNDATASIZE 0 32 RETURNDATACOPY
    RETURNDATASIZE 32 ADD 0 LOG0
"""
COMMITMENT = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
PROOF = words(77, 1) + COMMITMENT + b"\xc0" + bytes(47)  # of a constant
P256 = bytes.fromhex(
    "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
    "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
    "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
    "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
    "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
)
BN_ONE = bn254_g1(6) + bn254_g2(2) + bn254_g1(bn128.curve_order - 4) + bn254_g2(3)
BN_OTHER = bn254_g1(6) + bn254_g2(2) + bn254_g1(5) + bn254_g2(3)
BLS_PAIR = bls_g1(bls.multiply(bls.G1, 3)) + bls_g2(bls.G2)

Case = tuple[int, bytes]


def signatures(random: Random, count: int) -> list[Case]:
    """Of ECRECOVER: alike but for the parity or the last bit, and too short ones."""
    found = []
    for _ in range(count):
        s, hash_ = random.getrandbits(250), random.getrandbits(256)
        for parity in (27, 28, 29):
            found.append((ECRECOVER, words(hash_, parity, 2**248 + 7, s)))
        found.append((ECRECOVER, words(hash_, 27, 2**248 + 7, s ^ 1)))
        found.append((ECRECOVER, words(hash_, 27, 2**248 + 7)))
        found.append((ECRECOVER, words(hash_, 27, 2**248 + 7, s) + b"more"))
    return found


def proofs() -> list[Case]:
    """Of the others: ones that hold, ones that do not, and input that is refused."""
    versioned = b"\1" + hashlib.sha256(COMMITMENT).digest()[1:]
    return [
        (POINT_EVALUATION, versioned + PROOF),
        (POINT_EVALUATION, versioned + PROOF[:63] + b"\2" + PROOF[64:]),
        (BN254_PAIRING, BN_ONE),
        (BN254_PAIRING, BN_OTHER),
        (BN254_PAIRING, BN_ONE[:-1] + b"\1"),
        (BN254_PAIRING, BN_ONE * 3),
        (BN254_PAIRING, b""),
        (BN254_MUL, bn254_g1(5) + words(7)),
        (BLS_PAIRING, BLS_PAIR),
        (BLS_PAIRING, BLS_PAIR[:128] + bytes(256)),
        (P256VERIFY, P256),
        (P256VERIFY, P256[:-1] + b"\1"),
        (ECRECOVER, b""),
    ]


def expected(case: Case) -> bytes:
    number, data = case
    called = call(number, data)
    return words(called.status == "success") + called.output


def asking(cases: list[Case]) -> tuple[AccountState, list[Any]]:
    """A state, and a transaction for each case that calls the contract."""
    state = AccountState(world({CALLER: contract(PROGRAM)}))
    nonces = [0] * len(SENDERS)
    steps = []
    for place, (number, data) in enumerate(cases):
        sender = place % len(SENDERS)
        step = transaction(
            sender, CALLER, nonce=nonces[sender], data=words(number) + data, gas=1_000_000
        )
        steps.append(step)
        nonces[sender] += 1
    return state, steps


def results(cases: list[Case], executor: Executor) -> list[bytes]:
    """What the contract logs of each, every one called by a transaction of its own."""
    state, steps = asking(cases)
    vm = Evm(FORK, replace(context(FORK), gas_limit=2**40))
    outcomes = executor.execute_block(steps, state, vm).outcomes
    return [outcome.value.logs[0].data for outcome in outcomes]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_right_however_often_they_are_asked_for(workers: int) -> None:
    random = Random(workers)
    cases = signatures(random, 40) + proofs()
    asked = [case for case in cases + cases for _ in range(2)]  # at once, and after others came
    random.shuffle(asked)
    asked += [case for case in cases for _ in range(2)]
    wanted = {case: expected(case) for case in cases}
    with Executor(Config(workers=workers)) as executor:
        assert results(asked, executor) == [wanted[case] for case in asked]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_right_in_blocks_that_follow(workers: int) -> None:
    """Blocks on the same threads, with some inputs in common and some that take their places."""
    random = Random(workers)
    cases = signatures(random, 40) + proofs()
    wanted = {case: expected(case) for case in cases}
    with Executor(Config(workers=workers)) as executor:
        for _ in range(4):
            asked = random.choices(cases, k=150)
            assert results(asked, executor) == [wanted[case] for case in asked]


def computed(steps: int, executor: Executor) -> int:
    """How many results are computed by a block whose transactions all ask for the same one."""
    before = computed_precompiles()
    asked = results([(BN254_PAIRING, BN_ONE)] * steps, executor)
    assert asked == [words(1, 1)] * steps
    return computed_precompiles() - before


def test_a_result_is_computed_once_in_a_block_and_again_in_the_next() -> None:
    with Executor(Config(workers=1)) as executor:
        assert [computed(steps, executor) for steps in (1, 5, 5)] == [1, 1, 1]


def test_what_one_worker_computed_is_known_to_all() -> None:
    """Workers that ask at once may each compute it: once, however often the transactions run."""
    with Executor(Config(workers=2, gate=False)) as executor:
        for _ in range(10):
            assert 1 <= computed(20, executor) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_results_that_exceed_the_room_are_right(workers: int) -> None:
    """More different inputs than a block remembers, the first ones again at the end."""
    cases = [(BN254_MUL, bn254_g1(1) + words(k)) for k in range(4100)]
    with Executor(Config(workers=workers)) as executor:
        found = results(cases + cases[:20], executor)
    assert found[4100:] == found[:20] == [expected(case) for case in cases[:20]]
    assert found[4080:4100] == [expected(case) for case in cases[4080:]]


def test_one_prepared_block_computes_its_results_in_each_run() -> None:
    """What a run has computed is not known to the next one, which is measured, perhaps."""
    state, steps = asking([(BN254_MUL, bn254_g1(5) + words(7))] * 3)
    vm = Evm(FORK, replace(context(FORK), gas_limit=2**40))
    bound = vm.bind(steps)
    with Executor(Config(workers=1)) as executor:
        for _ in range(3):
            before = computed_precompiles()
            executor.execute_block(bound, state, vm)
            assert computed_precompiles() - before == 1


def test_gas_is_taken_of_what_is_remembered() -> None:
    """A call that is known costs what it cost, and fails where the gas does not suffice."""
    state = AccountState(world({CALLER: contract(PROGRAM)}))
    data = words(BN254_PAIRING) + BN_ONE

    def called(gas: list[int]) -> list[Execution]:
        steps = [transaction(0, CALLER, nonce=n, data=data, gas=each) for n, each in enumerate(gas)]
        vm = Evm(FORK, context(FORK))
        outcomes = blockstm.execute_block(steps, state, vm, workers=1).outcomes
        return [outcome.value for outcome in outcomes]

    first, again = called([1_000_000, 1_000_000])
    assert first.succeeded
    assert first.logs[0].data == words(1, 1)
    assert (again.gas_used, again.logs) == (first.gas_used, first.logs)
    [short] = called([first.gas_used - 5_000])
    assert short.succeeded
    assert short.logs[0].data == words(0)
