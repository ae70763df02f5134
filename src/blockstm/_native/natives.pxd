"""Native VMs: a table of C functions over byte keys and byte values, on any state.

A native VM comes as a NativeBlock (`blockstm.vm.native`): the table for one list of transactions,
and codecs between bytes and Python objects. Its outcomes and writes stay bytes until asked for.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_state
from blockstm._native.context cimport Context
from blockstm._native.frontier cimport Frontier
from blockstm._native.locations cimport Location
from blockstm._native.outcomes cimport Outcomes
from blockstm._native.packed cimport PackedWrites
from blockstm._native.values cimport Payload


cdef class NativeContext(Context):
    cdef object block              # the NativeBlock
    cdef object state
    cdef object state_get
    cdef bint state_is_mapping
    cdef object decode_key
    cdef object encode_value
    cdef const blockstm_state* native_state
    cdef object state_capsule
    cdef list kept

    cdef bytes read_value(self, Location* location)


cdef class NativeOutcomes(Outcomes):
    cdef object block
    cdef uint64_t* ends            # where each output ends in `output`; NULL where all are empty
    cdef uint8_t* output

    cdef void copy(self, const Frontier* frontier, int32_t count) except *
    cdef void copy_outputs(self, const Frontier* frontier, uint64_t size) except *


cdef class NativeWrites(PackedWrites):
    cdef object decode_key
    cdef object decode_value
    cdef dict decoded

    cdef void copy(self, NativeContext context, Frontier* frontier) except *
    cdef void append(self, const Location* location, const Payload* value) noexcept
    cdef dict as_dict(self)
