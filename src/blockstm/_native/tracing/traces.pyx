# distutils: sources = src/blockstm/_native/tracing/block_traces.cpp src/blockstm/_native/tracing/call_frames.cpp src/blockstm/_native/tracing/failures.cpp src/blockstm/_native/tracing/flat_calls.cpp src/blockstm/_native/tracing/json_writer.cpp src/blockstm/_native/tracing/nested_calls.cpp src/blockstm/_native/tracing/revert_reasons.cpp src/blockstm/_native/tracing/selectors.cpp
"""Traces of calls as JSON, made of what a block has recorded, without the GIL.

Immutable; safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Address, Bytes, Hash32, Span
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.evm.fields cimport copy_bytes, short, word
from blockstm._native.evm.forks.tables cimport Fork, fork_of
from blockstm._native.evm.prepared cimport EvmBlock, Step

from blockstm.errors import InputError


cdef extern from "evm/run/frame.hpp" namespace "blockstm::evm" nogil:
    enum class CallKind(uint8_t):
        Call
        Create

    enum class Failure(uint8_t):
        pass


cdef extern from "tracing/call_events.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass CallBegan:
        CallKind kind
        Address code_address
        int64_t gas
        Span input

    cdef cppclass Fault:
        uint8_t opcode
        uint16_t height
        int64_t gas


cdef extern from "tracing/failures.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass Words:
        const char* text
        uint64_t size

    Words c_call_failure "blockstm::tracing::call_failure"(
        Failure failure, const Fault* fault, Fork fork, const CallBegan& began
    )
    Words c_step_failure "blockstm::tracing::step_failure"(Failure failure, const Fault& fault, Fork fork)


cdef extern from "tracing/call_frames.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass TracedRun:
        Fork fork
        uint64_t gas
        uint64_t gas_used
        uint64_t first_log
        Address sender
        Address to
        cbool creates
        u256 value
        Span input

    enum class Reading(uint8_t):
        Done
        NoMemory
        Malformed

    cdef cppclass CallFrames:
        pass


cdef extern from "tracing/call_forms.hpp" namespace "blockstm::tracing" nogil:
    enum class CForm "blockstm::tracing::CallForm"(uint8_t):
        pass

    cdef cppclass CallOptions:
        CForm form
        cbool only_top
        cbool converts_errors
        cbool has_precompiles

    cdef cppclass TracedPlace:
        Hash32 block_hash
        uint64_t block_number
        Hash32 hash
        uint64_t index
        const Address* precompiles
        uint64_t precompile_count


cdef extern from "tracing/block_traces.hpp" namespace "blockstm::tracing" nogil:
    cdef cppclass TracedBlock:
        CallOptions options
        Fork fork
        TracedPlace place
        const Step* steps
        const Bytes* recordings
        const uint64_t* gas_used
        const uint64_t* first_logs
        const Hash32* hashes
        uint64_t count

    Reading write_trace(
        const CallOptions& options, const TracedPlace& place, const TracedRun& run, Span events, CallFrames& frames,
        Bytes& out
    )
    Reading write_trace_at(const TracedBlock& block, uint64_t index, CallFrames& frames, Bytes& out)

    cdef cppclass TraceList:
        Reading write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads, cbool is_named)
        uint64_t size()
        void copy_to(uint8_t* out)


FORMS = ("nested", "flat", "selectors")
"""As call_forms.hpp has them."""

cdef enum:
    GAS_USED_AT = 2
    SIZES_AT = 26
    HEAD_SIZE = 34


cdef int check(Reading reading) except -1:
    if reading == Reading.NoMemory:
        raise MemoryError
    if reading != Reading.Done:
        raise InputError("these events are none that a tracer of calls has recorded")
    return 0


cdef bytes bytes_of(Bytes& held):
    return PyBytes_FromStringAndSize(<const char*>held.data(), held.size())


cdef int set_precompiles(TracedPlace* place, bytes precompiles) except -1:
    place.precompiles = <const Address*>PyBytes_AS_STRING(precompiles)
    place.precompile_count = PyBytes_GET_SIZE(precompiles) // sizeof(Address)
    return 0


cdef class CallForm:
    """How a tracer shows calls.

    Args:
        name: one of `FORMS`.
        only_top: nested: without the calls within the transaction's own.
        converts_errors: flat: failures in OpenEthereum's words.
        has_precompiles: flat: calls of precompiled contracts are shown.
    """

    cdef CallOptions options

    def __init__(self, str name, *, bint only_top=False, bint converts_errors=False, bint has_precompiles=False):
        self.options.form = <CForm><int>FORMS.index(name)
        self.options.only_top, self.options.converts_errors = only_top, converts_errors
        self.options.has_precompiles = has_precompiles

    def json(self, str fork, bytes events, transaction, place, bytes precompiles):
        """The trace of one run.

        ``transaction``: gas that it bought and used, how many logs are before it, sender, to (None: it creates), value,
        data. ``place``: the block's hash and number, the transaction's hash and index. ``precompiles``: addresses of
        20 bytes one behind the other, ascending.

        Raises:
            InputError: the events are none of calls.
        """
        cdef TracedRun run
        cdef TracedPlace where
        cdef CallFrames frames
        cdef Bytes out
        cdef Reading reading
        cdef Span recorded
        gas, gas_used, first_log, sender, to, value, data = transaction
        block_hash, number, hash, index = place
        run.fork, run.gas, run.gas_used = fork_of(fork), short(gas, "a gas limit"), short(gas_used, "gas")
        run.first_log = first_log
        copy_bytes(&run.sender, sender, 20, "a sender")
        run.creates = to is None
        if to is not None:
            copy_bytes(&run.to, to, 20, "a receiver")
        run.value = word(value, "a value")
        run.input = span_of(data)
        copy_bytes(&where.block_hash, block_hash, 32, "a block's hash")
        copy_bytes(&where.hash, hash, 32, "a transaction's hash")
        where.block_number, where.index = number, index
        set_precompiles(&where, precompiles)
        recorded = span_of(events)
        with nogil:
            reading = write_trace(self.options, where, run, recorded, frames, out)
        check(reading)
        return bytes_of(out)


cdef Span span_of(bytes held):
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(held), PyBytes_GET_SIZE(held)
    return span


cdef class BlockTraces:
    """The traces of all transactions of a block that has run, and has kept what it recorded (`EvmBlock.keep`).

    Args:
        form: how calls are shown.
        block: its steps are a start, the transactions, an end.
        outcomes: of all steps; of the engine, or whatever has the bytes of each output as its value's ``raw``.
        block_hash, block_number: of the block.
        precompiles: addresses of 20 bytes one behind the other, ascending.
        hashes: of the transactions, 32 bytes each; empty where the form shows none and none is named.

    Raises:
        ValueError: an output is none of a transaction.
    """

    cdef TracedBlock traced
    cdef EvmBlock block            # what `traced` points into, and these
    cdef bytes precompiles
    cdef bytes hashes
    cdef vector[uint64_t] gas_used
    cdef vector[uint64_t] first_logs

    def __init__(
        self, CallForm form not None, EvmBlock block not None, outcomes, block_hash, block_number, bytes precompiles,
        bytes hashes
    ):
        cdef TracedBlock* traced = &self.traced
        self.block, self.precompiles, self.hashes = block, precompiles, hashes
        traced.options, traced.fork = form.options, block.prepared.env.fork
        traced.count = block.count - 2
        copy_bytes(&traced.place.block_hash, block_hash, 32, "a block's hash")
        traced.place.block_number = block_number
        set_precompiles(&traced.place, precompiles)
        if block.prepared.kept() == NULL:
            raise ValueError("the block has kept nothing that it recorded")
        if hashes and <uint64_t>len(hashes) != traced.count * sizeof(Hash32):
            raise ValueError(f"{len(hashes)} bytes are no hashes of {traced.count} transactions")
        traced.steps, traced.recordings = &block.prepared.steps[1], block.prepared.kept() + 1
        traced.hashes = <const Hash32*>PyBytes_AS_STRING(hashes) if hashes else NULL
        self.read_outcomes(outcomes)
        traced.gas_used, traced.first_logs = self.gas_used.data(), self.first_logs.data()

    cdef int read_outcomes(self, outcomes) except -1:
        """How much gas each has used, and how many logs there were before it."""
        cdef uint64_t place, begin, logs = 0
        output, ends_of = flat_outputs(outcomes)
        cdef const uint8_t[::1] bytes_of_all = output
        cdef const uint64_t[::1] ends = ends_of
        if <uint64_t>ends.shape[0] != self.traced.count + 2:
            raise ValueError(f"{ends.shape[0]} outputs of the steps of {self.traced.count} transactions")
        for place in range(1, self.traced.count + 1):
            begin = ends[place - 1]
            self.add(&bytes_of_all[begin] if ends[place] > begin else NULL, ends[place] - begin, &logs)
        return 0

    cdef int add(self, const uint8_t* output, uint64_t size, uint64_t* logs) except -1:
        cdef uint64_t used = 0, logs_at
        cdef uint32_t sizes[2]
        cdef uint32_t count
        if size < HEAD_SIZE + sizeof(count):
            raise ValueError(f"{size} bytes are no output of a transaction")
        memcpy(&used, output + GAS_USED_AT, sizeof(used))
        memcpy(sizes, output + SIZES_AT, sizeof(sizes))
        logs_at = HEAD_SIZE + <uint64_t>sizes[0] + sizes[1]
        if logs_at + sizeof(count) > size:
            raise ValueError(f"{size} bytes are no output of a transaction")
        memcpy(&count, output + logs_at, sizeof(count))
        self.gas_used.push_back(used)
        self.first_logs.push_back(logs[0])
        logs[0] += count
        return 0

    def one(self, uint64_t index):
        """The trace of one transaction as JSON."""
        cdef CallFrames frames
        cdef Bytes out
        cdef Reading reading
        if index >= self.traced.count:
            raise IndexError(index)
        with nogil:
            reading = write_trace_at(self.traced, index, frames, out)
        check(reading)
        return bytes_of(out)

    def listed(self, uint64_t first, uint64_t end, uint32_t threads, bint named):
        """The list of those from ``first`` on, before ``end``, as JSON.

        ``named``: of objects with ``txHash`` and the trace as ``result``.
        """
        cdef TraceList traces
        cdef Reading reading
        cdef bytes made
        cdef uint8_t* out
        if not first <= end <= self.traced.count:
            raise IndexError(end)
        if named and self.traced.hashes == NULL and self.traced.count:
            raise ValueError("there are no hashes of the transactions")
        with nogil:
            reading = traces.write(self.traced, first, end, threads, named)
        check(reading)
        made = PyBytes_FromStringAndSize(NULL, traces.size())
        out = <uint8_t*>PyBytes_AS_STRING(made)
        with nogil:
            traces.copy_to(out)
        return made


cdef tuple flat_outputs(outcomes):
    """All outputs one behind the other, and where each ends; it is read while ``outcomes`` are there."""
    from array import array
    from itertools import accumulate

    if hasattr(outcomes, "flat_outputs"):
        return outcomes.flat_outputs()
    listed = [getattr(outcome.value, "raw", b"") for outcome in outcomes]
    return b"".join(listed), array("Q", accumulate(map(len, listed)))


def step_failure(str fork, int failure, int opcode, int height, int64_t gas) -> str:
    """Why an instruction failed that found so many words on the stack, and had so much gas."""
    cdef Fault fault
    fault.opcode, fault.height, fault.gas = opcode, height, gas
    cdef Words words = c_step_failure(<Failure>failure, fault, fork_of(fork))
    return words.text[:words.size].decode()


def call_failure(
    str fork, int failure, fault, bint creates, bytes code_address, bytes input, int64_t gas
) -> str:
    """Why a call failed; ``fault`` is the instruction at which it did, where that is known: opcode, height, gas."""
    cdef CallBegan began
    cdef Fault at
    cdef Words words
    began.kind = CallKind.Create if creates else CallKind.Call
    copy_bytes(&began.code_address, code_address, 20, "an address")
    began.input, began.gas = span_of(input), gas
    if fault is not None:
        at.opcode, at.height, at.gas = fault
    words = c_call_failure(<Failure>failure, <const Fault*>NULL if fault is None else &at, fork_of(fork), began)
    return words.text[:words.size].decode()
