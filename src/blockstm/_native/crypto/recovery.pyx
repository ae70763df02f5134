# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""Who signed many messages; see ``recovery.hpp``. The library must be loaded first
(``blockstm.vm.evm.libraries``). Safe from any thread; works without the GIL."""
from libc.stdint cimport uint8_t

from blockstm._native.crypto.libraries cimport shared_libraries, use_libraries

cdef extern from "crypto/recovery.hpp" namespace "blockstm" nogil:
    bint recover_address(
        const uint8_t* hash, const uint8_t* signature, int parity, uint8_t* address
    ) noexcept
    bint can_recover() noexcept

use_libraries(shared_libraries())

cdef enum:
    HASH_SIZE = 32
    SIGNATURE_SIZE = 64
    ADDRESS_SIZE = 20
    PARITY_MAX = 1


def recover_addresses(hashes: bytes, signatures: bytes, parities: bytes) -> list[bytes | None]:
    """The address behind each signature, None where it belongs to no key.

    ``hashes`` are 32 bytes each, ``signatures`` 64 (r, then s), ``parities`` one: 0 or 1, anything
    else belongs to no key. Whether a high s is allowed is the caller's to say.

    Raises:
        ValueError: the three are not of equally many signatures.
        RuntimeError: libsecp256k1 is not loaded.
    """
    cdef Py_ssize_t count = len(parities), place
    if len(hashes) != count * HASH_SIZE or len(signatures) != count * SIGNATURE_SIZE:
        raise ValueError(
            f"{count} parities need {count * HASH_SIZE} bytes of hashes and "
            f"{count * SIGNATURE_SIZE} of signatures, not {len(hashes)} and {len(signatures)}"
        )
    if not can_recover():
        raise RuntimeError("libsecp256k1 is not loaded")
    cdef const uint8_t* hash = hashes
    cdef const uint8_t* signature = signatures
    cdef const uint8_t* parity = parities
    cdef bytearray addresses = bytearray(count * ADDRESS_SIZE)
    cdef bytearray known = bytearray(count)
    cdef uint8_t* address = addresses
    cdef uint8_t* is_known = known
    with nogil:
        for place in range(count):
            is_known[place] = parity[place] <= PARITY_MAX and recover_address(
                hash + place * HASH_SIZE,
                signature + place * SIGNATURE_SIZE,
                parity[place],
                address + place * ADDRESS_SIZE,
            )
    return [
        bytes(addresses[place * ADDRESS_SIZE : (place + 1) * ADDRESS_SIZE]) if known[place] else None
        for place in range(count)
    ]
