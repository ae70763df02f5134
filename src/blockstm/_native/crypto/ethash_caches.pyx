# distutils: sources = src/blockstm/_native/crypto/ethash.cpp src/blockstm/_native/crypto/keccak.cpp
"""Checking the proof of work before Paris; see ``ethash.hpp``. Safe from any thread; without the GIL."""
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "crypto/ethash.hpp" namespace "blockstm" nogil:
    uint64_t ethash_cache_size(uint64_t epoch) noexcept
    uint64_t ethash_dataset_size(uint64_t epoch) noexcept
    void ethash_fill_cache(uint64_t epoch, uint32_t* cache) noexcept
    void ethash_work(
        uint64_t epoch, const uint32_t* cache, const uint8_t* header_hash, const uint8_t* nonce,
        uint8_t* mix, uint8_t* result
    ) noexcept

EPOCH_BLOCKS = 30_000
EPOCHS = 2_048


cdef class EthashCache:
    """What checking the work of one epoch takes: 16 MB and 128 kB an epoch, filled in about a second."""

    cdef uint64_t _epoch
    cdef uint32_t* _cache

    def __cinit__(self, uint64_t epoch):
        if epoch >= EPOCHS:
            raise ValueError(f"there are {EPOCHS} epochs of {EPOCH_BLOCKS} blocks; not an epoch {epoch}")
        self._epoch = epoch
        self._cache = <uint32_t*>PyMem_RawMalloc(ethash_cache_size(epoch))
        if self._cache == NULL:
            raise MemoryError
        with nogil:
            ethash_fill_cache(epoch, self._cache)

    def __dealloc__(self):
        PyMem_RawFree(self._cache)

    @property
    def sizes(self):
        """Of the cache and of the data set that it stands for, in bytes."""
        return ethash_cache_size(self._epoch), ethash_dataset_size(self._epoch)

    def work(self, bytes header_hash, bytes nonce):
        """The mix hash and the result that a nonce (8 bytes) has for a header, 32 bytes each."""
        if len(header_hash) != 32 or len(nonce) != 8:
            raise ValueError("a hash has 32 bytes and a nonce 8")
        cdef const uint8_t* hashed = header_hash
        cdef const uint8_t* tried = nonce
        cdef uint8_t mix[32]
        cdef uint8_t result[32]
        with nogil:
            ethash_work(self._epoch, self._cache, hashed, tried, mix, result)
        return bytes(mix[:32]), bytes(result[:32])
