"""Precompiled contracts of the embedder's own: callables of Python, and tables in capsules."""
from libc.stdint cimport int32_t, int64_t, uint8_t

from libcpp cimport bool

from blockstm._native.base.bytes cimport Address
from blockstm._native.base.precompile_table cimport (
    blockstm_precompile,
)
from blockstm._native.evm.added.callables cimport Raised
from blockstm._native.evm.forks.tables cimport Fork


cdef extern from "evm/precompiles/added.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass AddedPrecompiles:
        bool add(const Address& address, const blockstm_precompile& table)
        bool move(const Address& address, int number)


cdef extern from "evm/precompiles/precompiles.hpp" namespace "blockstm::evm" nogil:
    int precompile_at(Fork fork, const Address& address)


cdef class Precompiles:
    cdef AddedPrecompiles added
    cdef list kept      # callables, and capsules whose tables are copied
    cdef Raised raised  # of the block

    cdef int add(self, Fork fork, bytes address, target) except -1
