# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""The signers of many transactions, from their encodings; see ``signers.hpp``. Safe from any thread; the work
is done without the GIL.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.crypto.recovery cimport ADDRESS_SIZE, HASH_SIZE, SIGNATURE_SIZE, SignatureTask, recover_tasks

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

cdef extern from "wire/signers.hpp" namespace "blockstm::evm" nogil:
    void c_recover_signers "blockstm::evm::recover_signers"(
        const Span* encodings, uint64_t count, cbool high_s, uint32_t threads, SignatureTask* tasks,
        void (*recover)(SignatureTask*, size_t, cbool) noexcept nogil
    ) noexcept

    cbool has_signature(Span encoding, cbool high_s) noexcept


def kept_encodings(transactions) -> list[bytes | None]:
    """The encoding of each that was decoded, which says all about it; None for those made by hand."""
    cdef list found = []
    for transaction in transactions:
        is_decoded = getattr(transaction, "_is_decoded", False) is True
        found.append(transaction._encoding if is_decoded else None)
    return found


def may_be_signed(encodings, cbool high_s_allowed) -> list[bool]:
    """Whether each transaction's signature may have its numbers; see `recover_signers`."""
    return [has_signature(span_of(encoding), high_s_allowed) for encoding in encodings]


def recover_signers(encodings, cbool high_s_allowed, uint32_t threads=1) -> list[bytes | None]:
    """The signer of each transaction, None where no key can have signed it.

    Args:
        encodings: as blocks carry them.
        high_s_allowed: whether s may be above half the curve's order (EIP-2).
        threads: how many share the work; they have ended when this returns.

    Raises:
        MemoryError: there is none for the signatures.
    """
    cdef list held = list(encodings)  # nobody else changes it while the GIL is not held
    cdef vector[Span] spans
    cdef vector[SignatureTask] tasks
    cdef size_t place
    gather(held, spans)
    tasks.resize(spans.size())
    with nogil:
        c_recover_signers(spans.data(), spans.size(), high_s_allowed, threads, tasks.data(), recover_tasks)
    return [
        PyBytes_FromStringAndSize(<const char*>tasks[place].address, ADDRESS_SIZE)
        if tasks[place].is_known else None
        for place in range(tasks.size())
    ]


def signed_message(bytes encoding, cbool high_s_allowed=True):
    """The hash that was signed, r and s, and the parity; None where no signature is possible."""
    cdef Signature signature
    if not read_signature(span_of(encoding), high_s_allowed, signature):
        return None
    return (
        PyBytes_FromStringAndSize(<const char*>signature.message, HASH_SIZE),
        PyBytes_FromStringAndSize(<const char*>signature.compact, SIGNATURE_SIZE),
        signature.parity,
    )


cdef int gather(list encodings, vector[Span]& spans) except -1:
    spans.reserve(len(encodings))
    for encoding in encodings:
        spans.push_back(span_of(encoding))
    return 0


cdef Span span_of(bytes data) noexcept:
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data)
    return span
