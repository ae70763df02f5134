"""The transactions of a block as native memory; see the ``.pyx``."""
from libc.stdint cimport uint8_t, uint64_t
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Span


cdef class TransactionList:
    cdef object given                  # the transactions; None where nobody has asked for them yet
    cdef object kind                   # then: what class's objects they are to be, ...
    cdef object held                   # ... and the block; else their encodings or parts: what the spans point into
    cdef vector[Span] spans            # empty where there is no encoding
    cdef vector[uint8_t] is_decoded    # whether the encoding says all about it

    cdef object made(self)
    cdef uint64_t payload_size(self) noexcept
