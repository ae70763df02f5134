"""A tracer within so many bytes: code that has more recorded is ended, on any workers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from blockstm import Executor, execute_block
from blockstm.errors import ConfigError, TraceTooLarge
from blockstm.ethereum import (
    Account,
    AccountState,
    Activation,
    Block,
    BlockAttributes,
    Chain,
    Header,
    Message,
    Transaction,
    build_block,
    call,
    fork_named,
)
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.genesis import parse_genesis
from blockstm.ethereum.tracing import (
    CallTracer,
    FlatCallTracer,
    FourByteTracer,
    JsonLogger,
    NoopTracer,
    PrestateTracer,
    StructLogger,
    TracedTransaction,
    Tracer,
)
from blockstm.ethereum.transition.signing import sign
from blockstm.types import Address

KEYS = [bytes(31) + bytes([number]) for number in range(1, 9)]
CHAIN = Chain(1337, (Activation(fork_named("cancun"), block=0),))
# A hundred words on the stack, 64 KiB of memory, and a loop of calls that are given all of it.
FULL = bytes.fromhex("5f" * 100 + "5f620100005360005b5f5f620100005f5f60045af150") + bytes.fromhex(
    "6180005fa0"
)
LOOP = FULL + bytes.fromhex("60") + bytes([FULL.index(0x5B)]) + bytes.fromhex("56")
CONTRACT = Address(b"\xcc" * 20)
QUIET = Address(b"\xdd" * 20)
MIB = 1 << 20


def accounts() -> dict[Address, Account]:
    rich = {address_of_key(key): Account(10**20) for key in KEYS}
    return rich | {CONTRACT: Account(code=LOOP, nonce=1), QUIET: Account(code=b"\x5b" * 100)}


def block_of(transactions: list[tuple[Address, int]]) -> tuple[AccountState, Header, Block]:
    genesis = parse_genesis({"gasLimit": hex(100_000_000), "baseFeePerGas": "0x7"}, chain=CHAIN)
    state = AccountState(accounts())
    signed = [
        sign(
            Transaction(
                type=2, chain_id=1337, nonce=0, gas=gas, to=to, value=0, data=b"",
                max_fee_per_gas=100, max_priority_fee_per_gas=0, v=0, r=0, s=0,
            ),
            key,
            1337,
            protected=True,
        )
        for key, (to, gas) in zip(KEYS, transactions, strict=False)
    ]  # fmt: skip
    parent = genesis.block.header
    built = build_block(
        parent, signed, state, chain=CHAIN, attributes=BlockAttributes(timestamp=12),
        on_unfit="raise",
    )  # fmt: skip
    return state, parent, built.block


TRACERS = [
    CallTracer(),
    FlatCallTracer(),
    FourByteTracer(),
    StructLogger(),
    StructLogger(enable_memory=True, enable_return_data=True),
    JsonLogger(),
]


@pytest.mark.parametrize("tracer", TRACERS, ids=lambda each: type(each).__name__)
def test_a_call_ends_where_its_tracer_has_no_more_room(tracer: Tracer) -> None:
    state, parent, _ = block_of([])
    message = Message(sender=address_of_key(KEYS[0]), to=CONTRACT, gas=3_000_000)
    with pytest.raises(TraceTooLarge, match=r"more .* than"):
        call(state, message, block=parent, chain=CHAIN, tracer=tracer.within(MIB))
    # What does not fill it is traced as without a bound.
    few = Message(sender=message.sender, to=QUIET)
    for traced in (tracer, tracer.within(MIB)):
        result = call(state, few, block=parent, chain=CHAIN, tracer=traced)
        assert result.succeeded
        assert result.trace is not None


def test_what_records_nothing_has_no_bound() -> None:
    state, parent, _ = block_of([])
    message = Message(sender=address_of_key(KEYS[0]), to=CONTRACT, gas=3_000_000)
    result = call(state, message, block=parent, chain=CHAIN, tracer=NoopTracer().within(1))
    assert result.trace == {}


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_transactions_of_a_block_share_the_room(workers: int) -> None:
    state, parent, block = block_of([(CONTRACT, 300_000)] * 6 + [(QUIET, 30_000)])
    least = least_room_of(block, state, parent)

    def sizes(tracer: Tracer) -> list[int]:
        done = executor.execute_block(
            block, state, vm="evm", chain=CHAIN, parent=parent, tracer=tracer
        )
        return [len(trace["structLogs"]) for trace in done.traces]

    with Executor(workers=workers) as executor:
        assert sizes(StructLogger().within(least)) == sizes(StructLogger())
        with pytest.raises(TraceTooLarge):
            sizes(StructLogger().within(least - 1))


def least_room_of(block: Block, state: AccountState, parent: Header) -> int:
    """How much a block has recorded, to the byte."""

    class Sizes(StructLogger):
        def trace(self, traced: TracedTransaction) -> int:
            return len(traced.events)

    done = execute_block(
        block, state, vm="evm", chain=CHAIN, parent=parent, workers=1, tracer=Sizes()
    )
    return sum(done.traces)


def test_memory_stays_within_the_bound() -> None:
    """Unbounded, the trace of this call would have more than four gigabytes recorded."""
    script = """
