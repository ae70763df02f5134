"""Instructions called by transactions: equal on any number of workers, and to the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.ai.drawn import INSTRUCTIONS, draw
from tests.evm.world_blocks import context, contract, number_of, transaction, world

from blockstm import reference
from blockstm.ai import ADDRESSES, Reference, call_data, constant, kernels, precompiles
from blockstm.config import Config
from blockstm.errors import InputError, PrecompileFailure, TransactionError
from blockstm.ethereum.codecs import rlp
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import Executor
from blockstm.reference import inference
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.types import Address
from blockstm.vm.evm import CodePrecompile, Codes, Evm

FORK = "cancun"
HOLDER, SECOND, CALLER = (Address(bytes([n]) * 20) for n in (0xAA, 0xAB, 0xCA))
WORKERS = (1, 2, 4)


def meaning_of(opcode: int) -> CodePrecompile:
    """The reference of an instruction, as a precompile of Python."""

    def run(data: bytes, codes: Codes) -> tuple[bytes, int]:
        return inference.run(opcode, data, codes.read, keccak)

    return CodePrecompile(run)


MEANINGS = {at: meaning_of(at[-1]) for at in ADDRESSES.values()}


def ran(
    steps: Any, accounts: Any, chosen: Mapping[Address, Any], workers: int = 0, fork: str = FORK
) -> Any:
    evm = Evm(fork, context(fork), precompiles=chosen)
    state = AccountState(world(accounts))
    if not workers:
        return reference.execute_block(steps, state, evm)
    return Executor(Config(gate=False), workers=workers).execute_block(steps, state, evm)


def facts(result: Any) -> Any:
    return [
        (o.value.succeeded, o.value.output, o.value.gas_used) for o in result.outcomes
    ], result.writes


def agreed(steps: Any, accounts: Any, fork: str = FORK) -> Any:
    """A block by the reference's instructions, and by each kernel on any number of workers."""
    meant = facts(ran(steps, accounts, MEANINGS, fork=fork))
    for kernel in kernels():
        assert facts(ran(steps, accounts, precompiles(kernel), fork=fork)) == meant
    for workers in WORKERS:
        assert facts(ran(steps, accounts, precompiles(), workers, fork=fork)) == meant
    return meant[0]


def asking(sender: int, name: str, data: bytes, **members: Any) -> Any:
    return transaction(sender, ADDRESSES[name], data=data, gas=3_000_000, **members)


