"""Tracers: what transactions of a block did inside, in the forms that go-ethereum gives it.

The native core records in parallel, run by run; a trace is made of the events of the run that
counts, when it is asked for.

Imports point down::

    traces        the traces of a block
    directory     tracers by the names and options that nodes give them
    pre_states    prestateTracer: the accounts and slots that a transaction has to do with
    struct_logs   instructions: the logs of ``debug_trace...``, and lines as of EIP-3155
    flat_calls    flatCallTracer: calls one behind the other
    selectors     4byteTracer: which functions were called
    call_frames   callTracer: calls within calls
    failures      why a call failed, in go-ethereum's words
    opcodes       opcodes by go-ethereum's names
    tracer        what a tracer is, and what it is given
"""

from typing import TYPE_CHECKING

from blockstm import lazy_names

__all__ = [
    "CallTracer",
    "FlatCallTracer",
    "FourByteTracer",
    "JsonLogger",
    "NoopTracer",
    "PrestateTracer",
    "StructLogger",
    "TracedTransaction",
    "Tracer",
    "Traces",
    "tracer_named",
]

if TYPE_CHECKING:
    from blockstm.ethereum.tracing.call_frames import CallTracer
    from blockstm.ethereum.tracing.directory import tracer_named
    from blockstm.ethereum.tracing.flat_calls import FlatCallTracer
    from blockstm.ethereum.tracing.pre_states import PrestateTracer
    from blockstm.ethereum.tracing.selectors import FourByteTracer
    from blockstm.ethereum.tracing.struct_logs import JsonLogger, StructLogger
    from blockstm.ethereum.tracing.tracer import NoopTracer, TracedTransaction, Tracer
    from blockstm.ethereum.tracing.traces import Traces
else:  # to a type checker, a module with this function has every name there could be
    __getattr__, __dir__ = lazy_names.of(
        __name__,
        {
            "call_frames": "CallTracer",
            "directory": "tracer_named",
            "flat_calls": "FlatCallTracer",
            "pre_states": "PrestateTracer",
            "selectors": "FourByteTracer",
            "struct_logs": "JsonLogger StructLogger",
            "tracer": "NoopTracer TracedTransaction Tracer",
            "traces": "Traces",
        },
    )
