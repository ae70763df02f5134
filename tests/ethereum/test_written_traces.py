"""Pre-states and instructions as the native core writes them, against plain Python."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.pre_state_model import PreStates
from tests.ethereum.step_trace_model import Lines, StructLogs
from tests.ethereum.traced_files import traces_of
from tests.fixtures import mainnet_block

from blockstm.errors import InputError
from blockstm.ethereum import read_block_file
from blockstm.ethereum.tracing import JsonLogger, PrestateTracer, StructLogger, Tracer
from blockstm.vm.evm.execution import FAILURES, Execution
from blockstm.vm.forks import fork_named

PRE_STATES: list[dict[str, bool]] = [
    {},
    {"diff_mode": True},
    {"disable_code": True, "include_empty": True},
    {"disable_storage": True},
    {"diff_mode": True, "disable_code": True},
    {"diff_mode": True, "disable_storage": True},
]
STEPS: list[tuple[Tracer, Tracer]] = [
    (StructLogger(), StructLogs()),
    (
        StructLogger(enable_memory=True, enable_return_data=True, disable_stack=True),
        StructLogs(enable_memory=True, enable_return_data=True, disable_stack=True),
    ),
    (
        StructLogger(disable_storage=True, limit=7),
        StructLogs(disable_storage=True, limit=7),
    ),
    (JsonLogger(), Lines()),
    (
        JsonLogger(enable_memory=True, enable_return_data=True),
        Lines(enable_memory=True, enable_return_data=True),
    ),
    (JsonLogger(disable_stack=True), Lines(disable_stack=True)),
]
NUMBERS = [12300570, 19426587]
FILES = {number: read_block_file(mainnet_block(number)) for number in NUMBERS}


def same_as(made: Any, model: Tracer, places: Any) -> None:
    for index in places:
        traced = made._traced(index)
        expected = model.trace(traced)
        assert made[index] == expected
        assert made.tracer.trace(traced) == expected
        assert json.loads(made.json(index)) == expected


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("options", PRE_STATES)
def test_pre_states_of_mainnet_are_those_of_the_model(
    number: int, options: dict[str, bool]
) -> None:
    made = traces_of(FILES[number], PrestateTracer(**options), workers=2)
    same_as(made, PreStates(**options), range(len(made)))


@pytest.mark.parametrize(("tracer", "model"), STEPS)
def test_instructions_of_mainnet_are_those_of_the_model(tracer: Tracer, model: Tracer) -> None:
    made = traces_of(FILES[12300570], tracer, workers=2)
    same_as(made, model, range(0, len(made), 60))


# ---- events that no EVM gave

ADDRESSES = [bytes(19) + bytes([number]) for number in range(1, 7)]
CODES = {bytes([number]) * 32: bytes([number]) * number for number in (1, 2, 60)}
addresses = st.sampled_from(ADDRESSES)
hashes = st.sampled_from([bytes(32), *CODES])
words = st.sampled_from([0, 1, 15, 16, 255, 256, 2**64, 2**255]) | st.integers(0, 2**256 - 1)
small = st.integers(0, 2)
forks = st.sampled_from(["homestead", "spuriousdragon", "shanghai", "cancun", "osaka"])


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@st.composite
def pre_states(draw: st.DrawFn) -> bytes:
    """What a transaction might have had to do with."""
    events = b""
    for tag in (b"\x0a", b"\x0b"):  # created, gone
        events += b"".join(tag + each for each in draw(st.lists(addresses, max_size=3)))
    for address in sorted(draw(st.sets(addresses))):
        before, after = draw(small), draw(small | words)
        nonces = draw(st.tuples(small, small))
        events += b"\x07" + address + word(before) + word(after)
        events += struct.pack("<QQ", *nonces) + draw(hashes) + draw(hashes)
        for key in draw(st.sets(words, max_size=3)):
            events += b"\x09" + address + word(key) + word(draw(small)) + word(draw(small))
    return events


BLANK = traces_of(FILES[12300570], StructLogger())._traced(3)


@settings(max_examples=300, deadline=None)
@given(pre_states(), forks, st.sampled_from(PRE_STATES))
def test_pre_states_are_shown_as_the_model_shows_them(
    events: bytes, fork: str, options: dict[str, bool]
) -> None:
    traced = replace(BLANK, events=events, fork=fork_named(fork), code_with=CODES.__getitem__)
    made = PrestateTracer(**options).trace(traced)
    expected = PreStates(**options).trace(traced)
    assert json.dumps(made) == json.dumps(expected)  # in the same order, too


opcodes = st.integers(0, 255) | st.sampled_from([0, 0x44, 0x55, 0x5F, 0x60, 0x7F, 0xF0, 0xF1, 0xF5])
failures = st.just(0) | st.integers(0, len(FAILURES) - 1)
amounts = st.integers(0, 100_000)


@st.composite
def instructions(draw: st.DrawFn) -> bytes:
    """Some instructions of a frame, with all that may be told between their begin and end."""
    events = b""
    for _ in range(draw(st.integers(0, 5))):
        stack = draw(st.lists(words, max_size=4))
        memory, returned = draw(st.binary(max_size=70)), draw(st.binary(max_size=5))
        events += b"\x05" + struct.pack(
            "<BIqHqHQH",
            *(draw(opcodes), draw(amounts), draw(amounts), draw(st.integers(0, 2))),
            *(draw(st.integers(-3, 3)), draw(st.integers(0, 999)), draw(amounts), len(stack)),
        )
        events += b"".join(each.to_bytes(32, "little") for each in stack)
        events += struct.pack("<I", len(memory)) + memory
        events += struct.pack("<I", len(returned)) + returned
        if draw(st.booleans()):
            tag = draw(st.sampled_from([b"\x10", b"\x20"]))
            events += tag + draw(addresses) + word(draw(small)) + word(draw(words))
        if draw(st.booleans()):
            events += b"\x0d" + struct.pack("<q", draw(st.integers(-9, 9)))
        if draw(st.booleans()):
            events += b"\x80" + draw(addresses) * 2 + word(5)
        failure = draw(failures)
        if failure and draw(st.booleans()):
            fault = (draw(opcodes), draw(st.integers(0, 1024)), draw(amounts), failure)
            events += b"\x03" + struct.pack("<BHqB", *fault)
        events += b"\x02" + struct.pack("<qB", draw(amounts), failure)
    return events


@st.composite
def frames(draw: st.DrawFn, depth: int = 0) -> bytes:
    """A call with its instructions and the calls within it."""
    kind, given_data = draw(st.integers(0, 5)), draw(st.binary(max_size=70))
    events = b"\x04" + struct.pack("<BHB", kind, depth, 0) + draw(addresses) * 3 + word(0)
    events += struct.pack("<qI", draw(amounts), len(given_data)) + given_data
    events += draw(instructions())
    for _ in range(draw(st.integers(0, 2)) if depth < 2 else 0):
        events += draw(frames(depth + 1)) + draw(instructions())
    failure, output = draw(failures), draw(st.binary(max_size=9))
    events += b"\x08" + struct.pack("<BHBB", kind, depth, failure == 0, failure)
    events += struct.pack("<q", draw(amounts)) + bytes(20)
    return events + struct.pack("<I", len(output)) + output


def execution(succeeded: bool) -> Execution:
    """What came of a transaction."""
    output = b"\x01\x23"
    head = struct.pack("<BBQQQII", succeeded, 0, 21_000, 21_000, 0, len(output), 0)
    return Execution(head + output + struct.pack("<I", 0))


@settings(max_examples=100, deadline=None)
@given(frames(), forks, st.booleans(), st.booleans())
def test_instructions_are_shown_as_the_model_shows_them(
    events: bytes, fork: str, creates: bool, succeeded: bool
) -> None:
    traced = replace(
        BLANK,
        events=events,
        fork=fork_named(fork),
        transaction=replace(BLANK.transaction, to=None if creates else ADDRESSES[0]),
        execution=execution(succeeded),
    )
    for tracer, model in STEPS:
        expected = model.trace(traced)
        assert json.dumps(tracer.trace(traced)) == json.dumps(expected)
        assert json.loads(tracer.json(traced)) == expected


STEP = b"\x05" + struct.pack("<BIqHqHQH", 1, 0, 9, 0, 0, 3, 0, 0) + bytes(8)
SEEN = b"\x07" + ADDRESSES[0] + bytes(144)


@pytest.mark.parametrize(
    ("tracer", "events"),
    [
        (PrestateTracer(), SEEN[:-1]),
        (PrestateTracer(), SEEN + b"\x05"),
        (PrestateTracer(), b"\x09" + ADDRESSES[0] + bytes(96)),  # a slot of no account
        (PrestateTracer(), SEEN + b"\x09" + ADDRESSES[1] + bytes(96)),
        (PrestateTracer(diff_mode=True), SEEN + b"\x0a" + bytes(19)),
        (StructLogger(), STEP[:-1]),
        (StructLogger(), STEP + b"\x07"),
        (JsonLogger(), STEP + b"\x02" + bytes(8)),
        (JsonLogger(), b"\x08" + bytes(37)),  # the end of a call that has not begun
    ],
)
def test_events_of_other_tracers_are_refused(tracer: Tracer, events: bytes) -> None:
    with pytest.raises(InputError, match="none that such a tracer has recorded"):
        tracer.json(replace(BLANK, events=events))
    with pytest.raises(InputError, match="none that such a tracer has recorded"):
        tracer.trace(replace(BLANK, events=events))
