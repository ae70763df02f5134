"""Addresses, hashes, spans and a growable buffer as Cython sees them; see ``bytes.hpp``."""
from libc.stdint cimport uint8_t, uint64_t


cdef extern from "base/bytes.hpp" namespace "blockstm" nogil:
    cdef struct Address:
        uint8_t bytes[20]

    cdef struct Hash32:
        uint8_t bytes[32]

    cdef cppclass Span:
        const uint8_t* data
        uint64_t size

    cdef cppclass Bytes:
        Bytes()
        uint8_t* data()
        uint64_t size()
