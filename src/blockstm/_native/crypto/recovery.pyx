# distutils: sources = src/blockstm/_native/crypto/secp256k1/recovery.cpp src/blockstm/_native/crypto/secp256k1/recovery_lanes.cpp src/blockstm/_native/crypto/secp256k1/recovery_plain.cpp src/blockstm/_native/crypto/secp256k1/generator.cpp src/blockstm/_native/crypto/secp256k1/scalars.cpp src/blockstm/_native/crypto/keccak.cpp
"""Who signed many messages; see ``secp256k1/recovery.hpp``. Safe from any thread; works without the GIL."""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cdef extern from "crypto/secp256k1/recovery.hpp" namespace "blockstm::secp256k1" nogil:
    void recover_signatures(SignatureTask* tasks, size_t count, cbool with_lanes) noexcept

    void recover_signatures_by(uint32_t threads, SignatureTask* tasks, size_t count, cbool with_lanes) noexcept

cdef extern from "crypto/secp256k1/recovery_lanes.hpp" namespace "blockstm::secp256k1" nogil:
    cbool has_lanes() noexcept


cdef void recover_tasks(SignatureTask* tasks, size_t count, cbool with_lanes) noexcept nogil:
    recover_signatures(tasks, count, with_lanes)


def recovers_side_by_side() -> bool:
    """Whether this processor recovers eight signatures at a time (AVX-512 IFMA)."""
    return has_lanes()


def recover_addresses(
    hashes: bytes, signatures: bytes, parities: bytes, *, cbool side_by_side=True, uint32_t threads=1
) -> list[bytes | None]:
    """The address behind each signature, None where it belongs to no key.

    ``hashes`` are 32 bytes each, ``signatures`` 64 (r, then s), ``parities`` one: 0 or 1, anything
    else belongs to no key. Whether a high s is allowed is the caller's to say. ``side_by_side=False``
    recovers one by one, on any processor. ``threads`` share the work and have ended when this returns.

    Raises:
        ValueError: the three are not of equally many signatures.
        MemoryError: there is none for the tasks.
    """
    cdef size_t count = len(parities), place
    if <size_t>len(hashes) != count * HASH_SIZE or <size_t>len(signatures) != count * SIGNATURE_SIZE:
        raise ValueError(
            f"{count} parities need {count * HASH_SIZE} bytes of hashes and "
            f"{count * SIGNATURE_SIZE} of signatures, not {len(hashes)} and {len(signatures)}"
        )
    cdef const uint8_t* hash = hashes
    cdef const uint8_t* signature = signatures
    cdef const uint8_t* parity = parities
    cdef vector[SignatureTask] tasks
    tasks.resize(count)
    with nogil:
        for place in range(count):
            memcpy(tasks[place].hash, hash + place * HASH_SIZE, HASH_SIZE)
            memcpy(tasks[place].compact, signature + place * SIGNATURE_SIZE, SIGNATURE_SIZE)
            tasks[place].parity = parity[place]
        recover_signatures_by(threads, tasks.data(), count, side_by_side)
    return [
        (<char*>tasks[place].address)[:ADDRESS_SIZE] if tasks[place].is_known else None
        for place in range(count)
    ]

