"""The transactions of a block as native memory; see the ``.pyx``."""
from libc.stdint cimport uint8_t, uint64_t
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Span


cdef class TransactionList:
    cdef readonly object transactions  # as they were given
    cdef list held                     # their encodings or parts, which the spans point into
    cdef vector[Span] spans            # empty where there is no encoding
    cdef vector[uint8_t] is_decoded    # whether the encoding says all about it

    cdef uint64_t payload_size(self) noexcept
