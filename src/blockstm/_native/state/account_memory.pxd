"""Accounts in native memory: a `MemoryState` that knows what the keys of an account mean."""
from libc.stdint cimport int32_t, uint8_t
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport LargeVector
from blockstm._native.base.packed cimport Change
from blockstm._native.base.table cimport Table
from blockstm._native.state.account_index cimport AccountIndex
from blockstm._native.state.memory_state cimport MemoryState


cdef class AccountMemory(MemoryState):
    cdef AccountIndex index  # of `table`; read and written under `lock` alone

    cdef object change(self, LargeVector[Change]& changes, bytes records, bint wants_undo)
    cdef object change_noting(self, LargeVector[Change]& changes, bytes records, Table* before)
    cdef int32_t copy_slots(self, const uint8_t* address, vector[uint8_t]& copied) except -100

