"""Writes of a block as bytes; see the ``.pxd``."""
from libc.stdint cimport uint32_t, uint64_t

from blockstm._native.buffers cimport buffer_free


cdef class PackedWrites:
    """Keys and values, one after another, and the codecs that they are of."""

    def __dealloc__(self):
        buffer_free(self.key_ends)
        buffer_free(self.value_ends)
        buffer_free(self.deleted)
        buffer_free(self.key_bytes)
        buffer_free(self.value_bytes)

    cdef uint64_t key_end(self, uint32_t place) noexcept nogil:
        return self.key_ends[place] if self.uneven else 8 * (<uint64_t>place + 1)

    cdef uint64_t value_end(self, uint32_t place) noexcept nogil:
        return self.value_ends[place] if self.uneven else 8 * (<uint64_t>place + 1)

    cdef Change at(self, uint32_t place) noexcept nogil:
        """The key and value at a place; valid as long as this object."""
        cdef Change change
        cdef uint64_t key_begin = self.key_end(place - 1) if place else 0
        cdef uint64_t value_begin = self.value_end(place - 1) if place else 0
        change.key = self.key_bytes + key_begin
        change.key_size = <uint32_t>(self.key_end(place) - key_begin)
        change.value_size = <uint32_t>(self.value_end(place) - value_begin)
        change.value = self.value_bytes + value_begin
        if self.any_deleted and self.deleted[place]:
            change.value = NULL
        return change