def test_each_instruction_in_a_block_is_the_references() -> None:
    steps = []
    for turn, name in enumerate(list(INSTRUCTIONS) * 2):
        _, parameters, operands = draw(name, turn)
        data = call_data(name, parameters, operands)
        steps.append(asking(turn % 8, name, data[:-1] if turn > 20 else data, nonce=turn // 8))
    outcomes = agreed(steps, {})
    assert {succeeded for succeeded, _, _ in outcomes} == {True, False}
    assert all(gas == 3_000_000 for succeeded, _, gas in outcomes if not succeeded)


# ---- codes that are read

WEIGHTS = b"\0" + bytes(range(40))


def weighing(code: bytes = WEIGHTS, at: Address = HOLDER) -> bytes:
    """A product of what is inline with what is in a code."""
    references = [Reference(at, keccak(code))]
    return call_data("product", [1, 20, 2], [bytes(range(20)), constant(0)], references)


def holding(code: bytes = WEIGHTS) -> Account:
    return contract(code)


def timed(calls: int) -> Account:
    """Calls the product with its call data so many times; returns the gas that each took."""
    each = (
        f"GAS 0 0 CALLDATASIZE 0 0 {number_of(ADDRESSES['product'])} 1000000 CALL POP "
        "GAS SWAP1 SUB {place} MSTORE"
    )
    asked = " ".join(each.format(place=1024 + 32 * turn) for turn in range(calls))
    return contract(f"CALLDATASIZE 0 0 CALLDATACOPY 0 2000 MSTORE {asked} {32 * calls} 1024 RETURN")


@pytest.mark.parametrize(
    ("fork", "first", "again"),
    [
        ("homestead", 20, 20),
        ("istanbul", 700, 700),
        ("cancun", 2600, 100),
        ("amsterdam", 3100, 200),
    ],
)
def test_a_code_costs_what_an_access_to_it_costs(fork: str, first: int, again: int) -> None:
    """The first is of a cold account, the second of a warm one, from Berlin on (EIP-2929)."""
    prices = []
    for data in (weighing(), call_data("product", [1, 20, 2], [bytes(range(20)), WEIGHTS[1:]])):
        step = transaction(0, CALLER, data=data, gas=3_000_000)
        [(succeeded, output, _)] = agreed([step], {HOLDER: holding(), CALLER: timed(2)}, fork)
        assert succeeded
        prices.append([int.from_bytes(output[at : at + 32], "big") for at in (0, 32)])
    assert [a - b for a, b in zip(*prices, strict=True)] == [first, again]


def test_gas_that_does_not_last_for_an_access_is_lost() -> None:
    inner = f"""
        CALLDATASIZE 0 0 CALLDATACOPY
        0 0 CALLDATASIZE 0 0 {number_of(ADDRESSES["product"])} 2599 CALL
        0 MSTORE {number_of(HOLDER)} GAS SWAP1 BALANCE POP GAS SWAP1 SUB 32 MSTORE 64 0 RETURN
    """
    step = transaction(0, CALLER, data=weighing(), gas=3_000_000)
    [(_, output, _)] = agreed([step], {HOLDER: holding(), CALLER: contract(inner)})
    assert int.from_bytes(output[:32], "big") == 0
    assert int.from_bytes(output[32:], "big") > 2600  # what the failed call warmed is cold again


@pytest.mark.parametrize(
    "accounts",
    [{}, {HOLDER: Account(5)}, {HOLDER: contract(WEIGHTS + b"\1")}],
    ids=["absent", "without code", "another code"],
)
def test_an_account_without_the_code_fails_the_call(accounts: Any) -> None:
    [(succeeded, _, gas_used)] = agreed([asking(0, "product", weighing())], accounts)
    assert not succeeded
    assert gas_used == 3_000_000


def creation_address(creator: Address, nonce: int) -> Address:
    """Of the account that a creation makes."""
    return Address(keccak(rlp.encode([creator, bytes([nonce])]))[12:])


def creating(code: bytes) -> bytes:
    """Initcode that returns a code behind it."""
    prefix = bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3")
    assert len(prefix) == 10
    return prefix + code


def test_codes_that_the_block_itself_deploys_are_read_in_every_schedule() -> None:
    """A factory makes one holder after another; who asks too early fails, in any order of runs."""
    factory = contract("CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 0 CREATE 0 MSTORE 32 0 RETURN")
    codes = [WEIGHTS + bytes([turn]) for turn in range(3)]
    made = [creation_address(CALLER, nonce) for nonce in (1, 2, 3)]
    steps, nonce = [], [0] * 8
    for turn in range(3):
        for sender, to, data in (
            (turn + 1, ADDRESSES["product"], weighing(codes[turn], made[turn])),
            (0, CALLER, creating(codes[turn])),
            (turn + 4, ADDRESSES["product"], weighing(codes[turn], made[turn])),
        ):
            steps.append(transaction(sender, to, data=data, gas=300_000, nonce=nonce[sender]))
            nonce[sender] += 1
    accounts = AccountState(world({CALLER: factory}))
    evm = Evm("shanghai", context("shanghai"), precompiles=precompiles())
    checked = assert_serial_equivalent(steps, accounts, evm, schedules=40, reference_vm=evm)
    assert checked.result is not None
    succeeded = [outcome.value.succeeded for outcome in checked.result.outcomes]
    assert succeeded == [False, True, True] * 3


# ---- callables of Python that read codes


def test_a_callable_reads_codes_and_sees_the_gas_that_is_left() -> None:
    seen = []

    def sizes(data: bytes, codes: Codes) -> tuple[bytes, int]:
        before = codes.gas
        code = codes.read(HOLDER)
        seen.append((before - codes.gas, code, codes.read(SECOND)))
        return len(code).to_bytes(32, "big"), 7

    step = transaction(0, CALLER, gas=100_000)
    [outcome] = ran([step], {HOLDER: holding()}, {CALLER: CodePrecompile(sizes)}).outcomes
    assert seen == [(2600, WEIGHTS, b"")]
    assert outcome.value.output == len(WEIGHTS).to_bytes(32, "big")
    assert outcome.value.gas_used == 21_000 + 2 * 2600 + 7


def test_codes_outlive_no_call() -> None:
    kept: list[Codes] = []

    def keep(data: bytes, codes: Codes) -> tuple[bytes, int]:
        kept.append(codes)
        return b"", 0

    ran([transaction(0, CALLER)], {}, {CALLER: CodePrecompile(keep)})
    with pytest.raises(InputError, match="a precompile's that has run"):
        kept[0].read(HOLDER)
    with pytest.raises(InputError, match="a precompile's that has run"):
        _ = kept[0].gas


def test_an_address_that_is_none_ends_the_block() -> None:
    wrong = CodePrecompile(lambda data, codes: (codes.read(b"\1"), 0))
    with pytest.raises(TransactionError) as raised:
        ran([transaction(0, CALLER)], {}, {CALLER: wrong})
    assert "an address is 20 bytes" in str(raised.value.__cause__)


def test_a_failed_access_cannot_be_hushed_up() -> None:
    """The call has failed, whatever the callable makes of it."""

    def stubborn(data: bytes, codes: Codes) -> tuple[bytes, int]:
        for _ in range(2):
            try:
                codes.read(HOLDER)
            except PrecompileFailure:
                continue
        return b"fine", 0

    step = transaction(0, CALLER, gas=22_000)
    [outcome] = ran([step], {HOLDER: holding()}, {CALLER: CodePrecompile(stubborn)}).outcomes
    assert not outcome.value.succeeded
    assert outcome.value.gas_used == 22_000
