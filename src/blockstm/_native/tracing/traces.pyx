# distutils: sources = src/blockstm/_native/tracing/block_traces.cpp src/blockstm/_native/tracing/call_frames.cpp src/blockstm/_native/tracing/failures.cpp src/blockstm/_native/tracing/flat_calls.cpp src/blockstm/_native/tracing/instructions.cpp src/blockstm/_native/tracing/json_lines.cpp src/blockstm/_native/tracing/json_writer.cpp src/blockstm/_native/tracing/nested_calls.cpp src/blockstm/_native/tracing/pre_states.cpp src/blockstm/_native/tracing/revert_reasons.cpp src/blockstm/_native/tracing/seen_accounts.cpp src/blockstm/_native/tracing/selectors.cpp src/blockstm/_native/tracing/struct_logs.cpp
"""Traces as JSON, made of what a block has recorded, without the GIL.

Immutable; safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

from blockstm._native.base.pages cimport pages_wish
from blockstm._native.base.bytes cimport Address, Bytes, Hash32, Span
from blockstm._native.evm.fields cimport copy_bytes, short, word
from blockstm._native.evm.forks.tables cimport Fork, fork_of
from blockstm._native.evm.prepared cimport EvmBlock

from blockstm.errors import InputError, TraceTooLarge


FORMS = ("nested", "flat", "selectors", "pre-state", "struct logs", "lines")
"""As trace_forms.hpp has them."""

cdef enum:
    GAS_USED_AT = 2
    SIZES_AT = 26
    HEAD_SIZE = 34
    DIGITS_OF_BYTE = 2


cdef int check(Reading reading, uint64_t json_bytes_max=UINT64_MAX) except -1:
    if reading == Reading.TooLarge:
        raise TraceTooLarge(f"traces have more than {json_bytes_max} bytes as JSON, which is their tracer's bound")
    if reading == Reading.NoMemory:
        raise MemoryError
    if reading != Reading.Done:
        raise InputError("these events are none that such a tracer has recorded")
    return 0


cdef bytes bytes_of(Bytes& held):
    return PyBytes_FromStringAndSize(<const char*>held.data(), held.size())


cdef int set_precompiles(TracedPlace* place, bytes precompiles) except -1:
    place.precompiles = <const Address*>PyBytes_AS_STRING(precompiles)
    place.precompile_count = PyBytes_GET_SIZE(precompiles) // sizeof(Address)
    return 0


cdef class TraceForm:
    """How a tracer shows what was recorded.

    Args:
        name: one of `FORMS`.
        only_top: nested: without the calls within the transaction's own.
        converts_errors: flat: failures in OpenEthereum's words.
        has_precompiles: flat: calls of precompiled contracts are shown.
        is_diff: pre-state: what changed, before and after.
        has_code: pre-state: with code.
        has_storage: pre-state, struct logs: with slots.
        has_empty: pre-state: with accounts that do not exist.
        has_stack: struct logs, lines: with the stack.
        limit: struct logs: instructions that are shown; 0: all.
    """

    cdef TraceOptions options

    def __init__(
        self, str name, *, bint only_top=False, bint converts_errors=False, bint has_precompiles=False,
        bint is_diff=False, bint has_code=True, bint has_storage=True, bint has_empty=False, bint has_stack=True,
        uint64_t limit=0
    ):
        cdef TraceOptions* options = &self.options
        options.form = <CTraceForm><int>FORMS.index(name)
        options.only_top, options.converts_errors, options.has_precompiles = only_top, converts_errors, has_precompiles
        options.is_diff, options.has_code, options.has_storage = is_diff, has_code, has_storage
        options.has_empty, options.has_stack, options.limit = has_empty, has_stack, limit

    def json(
        self, str fork, bytes events, transaction, result, place, bytes precompiles, code_with,
        uint64_t json_bytes_max=UINT64_MAX
    ):
        """The trace of one run.

        ``transaction``: gas that it bought, sender, to (None: it creates), value, data. ``result``: whether it
        succeeded, gas that it used, how many logs are before it, output. ``place``: the block's hash and number, the
        transaction's hash and index. ``precompiles``: addresses of 20 bytes one behind the other, ascending.
        ``code_with``: the code of a hash.

        Raises:
            InputError: the events are none of such a tracer.
            TraceTooLarge: it is more than ``json_bytes_max``.
        """
        cdef TraceOptions options = self.options
        cdef TracedRun run
        cdef TracedPlace where
        cdef TraceWriter traces
        cdef CodeSpans codes
        cdef Bytes out
        cdef Reading reading
        cdef Span recorded = span_of(events)
        run.fork = fork_of(fork)
        fill_run(&run, transaction, result)
        block_hash, number, hash, index = place
        copy_bytes(&where.block_hash, block_hash, 32, "a block's hash")
        copy_bytes(&where.hash, hash, 32, "a transaction's hash")
        where.block_number, where.index = number, index
        set_precompiles(&where, precompiles)
        options.text_max = json_bytes_max
        kept = add_codes(&codes, &options, run.fork, &recorded, 1, code_with)
        with nogil:
            reading = traces.write(options, where, run, recorded, codes, out)
        check(reading, options.text_max)
        return bytes_of(out)


cdef int fill_run(TracedRun* run, transaction, result) except -1:
    gas, sender, to, value, data = transaction
    succeeded, gas_used, first_log, output = result
    run.gas, run.value, run.input = short(gas, "a gas limit"), word(value, "a value"), span_of(data)
    copy_bytes(&run.sender, sender, 20, "a sender")
    run.creates = to is None
    if to is not None:
        copy_bytes(&run.to, to, 20, "a receiver")
    run.result.succeeded, run.result.gas_used = succeeded, short(gas_used, "gas")
    run.result.first_log, run.result.output = first_log, span_of(output)
    return 0


cdef list add_codes(
    CodeSpans* codes, const TraceOptions* options, Fork fork, const Span* events, uint64_t count, code_with
):
    """Add the code that the traces of these events show; what holds it."""
    cdef ShownCodes shown
    cdef Reading reading = Reading.Done
    cdef const Hash32* hash
    cdef uint64_t place
    cdef bytes code
    cdef list kept = []
    if options.form != CTraceForm.PreState or not options.has_code:
        return kept
    with nogil:
        for place in range(count):
            reading = shown.read(options[0], fork, events[place])
            if reading != Reading.Done:
                break
        shown.sort()
    check(reading)
    for place in range(shown.size()):
        hash = shown.begin() + place
        code = code_with(<bytes>hash.bytes[:32])
        kept.append(code)
        if not codes.add(hash[0], span_of(code)):
            raise MemoryError
        if codes.size() > options.text_max // DIGITS_OF_BYTE:
            check(Reading.TooLarge, options.text_max)
    return kept


cdef Span span_of(bytes held):
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(held), PyBytes_GET_SIZE(held)
    return span


cdef class BlockTraces:
    """The traces of all transactions of a block that has run, and has kept what it recorded (`EvmBlock.keep`).

    Args:
        form: how they are shown.
        block: its steps are a start, the transactions, an end.
        outcomes: of all steps; of the engine, or whatever has the bytes of each output as its value's ``raw``.
        block_hash, block_number: of the block.
        precompiles: addresses of 20 bytes one behind the other, ascending.
        hashes: of the transactions, 32 bytes each; empty where the form shows none and none is named.
        code_with: the code of a hash.
        json_bytes_max: how much is written at once; and of the code of all traces.

    Raises:
        ValueError: an output is none of a transaction.
        InputError: what was recorded is nothing for this form.
        TraceTooLarge: there is more than ``json_bytes_max``; `one` and `listed` raise it, too.
    """

    cdef TracedBlock traced
    cdef EvmBlock block            # what `traced` points into, and these
    cdef bytes precompiles
    cdef bytes hashes
    cdef object outcomes
    cdef const uint8_t[::1] outputs
    cdef vector[TracedResult] results
    cdef CodeSpans codes
    cdef list kept_codes           # what `codes` points into

    def __init__(
        self, TraceForm form not None, EvmBlock block not None, outcomes, block_hash, block_number, bytes precompiles,
        bytes hashes, code_with, uint64_t json_bytes_max=UINT64_MAX
    ):
        cdef TracedBlock* traced = &self.traced
        self.block, self.precompiles, self.hashes, self.outcomes = block, precompiles, hashes, outcomes
        traced.options, traced.fork = form.options, block.prepared.env.fork
        traced.options.text_max = json_bytes_max
        traced.count = block.count - 2
        copy_bytes(&traced.place.block_hash, block_hash, 32, "a block's hash")
        traced.place.block_number = block_number
        set_precompiles(&traced.place, precompiles)
        if block.prepared.kept() == NULL:
            raise ValueError("the block has kept nothing that it recorded")
        if hashes and <uint64_t>len(hashes) != traced.count * sizeof(Hash32):
            raise ValueError(f"{len(hashes)} bytes are no hashes of {traced.count} transactions")
        traced.steps, traced.recordings = &block.prepared.steps, block.prepared.kept() + 1
        traced.hashes = <const Hash32*>PyBytes_AS_STRING(hashes) if hashes else NULL
        self.read_outcomes()
        self.read_codes(code_with)
        traced.results, traced.codes = self.results.data(), &self.codes

    cdef int read_codes(self, code_with) except -1:
        cdef vector[Span] events
        cdef uint64_t place
        for place in range(self.traced.count):
            events.push_back(c_span_of(self.traced.recordings[place]))
        self.kept_codes = add_codes(
            &self.codes, &self.traced.options, self.traced.fork, events.data(), events.size(), code_with
        )
        return 0

    cdef int read_outcomes(self) except -1:
        """What came of each, and how many logs there were before it."""
        cdef uint64_t place, begin, logs = 0
        output, ends_of = flat_outputs(self.outcomes)
        self.outputs = output
        cdef const uint64_t[::1] ends = ends_of
        if <uint64_t>ends.shape[0] != self.traced.count + 2:
            raise ValueError(f"{ends.shape[0]} outputs of the steps of {self.traced.count} transactions")
        for place in range(1, self.traced.count + 1):
            begin = ends[place - 1]
            self.add(&self.outputs[begin] if ends[place] > begin else NULL, ends[place] - begin, &logs)
        return 0

    cdef int add(self, const uint8_t* output, uint64_t size, uint64_t* logs) except -1:
        cdef TracedResult result
        cdef uint64_t logs_at
        cdef uint32_t sizes[2]
        cdef uint32_t count
        if size < HEAD_SIZE + sizeof(count):
            raise ValueError(f"{size} bytes are no output of a transaction")
        memcpy(&result.gas_used, output + GAS_USED_AT, sizeof(result.gas_used))
        memcpy(sizes, output + SIZES_AT, sizeof(sizes))
        logs_at = HEAD_SIZE + <uint64_t>sizes[0] + sizes[1]
        if logs_at + sizeof(count) > size:
            raise ValueError(f"{size} bytes are no output of a transaction")
        memcpy(&count, output + logs_at, sizeof(count))
        result.succeeded, result.first_log = output[0] & 1, logs[0]
        result.output.data, result.output.size = output + HEAD_SIZE, sizes[0]
        self.results.push_back(result)
        logs[0] += count
        return 0

    def one(self, uint64_t index):
        """The trace of one transaction as JSON."""
        cdef TraceWriter traces
        cdef Bytes out
        cdef Reading reading
        if index >= self.traced.count:
            raise IndexError(index)
        with nogil:
            reading = traces.write(self.traced, index, self.traced.options.text_max, out)
        check(reading, self.traced.options.text_max)
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
        check(reading, self.traced.options.text_max)
        made = PyBytes_FromStringAndSize(NULL, traces.size())
        out = <uint8_t*>PyBytes_AS_STRING(made)
        with nogil:
            pages_wish(out, traces.size())
            traces.copy_to(out, threads)
        return made


cdef tuple flat_outputs(outcomes):
    """All outputs one behind the other, and where each ends; it is read while ``outcomes`` are there."""
    from array import array
    from itertools import accumulate

    if hasattr(outcomes, "flat_outputs"):
        return outcomes.flat_outputs()
    listed = [getattr(outcome.value, "raw", b"") for outcome in outcomes]
    return b"".join(listed), array("Q", accumulate(map(len, listed)))


def instruction_lines(str fork, bytes events, bint has_stack) -> str:
    """Lines as of EIP-3155, of what was recorded of instructions and calls.

    Raises:
        InputError: the events are none of these.
    """
    cdef Bytes out
    cdef Reading reading
    cdef Span recorded = span_of(events)
    cdef Fork rules = fork_of(fork)
    cdef TraceOptions options
    options.has_stack = has_stack
    with nogil:
        reading = write_lines(recorded, rules, options, out)
    check(reading)
    return bytes_of(out).decode()
