"""What the receipts of a block are made of, in native memory; see the ``.pyx``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Span
from blockstm._native.wire cimport receipt_list


cdef class ReceiptColumns:
    cdef readonly bytes types
    cdef object held               # what `logs` points into
    cdef vector[uint8_t] successes
    cdef vector[uint64_t] totals   # of gas, up to and with each
    cdef vector[Span] logs

    cdef int take(self, bytes types, object held) except -1
    cdef int encode_into(
        self, receipt_list.BlockReceipts& done, uint32_t workers, list roots, uint64_t kept_max
    ) except -1
    cdef int add(self, bint succeeded, uint64_t gas_used, const uint8_t* logs, uint64_t size) except -1
