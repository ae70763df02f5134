"""Recovery of signers for the modules of this package; see ``secp256k1/recovery.hpp``."""
from libc.stdint cimport uint8_t
from libcpp cimport bool as cbool

cdef extern from "crypto/secp256k1/recovery.hpp" namespace "blockstm::secp256k1" nogil:
    cdef cppclass SignatureTask:
        uint8_t* hash
        uint8_t* compact
        uint8_t parity
        cbool is_known
        uint8_t* address

# The one copy of the code for many that other modules share. Any thread, without the GIL.
cdef void recover_tasks(SignatureTask* tasks, size_t count, cbool with_lanes) noexcept nogil

cdef enum:
    HASH_SIZE = 32
    SIGNATURE_SIZE = 64
    ADDRESS_SIZE = 20