import resource
from tests.ethereum.test_tracing_bounds import *
state, parent, _ = block_of([])
message = Message(sender=address_of_key(KEYS[0]), to=CONTRACT, gas=40_000_000)
where = {"block": parent, "chain": CHAIN}
call(state, message, **where)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    call(state, message, tracer=StructLogger(enable_memory=True).within(16 * MIB), **where)
except TraceTooLarge:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert int(done.stdout) < 100


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", True, 1 << 62])
def test_a_bound_is_a_positive_int(wrong: object) -> None:
    with pytest.raises(ConfigError, match="bytes_max"):
        CallTracer().within(wrong)  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(ConfigError, match="bytes_max"):
        CallTracer().within(5, as_json=wrong)  # type: ignore[arg-type]  # likewise


def test_a_tracer_within_a_bound_is_another_one() -> None:
    tracer = CallTracer(with_log=True)
    assert tracer.within(5).bytes_max == (5, 5)
    assert tracer.bytes_max is None
    assert tracer.within(5, 3).bytes_max == (5, 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_transaction_may_have_a_bound_of_its_own(workers: int) -> None:
    state, parent, block = block_of([(CONTRACT, 300_000)] * 3)

    def trace(tracer: Tracer) -> int:
        done = execute_block(
            block, state, vm="evm", chain=CHAIN, parent=parent, workers=workers, tracer=tracer
        )
        return len(done.traces)

    third = least_room_of(block, state, parent) // 3
    assert trace(StructLogger().within(64 * MIB, third)) == 3
    with pytest.raises(TraceTooLarge):
        trace(StructLogger().within(64 * MIB, third - 1))


# Reads a slot after the other, and shows them all again with each.
READS = bytes.fromhex("5f5b60010180545060015600")
WRITTEN = [*TRACERS, PrestateTracer(), PrestateTracer(diff_mode=True)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("tracer", WRITTEN, ids=lambda each: type(each).__name__)
def test_what_is_asked_for_as_json_has_a_bound_to_the_byte(tracer: Tracer, workers: int) -> None:
    state, parent, block = block_of([(CONTRACT, 90_000)] * 5 + [(QUIET, 30_000)])

    def traced(tracer: Tracer) -> Any:
        return execute_block(
            block, state, vm="evm", chain=CHAIN, parent=parent, workers=workers, tracer=tracer
        ).traces

    whole = traced(tracer)
    sizes = [len(whole.json(index)) for index in range(len(whole))]
    bounded = traced(tracer.within(MIB << 8, as_json=sum(sizes)))
    assert (list(bounded), bounded.json()) == (list(whole), whole.json())
    less = traced(tracer.within(MIB << 8, as_json=sum(sizes) - 1))
    for ask in (less.json, less.json_by_hash, lambda: less[:], lambda: list(less)):
        with pytest.raises(TraceTooLarge, match=f"more than {sum(sizes) - 1} bytes as JSON"):
            ask()
    assert less.json(0) == whole.json(0)
    one = tracer.within(MIB << 8, as_json=sizes[0])
    assert traced(one).json(0) == whole.json(0)
    with pytest.raises(TraceTooLarge):
        traced(tracer.within(MIB << 8, as_json=sizes[0] - 1)).json(0)


def test_slots_that_are_shown_again_and_again_stay_within_the_bound() -> None:
    """Unbounded, this trace would have tens of gigabytes, of a few megabytes recorded."""
    state = AccountState(accounts() | {CONTRACT: Account(code=READS, nonce=1)})
    _, parent, _ = block_of([])
    message = Message(sender=address_of_key(KEYS[0]), to=CONTRACT, gas=45_000_000)
    tracer = StructLogger().within(64 * MIB, as_json=MIB)
    with pytest.raises(TraceTooLarge, match="as JSON"):
        call(state, message, block=parent, chain=CHAIN, tracer=tracer)


def test_code_that_pre_states_name_has_a_bound() -> None:
    """Each account costs 2600 gas, and its code stands in the trace."""
    large = {bytes([1, n]) + bytes(18): Account(code=bytes([n]) * 24_000) for n in range(40)}
    reads = b"".join(b"\x73" + address + b"\x3b\x50" for address in large)
    state = AccountState(accounts() | large | {CONTRACT: Account(code=reads)})
    _, parent, _ = block_of([])
    message = Message(sender=address_of_key(KEYS[0]), to=CONTRACT, gas=300_000)

    def trace(tracer: Tracer) -> Any:
        return call(state, message, block=parent, chain=CHAIN, tracer=tracer).trace

    assert len(trace(PrestateTracer().within(MIB))) > 40
    with pytest.raises(TraceTooLarge, match="as JSON"):
        trace(PrestateTracer().within(MIB, as_json=MIB))
    assert trace(PrestateTracer(disable_code=True).within(MIB, as_json=MIB))
