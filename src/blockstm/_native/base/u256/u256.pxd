"""The word of the EVM as Cython sees it; see ``u256.hpp``."""
from libc.stdint cimport uint64_t


cdef extern from "base/u256/u256.hpp" namespace "blockstm" nogil:
    cdef cppclass u256:
        uint64_t limb[4]
