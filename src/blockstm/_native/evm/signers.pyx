# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""Who signed many transactions, from their encodings; see ``signature.hpp`` and ``recovery.hpp``.

libsecp256k1 must be loaded first (``blockstm.vm.evm.libraries``). Safe from any thread; the work is done
without the GIL.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.crypto.libraries cimport shared_libraries, use_libraries

cdef extern from "crypto/recovery.hpp" namespace "blockstm" nogil:
    bint recover_address(
        const uint8_t* hash, const uint8_t* signature, int parity, uint8_t* address
    ) noexcept
    bint can_recover() noexcept

cdef extern from "evm/bytes.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass Span:
        const uint8_t* data
        uint64_t size

cdef extern from "evm/signature.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass Signature:
        uint8_t* message
        uint8_t* compact
        int parity

    cbool read_signature(Span encoding, cbool high_s, Signature& out) noexcept

use_libraries(shared_libraries())

cdef enum:
    ADDRESS_SIZE = 20


cdef struct Found:
    bint is_known
    uint8_t address[ADDRESS_SIZE]


def recover_signers(encodings, cbool high_s_allowed) -> list[bytes | None]:
    """Who signed each transaction, None where no key can have.

    Args:
        encodings: as blocks carry them.
        high_s_allowed: whether s may be above half the curve's order (EIP-2).

    Raises:
        RuntimeError: libsecp256k1 is not loaded.
    """
    cdef list held = list(encodings)  # nobody else changes it while the GIL is not held
    cdef vector[Span] spans
    cdef vector[Found] found
    cdef Signature signature
    cdef size_t place
    if not can_recover():
        raise RuntimeError("libsecp256k1 is not loaded")
    for encoding in held:
        spans.push_back(span_of(encoding))
    found.resize(spans.size())
    with nogil:
        for place in range(spans.size()):
            found[place].is_known = read_signature(spans[place], high_s_allowed, signature) and recover_address(
                signature.message, signature.compact, signature.parity, found[place].address
            )
    return [
        PyBytes_FromStringAndSize(<const char*>found[place].address, ADDRESS_SIZE)
        if found[place].is_known else None
        for place in range(found.size())
    ]


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
