# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""The signers of many transactions, from their encodings; see ``signature.hpp`` and
``crypto/secp256k1/recovery.hpp``. Safe from any thread; the work is done without the GIL.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.crypto.recovery cimport (
    ADDRESS_SIZE,
    HASH_SIZE,
    SIGNATURE_SIZE,
    SignatureTask,
    recover_tasks,
)

cdef extern from "base/bytes.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass Span:
        const uint8_t* data
        uint64_t size

cdef extern from "wire/signature.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass Signature:
        uint8_t* message
        uint8_t* compact
        int parity

    cbool read_signature(Span encoding, cbool high_s, Signature& out) noexcept

cdef enum:
    NO_PARITY = 0xFF


def recover_signers(encodings, cbool high_s_allowed) -> list[bytes | None]:
    """The signer of each transaction, None where no key can have signed it.

    Args:
        encodings: as blocks carry them.
        high_s_allowed: whether s may be above half the curve's order (EIP-2).

    Raises:
        MemoryError: there is none for the signatures.
    """
    cdef list held = list(encodings)  # nobody else changes it while the GIL is not held
    cdef vector[Span] spans
    cdef vector[SignatureTask] tasks
    cdef size_t place
    for encoding in held:
        spans.push_back(span_of(encoding))
    tasks.resize(spans.size())
    with nogil:
        for place in range(spans.size()):
            read_task(spans[place], high_s_allowed, tasks[place])
        recover_tasks(tasks.data(), tasks.size(), True)
    return [
        PyBytes_FromStringAndSize(<const char*>tasks[place].address, ADDRESS_SIZE)
        if tasks[place].is_known else None
        for place in range(tasks.size())
    ]


cdef void read_task(Span encoding, cbool high_s_allowed, SignatureTask& task) noexcept nogil:
    """What is to be recovered; where no signature can have the numbers, a parity that belongs to no key."""
    cdef Signature signature
    if not read_signature(encoding, high_s_allowed, signature):
        task.parity = NO_PARITY
        return
    memcpy(task.hash, signature.message, HASH_SIZE)
    memcpy(task.compact, signature.compact, SIGNATURE_SIZE)
    task.parity = <uint8_t>signature.parity


def signed_message(bytes encoding, cbool high_s_allowed=True):
    """The hash that was signed, r and s, and the parity; None where no signature is possible."""
    cdef Signature signature
    if not read_signature(span_of(encoding), high_s_allowed, signature):
        return None
    return (
        PyBytes_FromStringAndSize(<const char*>signature.message, 32),
        PyBytes_FromStringAndSize(<const char*>signature.compact, 64),
        signature.parity,
    )


cdef Span span_of(bytes data) noexcept:
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data)
    return span
