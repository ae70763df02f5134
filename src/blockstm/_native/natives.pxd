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
from blockstm._native.store cimport Store


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


# A part of the written locations: how much of it is kept; then, where that begins.
cdef struct WritesPart:
    uint64_t key_size
    uint64_t value_size
    uint32_t count
    bint uneven
    bint any_deleted

# What the workers know who copy a block's writes together.
cdef struct Copying:
    Store* store
    const Frontier* frontier
    uint8_t* kept                  # per written location
    WritesPart* part
    uint8_t* key_bytes
    uint8_t* value_bytes
    uint64_t* key_ends
    uint64_t* value_ends
    uint8_t* deleted


cdef class NativeWrites(PackedWrites):
    cdef object decode_key
    cdef object decode_value
    cdef dict decoded

    cdef void copy(self, NativeContext context, Frontier* frontier) except *
    cdef void make_room(self, Copying* copying, uint32_t parts) except *
    cdef dict as_dict(self)
