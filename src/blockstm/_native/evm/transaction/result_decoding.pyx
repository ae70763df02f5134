"""The outputs of a block's transactions, read all at once; their layout is in execute.hpp."""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Span
from blockstm._native.wire.receipts cimport ReceiptColumns

from array import array
from itertools import accumulate

cdef enum:
    SUCCEEDED = 0
    TELLS_NONCE = 4  # beside it
    NONCE_SIZE = 8
    GAS_USED = 2
    GAS_BEFORE_REFUND = 10
    STATE_GAS = 18
    OUTPUT_SIZE = 26
    ACCESSES_SIZE = 30
    HEADER = 34


cdef inline uint64_t word_at(const uint8_t* data, int place) noexcept:
    cdef uint64_t word
    memcpy(&word, data + place, 8)
    return word


cdef struct Sum:
    # Of amounts that may be beyond 64 bits together.
    uint64_t low
    uint64_t high


cdef inline void add_to(Sum* sum, uint64_t amount) noexcept:
    sum.low += amount
    sum.high += sum.low < amount


cdef object number_of(const Sum* sum):
    return (<object>sum.high << 64) + sum.low


cdef class StepResults:
    """What the transactions of a block came to: all its steps but the first and the last. Immutable.

    Args:
        outcomes: of all steps; of the engine, or whatever has the bytes of each output as its value's ``raw``.
        types: of the transactions.

    Attributes:
        receipts: what their receipts are made of.
        gas_used: by all of them after refunds, in gas; what receipts add up.
        execution_gas: before refunds and without state gas, in gas.
        state_gas: for the growth of the state, in gas (EIP-8037).

    Raises:
        ValueError: an output is too short to be one of a transaction.
    """

    cdef readonly ReceiptColumns receipts
    cdef readonly object gas_used
    cdef readonly object execution_gas
    cdef readonly object state_gas
    cdef object held               # what the accesses point into
    cdef vector[Span] accessed

    def __init__(self, outcomes, bytes types):
        cdef Sum used = Sum(0, 0), before = Sum(0, 0), state = Sum(0, 0)
        cdef const uint8_t* data
        cdef const uint8_t* begin
        cdef uint64_t place, size, nonce_size, count = len(types)
        cdef uint32_t output_size, accesses_size
        cdef Span accesses
        self.held = flat_outputs(outcomes)
        output, ends_of = self.held[:2]
        cdef const uint8_t[::1] bytes_of_all = output
        cdef const uint64_t[::1] ends = ends_of
        self.receipts = ReceiptColumns.__new__(ReceiptColumns)
        self.receipts.take(types, self.held)
        if <uint64_t>ends.shape[0] != count + 2:
            raise ValueError(f"{ends.shape[0]} outputs of the steps of {count} transactions")
        self.accessed.reserve(count)
        begin = &bytes_of_all[0] if bytes_of_all.shape[0] else NULL
        for place in range(1, count + 1):
            data, size = begin + ends[place - 1], ends[place] - ends[place - 1]
            if size < HEADER:
                raise ValueError(f"{size} bytes are no output of a transaction")
            memcpy(&output_size, data + OUTPUT_SIZE, 4)
            memcpy(&accesses_size, data + ACCESSES_SIZE, 4)
            nonce_size = NONCE_SIZE if data[SUCCEEDED] & TELLS_NONCE else 0
            if <uint64_t>HEADER + output_size + accesses_size + nonce_size > size:
                raise ValueError(f"{size} bytes are no output of a transaction")
            add_to(&used, word_at(data, GAS_USED))
            add_to(&before, word_at(data, GAS_BEFORE_REFUND))
            add_to(&state, word_at(data, STATE_GAS))
            accesses.data, accesses.size = data + HEADER + output_size, accesses_size
            self.accessed.push_back(accesses)
            self.receipts.add(
                data[SUCCEEDED] & 1, word_at(data, GAS_USED), accesses.data + accesses_size,
                size - HEADER - output_size - accesses_size - nonce_size
            )
        self.gas_used, self.execution_gas = number_of(&used), number_of(&before)
        self.state_gas = number_of(&state)

    def accesses(self):
        """The parts of the block's access list, as flat bytes (accesses.hpp), of each."""
        cdef size_t place
        return [
            PyBytes_FromStringAndSize(<const char*>self.accessed[place].data, self.accessed[place].size)
            for place in range(self.accessed.size())
        ]


cdef tuple flat_outputs(outcomes):
    """All outputs one behind the other, where each ends, and what owns them."""
    if hasattr(outcomes, "flat_outputs"):
        return *outcomes.flat_outputs(), outcomes
    listed = [getattr(outcome.value, "raw", b"") for outcome in outcomes]
    return b"".join(listed), array("Q", accumulate(map(len, listed)))
