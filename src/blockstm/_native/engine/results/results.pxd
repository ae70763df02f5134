"""What a native block came to: outcomes and writes, as bytes until asked for.

Threads: filled once, by all workers of the block that has just ended; from then on immutable.
"""
from libc.stdint cimport int32_t, uint64_t, uint8_t

from blockstm._native.base.packed cimport PackedWrites
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport Frontier
from blockstm._native.engine.results.copying cimport Copying
from blockstm._native.engine.results.outcomes cimport Outcomes


cdef class NativeOutcomes(Outcomes):
    cdef object reader             # the NativeBlock, or what it has to read outcomes with
    cdef uint64_t* ends            # where each output ends in `output`; NULL where all are empty
    cdef uint8_t* output

    cdef void take(self, const Copying* copying)


cdef class NativeWrites(PackedWrites):
    cdef object decode_key
    cdef object decode_value
    cdef dict decoded

    cdef void take(self, const Copying* copying)
    cdef dict as_dict(self)
    cdef dict known(self)


# (outcomes, writes) of the first ``count`` transactions of a NativeBlock.
cdef tuple copy_results(BoundVm vm, object block, const Frontier* frontier, int32_t count)
