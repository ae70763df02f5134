"""Traces as JSON: what traces.pyx calls in the C++ beside it."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool

from blockstm._native.base.bytes cimport Address, Bytes, Hash32, Span
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.evm.forks.tables cimport Fork
from blockstm._native.evm.prepared cimport StepList


cdef extern from "tracing/events.hpp" namespace "blockstm::tracing" nogil:
    enum class Reading(uint8_t):
        Done
        TooLarge
        NoMemory
        Malformed


cdef extern from "tracing/call_frames.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass TracedResult:
        cbool succeeded
        uint64_t gas_used
        uint64_t first_log
        Span output

    cdef cppclass TracedRun:
        Fork fork
        uint64_t gas
        TracedResult result
        Address sender
        Address to
        cbool creates
        u256 value
        Span input


cdef extern from "tracing/code_spans.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass CodeSpans:
        cbool add(const Hash32& hash, Span code)
        uint64_t size()


cdef extern from "tracing/trace_forms.hpp" namespace "blockstm::tracing" nogil:
    enum class CTraceForm "blockstm::tracing::TraceForm"(uint8_t):
        PreState

    cdef cppclass TraceOptions:
        CTraceForm form
        cbool only_top
        cbool converts_errors
        cbool has_precompiles
        cbool is_diff
        cbool has_code
        cbool has_storage
        cbool has_empty
        cbool has_stack
        uint64_t limit
        uint64_t text_max

    cdef cppclass TracedPlace:
        Hash32 block_hash
        uint64_t block_number
        Hash32 hash
        uint64_t index
        const Address* precompiles
        uint64_t precompile_count

    Reading write_lines(Span events, Fork fork, const TraceOptions& options, Bytes& out)


cdef extern from "tracing/block_traces.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass TracedBlock:
        TraceOptions options
        Fork fork
        TracedPlace place
        const StepList* steps
        const Bytes* recordings
        const TracedResult* results
        const Hash32* hashes
        const CodeSpans* codes
        uint64_t count

    Span c_span_of "blockstm::tracing::span_of"(const Bytes& bytes)

    cdef cppclass TraceWriter:
        Reading write(
            const TraceOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
            const CodeSpans& codes, Bytes& out
        )
        Reading write(const TracedBlock& block, uint64_t index, uint64_t text_max, Bytes& out)

    cdef cppclass ShownCodes:
        Reading read(const TraceOptions& options, Fork fork, Span events)
        void sort()
        const Hash32* begin()
        uint64_t size()

    cdef cppclass TraceList:
        Reading write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads, cbool is_named)
        uint64_t size()
        void copy_to(uint8_t* out, uint32_t threads)
