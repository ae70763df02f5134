"""The outcomes of a Python VM's block: their values are objects."""
from libc.stdint cimport int32_t

from blockstm._native.engine.frontier cimport Frontier
from blockstm._native.engine.results.outcomes cimport Outcomes


cdef class ObjectOutcomes(Outcomes):
    cdef list values               # None where all are

    @staticmethod
    cdef ObjectOutcomes of(const Frontier* frontier, int32_t count)
