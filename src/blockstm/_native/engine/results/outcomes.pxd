"""The outcomes of a block as a sequence; each `Outcome` is made when it is asked for."""
from libc.stdint cimport int32_t, uint8_t, uint64_t


cdef class Outcomes:
    cdef int32_t count
    cdef uint8_t* statuses         # BLOCKSTM_SUCCESS, _REVERTED or _INVALID
    cdef uint64_t* gas             # NULL where all are 0

    cdef object at(self, int32_t index)
