"""A state in native memory: exact byte keys to byte values, read by workers without the GIL."""
from libc.stdint cimport int32_t, int64_t
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport LargeVector
from blockstm._native.abi cimport blockstm_prefetch, blockstm_state
from blockstm._native.base.codec cimport Codec
from blockstm._native.base.fork_locks cimport ForkSharedMutex
from blockstm._native.base.packed cimport Change, PackedWrites
from blockstm._native.base.pins cimport Pinned
from blockstm._native.base.table cimport Table


cdef enum:
    VALUE_SIZE_MAX = 0x7fffffff  # bytes


cdef class MemoryState(Pinned):
    cdef readonly Codec key_codec
    cdef readonly Codec value_codec
    cdef Table table  # written under `lock` alone and only while `pins` is 0
    cdef ForkSharedMutex lock  # never held while Python code may run
    cdef unsigned long version  # of the contents: how often they were changed
    cdef blockstm_state abi
    cdef blockstm_prefetch ahead

    cdef object capsule(self, void* pointer, const char* name)
    cdef bytes read(self, bytes key)
    cdef load(self, items)
    cdef bint takes(self, PackedWrites writes)
    cdef write(self, LargeVector[Change]& changes)
    cdef void compact(self) noexcept nogil


cdef int32_t make_change(Table* table, const Change* change) noexcept nogil
# The entry of the key of each change, made where there is none, and room for all their values:
# `make_change_at` cannot fail then, if no key is there twice.
cdef int32_t prepare_changes(Table* table, const LargeVector[Change]& changes, vector[int64_t]& numbers) noexcept nogil
cdef void make_change_at(Table* table, const Change* change, int64_t number) noexcept nogil
cdef void read_packed(PackedWrites writes, LargeVector[Change]& changes) except *
cdef Change change_of(bytes key, bytes data) noexcept
