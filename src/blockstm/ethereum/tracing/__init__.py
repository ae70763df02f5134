"""Tracers: what transactions of a block did inside, in the forms that go-ethereum gives it.

The native core records in parallel, run by run; a trace is made of the events of the run that
counts when it is asked for, and written as JSON by the core itself.

Imports point down::

    directory     tracers by the names and options that nodes give them
    pre_states    prestateTracer: the accounts and slots that a transaction has to do with
    struct_logs   instructions: the logs of ``debug_trace...``, and lines as of EIP-3155
    flat_calls    flatCallTracer: calls one behind the other
    selectors     4byteTracer: which functions were called
    nested_calls  callTracer: calls within calls
    written       tracers whose traces the native core writes: all of these but noopTracer
    traces        the traces of a block
    nested_json   JSON however deep
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
    from blockstm.ethereum.tracing.directory import tracer_named
    from blockstm.ethereum.tracing.flat_calls import FlatCallTracer
    from blockstm.ethereum.tracing.nested_calls import CallTracer
    from blockstm.ethereum.tracing.pre_states import PrestateTracer
    from blockstm.ethereum.tracing.selectors import FourByteTracer
    from blockstm.ethereum.tracing.struct_logs import JsonLogger, StructLogger
    from blockstm.ethereum.tracing.tracer import NoopTracer, TracedTransaction, Tracer
    from blockstm.ethereum.tracing.traces import Traces
else:  # to a type checker, a module with this function has every name there could be
    __getattr__, __dir__ = lazy_names.of(
        __name__,
        {
            "directory": "tracer_named",
            "flat_calls": "FlatCallTracer",
            "nested_calls": "CallTracer",
            "pre_states": "PrestateTracer",
            "selectors": "FourByteTracer",
            "struct_logs": "JsonLogger StructLogger",
            "tracer": "NoopTracer TracedTransaction Tracer",
            "traces": "Traces",
        },
    )
