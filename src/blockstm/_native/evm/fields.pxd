"""Fields of native structs out of Python's values, and what the structs point to."""
from libc.stdint cimport uint64_t

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.u256.u256 cimport u256


# A number of 256 bits, and one of 64. ``what`` is named where it is none.
cdef u256 word(object number, str what) except *
cdef uint64_t short(object number, str what) except? 0xFFFFFFFFFFFFFFFF
# Bytes of exactly this size.
cdef int copy_bytes(void* target, object data, Py_ssize_t size, str what) except -1


cdef class Kept:
    """What native structs point into: bytes, and arrays of ours."""
    cdef list objects

    cdef void* array(self, size_t count, size_t size) except NULL
    cdef Span span(self, data) except *
