"""Writes of a block as bytes, one after another: what a native block wrote and a native state takes.

Threads: filled once, by the thread that makes it; from then on immutable.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.base.chunks cimport LargeVector


cdef struct Change:
    const uint8_t* key
    const uint8_t* value           # NULL: the key has no value any more
    uint32_t key_size
    uint32_t value_size


cdef class PackedWrites:
    cdef object key_codec
    cdef object value_codec
    cdef uint32_t count
    cdef bint any_deleted
    cdef bint uneven               # keys or values that are not of 8 bytes: the arrays exist
    cdef uint64_t* key_ends        # where each key ends in `key_bytes`
    cdef uint64_t* value_ends
    cdef uint8_t* deleted
    cdef uint8_t* key_bytes
    cdef uint8_t* value_bytes

    cdef uint64_t key_end(self, uint32_t place) noexcept nogil
    cdef uint64_t value_end(self, uint32_t place) noexcept nogil
    cdef Change at(self, uint32_t place) noexcept nogil


# The same changes in memory of their own.
cdef PackedWrites packed_from(const LargeVector[Change]& changes, object key_codec, object value_codec)
