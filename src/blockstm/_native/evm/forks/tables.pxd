"""The forks for Cython, and what one has; see ``forks.hpp`` and ``opcodes.hpp``."""
from libc.stdint cimport uint8_t


cdef extern from "evm/forks/forks.hpp" namespace "blockstm::evm" nogil:
    enum class Fork(uint8_t):
        pass


cdef extern from "evm/forks/opcodes.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass Opcode:
        const char* name
        uint8_t inputs
        uint8_t outputs
        bint is_in(Fork fork)

    cdef cppclass OpcodeTable:
        const Opcode& operator[](uint8_t opcode)

    const OpcodeTable OPCODES


# The fork of a name of `FORKS`.
cdef Fork fork_of(str name) except *
