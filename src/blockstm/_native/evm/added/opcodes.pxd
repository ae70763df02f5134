"""Opcodes of the embedder's own: callables of Python, and tables in capsules."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from libcpp cimport bool

from blockstm._native.evm.added.callables cimport Raised


cdef extern from "blockstm/opcode.h" nogil:
    const uint32_t BLOCKSTM_OPCODE_ABI_VERSION
    const char* BLOCKSTM_OPCODE_CAPSULE
    const int32_t BLOCKSTM_OPCODE_SUCCESS
    const int32_t BLOCKSTM_OPCODE_HALTED
    const int32_t BLOCKSTM_OPCODE_RAISED

    ctypedef struct blockstm_opcode_call:
        const uint8_t* operands
        int64_t gas
        uint64_t error
        uint8_t result[32]
        uint8_t* (*memory)(blockstm_opcode_call* call, uint64_t offset, uint64_t size) noexcept nogil

    ctypedef struct blockstm_opcode:
        uint32_t abi_version
        uint32_t struct_size
        void* context
        int32_t (*run)(void* context, blockstm_opcode_call* call) noexcept nogil


cdef extern from "evm/forks/added_opcodes.hpp" namespace "blockstm::evm" nogil:
    cdef struct AddedOpcode:
        uint16_t gas
        uint8_t inputs
        uint8_t outputs
        bool is_there

    cdef cppclass OpcodeSet:
        AddedOpcode opcodes[256]

    cdef cppclass AddedOpcodes:
        uint16_t set
        OpcodeSet traits
        blockstm_opcode run[256]


cdef class Opcodes:
    cdef AddedOpcodes added
    cdef list kept      # callables, and capsules whose tables are copied
    cdef Raised raised  # of the block

    cdef int add(self, int number, int inputs, int outputs, int gas, target) except -1
