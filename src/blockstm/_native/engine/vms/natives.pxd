"""Native VMs: a table of C functions over byte keys and byte values, on any state.

A native VM comes as a NativeBlock (`blockstm.vm.native`): the table for one list of transactions,
and codecs between bytes and Python objects. Its outcomes and writes stay bytes until asked for.
"""
from blockstm._native.abi cimport blockstm_state, blockstm_tally, blockstm_vm
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.mvmemory.locations cimport Location


# What the transactions of a block share, and have used of it so far; the frontier owner's.
cdef struct Capacity:
    const blockstm_vm* vm
    blockstm_tally tally


# A native state, and who asks its ``get`` where it cannot tell; NULL where it has none.
cdef struct NativeReading:
    const blockstm_state* state
    void* context


cdef class BoundNativeVm(BoundVm):
    cdef object block              # the NativeBlock
    cdef Capacity capacity
    cdef object state
    cdef object state_get
    cdef bint state_is_mapping
    cdef object decode_key
    cdef object encode_value
    cdef NativeReading reading
    cdef object state_capsule
    cdef object prefetch_capsule
    cdef list kept

    cdef bytes read_value(self, Location* location)

