"""EVMs from shared libraries, by EVMC: their instances, and what a library says of itself."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from libcpp cimport bool


cdef extern from "blockstm/evmc.h" nogil:
    cdef struct evmc_vm:
        int abi_version
        const char* name
        const char* version


cdef extern from "evm/evmc/instances.hpp" namespace "blockstm::evm" nogil:
    ctypedef evmc_vm* (*EvmcCreate)()

    cdef struct EvmcOption:
        const char* name
        const char* value

    enum class EvmcFault(uint64_t):
        pass

    cdef cppclass EvmcInstances:
        EvmcInstances(EvmcCreate create) except +
        bool add_option(const EvmcOption& option)
        evmc_vm* take(EvmcFault& fault)
        void give_back(evmc_vm* vm)
        int64_t refused_option()
        @staticmethod
        uint32_t capabilities_of(evmc_vm* vm)


cdef class EvmcLibrary:
    cdef EvmcInstances* instances
    cdef list kept               # the bytes that options point into
    cdef readonly str name
    cdef readonly str version
    cdef readonly uint32_t capabilities
