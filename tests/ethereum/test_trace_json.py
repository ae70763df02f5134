"""Traces as JSON: the same as the values, from any number of workers, however deep."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.call_trace_model import FlatCalls, NestedCalls, Selectors
from tests.ethereum.traced_files import traces_of
from tests.fixtures import mainnet_block

from blockstm.errors import InputError
from blockstm.ethereum import read_block_file
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
from blockstm.vm.evm.execution import FAILURES
from blockstm.vm.forks import fork_named

FILE = read_block_file(mainnet_block(12300570))
TRACERS: list[Tracer] = [
    CallTracer(with_log=True),
    CallTracer(only_top_call=True),
    FlatCallTracer(),
    FourByteTracer(),
    PrestateTracer(),
    StructLogger(limit=20),
    JsonLogger(),
    NoopTracer(),
]
MODELS: list[tuple[Tracer, Tracer]] = [
    (CallTracer(with_log=True), NestedCalls(with_log=True)),
    (CallTracer(with_log=True, only_top_call=True), NestedCalls(with_log=True, only_top_call=True)),
    (FlatCallTracer(), FlatCalls()),
    (
        FlatCallTracer(convert_parity_errors=True, include_precompiles=True),
        FlatCalls(convert_parity_errors=True, include_precompiles=True),
    ),
]


traces = partial(traces_of, FILE)


@pytest.mark.parametrize("tracer", TRACERS, ids=lambda each: type(each).__name__)
def test_json_is_what_the_values_are(tracer: Tracer) -> None:
    made = traces(tracer)
    values = list(made)
    text = made.json()
    assert json.loads(text) == values
    assert [json.loads(made.json(index)) for index in (0, 5, -1)] == [
        made[0],
        values[5],
        values[-1],
    ]
    assert (made[3:9], made[9:3], made[::100]) == (values[3:9], [], values[::100])
    named = json.loads(made.json_by_hash())
    assert [each["result"] for each in named] == values
    assert [each["txHash"] for each in named] == [
        f"0x{transaction.hash.hex()}" for transaction in FILE.block.transactions
    ]
    assert traces(tracer, workers=4).json() == text
    for index in (len(values), -len(values) - 1):
        with pytest.raises(IndexError):
            made.json(index)


@pytest.mark.parametrize(("tracer", "model"), [*MODELS, (FourByteTracer(), Selectors())])
def test_a_block_of_mainnet_is_traced_as_the_model_does(tracer: Tracer, model: Tracer) -> None:
    made = traces(tracer)
    assert list(made) == [model.trace(made._traced(index)) for index in range(len(made))]


def test_a_trace_of_one_run_is_that_of_its_block() -> None:
    for tracer in (CallTracer(with_log=True), FlatCallTracer(), FourByteTracer()):
        made = traces(tracer)
        for index in range(0, len(made), 50):
            assert tracer.trace(made._traced(index)) == made[index]


# ---- events that no EVM gave

ADDRESSES = [bytes(19) + bytes([number]) for number in (1, 5, 6, 7, 8, 9, 10, 200, 255)]
addresses = st.sampled_from(ADDRESSES)
words = st.integers(0, 2**256 - 1) | st.integers(0, 3)
gas = st.integers(0, 200_000)
STRING = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big")
texts = st.binary(max_size=40) | st.text(max_size=20).map(str.encode)
outputs = st.one_of(
    st.binary(max_size=40),
    texts.map(lambda text: STRING + len(text).to_bytes(32, "big") + text),
    st.binary(max_size=120).map(lambda rest: STRING[:4] + rest),
    words.map(lambda code: bytes.fromhex("4e487b71") + code.to_bytes(32, "big")),
)


@st.composite
def calls(draw: st.DrawFn, depth: int = 0) -> bytes:
    """The events of a call, with those within it."""
    kind = draw(st.integers(0, 5))
    given = draw(st.binary(max_size=220))
    has = draw(gas)
    events = b"\x04" + struct.pack("<BHB", kind, depth, 0)
    events += draw(addresses) + draw(addresses) + draw(addresses)
    events += draw(words).to_bytes(32, "big") + struct.pack("<qI", has, len(given)) + given
    for what in draw(st.lists(st.sampled_from(["call", "log", "gone"]), max_size=3)):
        if what == "call" and depth < 4:
            events += draw(calls(depth + 1))
        elif what == "log":
            topics = draw(st.lists(st.binary(min_size=32, max_size=32), max_size=4))
            data = draw(st.binary(max_size=40))
            events += b"\x40" + draw(addresses) + bytes([len(topics)]) + b"".join(topics)
            events += struct.pack("<I", len(data)) + data
        elif what == "gone":
            events += b"\x80" + draw(addresses) + draw(addresses)
            events += draw(words).to_bytes(32, "big")
    failure = draw(st.just(0) | st.integers(1, len(FAILURES) - 1))
    if failure and draw(st.booleans()):
        opcode, height = draw(st.integers(0, 255)), draw(st.integers(0, 1024))
        events += b"\x03" + struct.pack("<BHqB", opcode, height, draw(gas), failure)
    output = draw(outputs)
    created = draw(addresses) if kind >= 4 and draw(st.booleans()) else bytes(20)
    events += b"\x08" + struct.pack("<BHBB", kind, depth, failure == 0, failure)
    events += struct.pack("<q", draw(st.integers(0, has))) + created
    return events + struct.pack("<I", len(output)) + output


TRACED = traces(CallTracer())._traced(3)


@settings(max_examples=150, deadline=None)
@given(calls(), st.sampled_from(["homestead", "istanbul", "cancun"]), st.integers(0, 2**40))
def test_calls_are_shown_as_the_model_shows_them(events: bytes, fork: str, first: int) -> None:
    traced = replace(TRACED, events=events, fork=fork_named(fork), first_log=first)
    for tracer, model in MODELS:
        assert tracer.trace(traced) == model.trace(traced)
        json.loads(tracer.json(traced).decode())  # it is UTF-8


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=6), addresses), max_size=12))
def test_functions_are_counted_as_the_model_counts_them(
    called: list[tuple[int, bytes, bytes]],
) -> None:
    traced = replace(TRACED, events=b"".join(call_of(*each) for each in called))
    counts = FourByteTracer().trace(traced)
    assert [*counts.items()] == [*Selectors().trace(traced).items()]


def call_of(kind: int, given: bytes, to: bytes, depth: int = 0) -> bytes:
    return (
        b"\x04"
        + struct.pack("<BHB", kind, depth, 0)
        + to * 3
        + bytes(32)
        + struct.pack("<qI", 100, len(given))
        + given
    )


END = b"\x08" + struct.pack("<BHBBq", 0, 0, 1, 0, 5) + bytes(20) + struct.pack("<I", 0)


def test_calls_may_be_as_deep_as_the_evm_lets_them() -> None:
    depth = 1024
    inner = call_of(0, b"", ADDRESSES[-1])
    traced = replace(TRACED, events=inner * depth + END * depth)
    trace = CallTracer().trace(traced)
    for _ in range(depth - 1):
        [trace] = trace["calls"]
    assert "calls" not in trace
    flat = FlatCallTracer().trace(traced)
    assert [len(each["traceAddress"]) for each in flat] == [*range(depth)]


@pytest.mark.parametrize("tracer", [CallTracer(), FlatCallTracer(), FourByteTracer()])
def test_events_of_other_tracers_are_refused(tracer: Tracer) -> None:
    whole = call_of(0, b"abcd", ADDRESSES[0]) + END
    broken = [whole[:-1], whole[:40], b"\x05" + whole, whole + b"\x63", b"\x10" + bytes(84)]
    if not isinstance(tracer, FourByteTracer):  # which reads calls alone
        broken += [END, whole + END, whole[: -len(END)], b"\x40" + bytes(25)]
    for events in broken:
        with pytest.raises(InputError, match="none that such a tracer has recorded"):
            tracer.trace(replace(TRACED, events=events))


def test_a_tracer_in_python_has_json_too() -> None:
    class Depth(Tracer):
        def trace(self, traced: TracedTransaction) -> Any:
            return {"gas": traced.transaction.gas}

    made = traces(Depth())
    assert json.loads(made.json())[7] == made[7] == {"gas": FILE.block.transactions[7].gas}
