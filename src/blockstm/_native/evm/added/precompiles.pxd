"""Precompiled contracts of the embedder's own: callables of Python, and tables in capsules."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from libcpp cimport bool

from blockstm._native.base.bytes cimport Address
from blockstm._native.evm.added.callables cimport Raised
from blockstm._native.evm.forks.tables cimport Fork


cdef extern from "blockstm/precompile.h" nogil:
    const uint32_t BLOCKSTM_PRECOMPILE_ABI_VERSION
    const char* BLOCKSTM_PRECOMPILE_CAPSULE
    const int32_t BLOCKSTM_PRECOMPILE_SUCCESS
    const int32_t BLOCKSTM_PRECOMPILE_REVERTED
    const int32_t BLOCKSTM_PRECOMPILE_FAILED
    const int32_t BLOCKSTM_PRECOMPILE_RAISED

    ctypedef struct blockstm_precompile_code:
        const uint8_t* data
        uint64_t size
        uint8_t hash[32]

    ctypedef struct blockstm_precompile_call:
        const uint8_t* input
        uint64_t size
        int64_t gas
        int64_t gas_used
        uint64_t error
        int32_t (*write)(blockstm_precompile_call* call, const uint8_t* data, uint64_t size) noexcept nogil
        int32_t (*code)(
            blockstm_precompile_call* call, const uint8_t* address, blockstm_precompile_code* code
        ) noexcept nogil

    ctypedef struct blockstm_precompile:
        uint32_t abi_version
        uint32_t struct_size
        void* context
        int32_t (*run)(void* context, blockstm_precompile_call* call) noexcept nogil


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
