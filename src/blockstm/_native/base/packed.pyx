"""Writes of a block as bytes; see the ``.pxd``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from blockstm._native.base.buffers cimport buffer_free, buffer_take
from blockstm._native.base.chunks cimport LargeVector


cdef class PackedWrites:
    """Keys and values, one after another, and the codecs that they are of."""

    def __dealloc__(self):
        buffer_free(self.key_ends)
        buffer_free(self.value_ends)
        buffer_free(self.deleted)
        buffer_free(self.key_bytes)
        buffer_free(self.value_bytes)

    def __len__(self) -> int:
        return self.count

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


cdef PackedWrites packed_from(const LargeVector[Change]& changes, object key_codec, object value_codec):
    """Raises MemoryError."""
    cdef PackedWrites packed = PackedWrites.__new__(PackedWrites)
    cdef uint64_t keys_size = 0, values_size = 0
    cdef size_t place
    for place in range(changes.size()):
        keys_size += changes[place].key_size
        values_size += changes[place].value_size
    packed.key_codec, packed.value_codec = key_codec, value_codec
    packed.key_ends = <uint64_t*>buffer_take((changes.size() + 1) * sizeof(uint64_t))
    packed.value_ends = <uint64_t*>buffer_take((changes.size() + 1) * sizeof(uint64_t))
    packed.deleted = <uint8_t*>buffer_take(changes.size() + 1)
    packed.key_bytes = <uint8_t*>buffer_take(keys_size + 1)
    packed.value_bytes = <uint8_t*>buffer_take(values_size + 1)
    if packed.key_ends == NULL or packed.value_ends == NULL or packed.deleted == NULL:
        raise MemoryError
    if packed.key_bytes == NULL or packed.value_bytes == NULL:
        raise MemoryError
    fill(packed, changes)
    return packed


cdef void fill(PackedWrites packed, const LargeVector[Change]& changes) noexcept:
    cdef uint64_t key_end = 0, value_end = 0
    cdef size_t place
    for place in range(changes.size()):
        memcpy(packed.key_bytes + key_end, changes[place].key, changes[place].key_size)
        if changes[place].value != NULL:
            memcpy(packed.value_bytes + value_end, changes[place].value, changes[place].value_size)
            value_end += changes[place].value_size
        key_end += changes[place].key_size
        packed.key_ends[place], packed.value_ends[place] = key_end, value_end
        packed.deleted[place] = changes[place].value == NULL
    packed.count, packed.uneven, packed.any_deleted = <uint32_t>changes.size(), True, True
