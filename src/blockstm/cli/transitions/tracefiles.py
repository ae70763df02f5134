"""The files of ``t8n`` that say what transactions did inside: traces, counts of instructions.

Tracers and the forms of records are loaded when they are asked for.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from blockstm.cli.transitions.failures import CONFIG, TransitionFailure
from blockstm.cli.transitions.files import Outputs
from blockstm.cli.transitions.request import Answer
from blockstm.errors import ConfigError
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.tracing import Tracer
from blockstm.vm.evm.inspection import Recorder

__all__ = ["add_trace_options", "counter_of", "tracer_of", "write_counts", "write_traces"]

_SWITCHES = (
    ("--trace", "EIP-3155 lines of each transaction, in files trace-INDEX-HASH.jsonl"),
    ("--trace.memory", "with memory"),
    ("--trace.nostack", "without the stack"),
    ("--trace.returndata", "with the return data"),
)


def add_trace_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of traces."""
    for name, text in _SWITCHES:
        parser.add_argument(
            name, dest=name.removeprefix("--").replace(".", "_"), action="store_true", help=text
        )
    parser.add_argument(
        "--trace.tracer",
        dest="trace_tracer",
        default="",
        metavar="NAME",
        help="what it tells of each transaction, in files trace-INDEX-HASH.json: callTracer, "
        "flatCallTracer, prestateTracer, 4byteTracer, noopTracer, structLogger",
    )
    parser.add_argument(
        "--trace.jsonconfig",
        dest="trace_jsonconfig",
        default="",
        metavar="JSON",
        help="the options of that tracer",
    )


def tracer_of(args: argparse.Namespace) -> Tracer | None:
    """The tracer that the arguments ask for.

    Raises:
        TransitionFailure: there is no such tracer, or not with these options.
    """
    if not (args.trace or args.trace_tracer):
        return None
    from blockstm.ethereum.tracing import JsonLogger, tracer_named  # few ask for them

    if args.trace_tracer:
        try:
            options = json.loads(args.trace_jsonconfig) if args.trace_jsonconfig else None
            return tracer_named(args.trace_tracer, options)
        except (ConfigError, ValueError, RecursionError) as error:
            raise TransitionFailure(CONFIG, f"failed instantiating tracer: {error}") from error
    return JsonLogger(
        enable_memory=args.trace_memory,
        disable_stack=args.trace_nostack,
        enable_return_data=args.trace_returndata,
    )


def counter_of(args: argparse.Namespace) -> Recorder | None:
    """What counts instructions, where the arguments ask for it."""
    if not args.opcode_count:
        return None
    from blockstm.vm.evm.recording import COUNTS  # few ask for them

    return Recorder(COUNTS)


def write_traces(answer: Answer, outputs: Outputs) -> None:
    """A file for each transaction that fits; none where no tracer was asked for."""
    traces = answer.made.executed.traces
    if not traces:
        return
    from blockstm.ethereum.tracing import JsonLogger, Traces  # few ask for them

    assert isinstance(traces, Traces)
    has_lines = isinstance(traces.tracer, JsonLogger)
    for index, transaction in enumerate(answer.made.block.transactions):
        name = f"trace-{index}-{shown(transaction.hash)}.json"
        if has_lines:
            outputs.write(f"{name}l", traces[index])
        else:
            outputs.write(name, traces.json(index).decode())


def write_counts(recorder: Recorder, name: str, outputs: Outputs) -> None:
    """How often each instruction began, those of system calls included."""
    # Loaded for those few who ask for counts.
    from blockstm.ethereum.tracing.opcodes import opcode_name
    from blockstm.vm.evm.recording import Counts, read_events

    total: Counter[str] = Counter()
    for events in recorder.events.values():
        for event in read_events(events):
            if isinstance(event, Counts):
                total.update({opcode_name(each): n for each, n in enumerate(event.counts) if n})
    outputs.write(name, json.dumps(total, indent=1))
