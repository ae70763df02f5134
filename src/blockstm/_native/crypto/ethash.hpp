// Ethash, the proof of work before Paris (Yellow Paper, appendix J), as far as checking a seal needs it: from
// a cache of some tens of MB, without the data set of GBs that finding one takes.
// A cache is filled by one thread and then read by any; everything else is pure.
#pragma once

#include <cstdint>

namespace blockstm {

inline constexpr uint64_t ETHASH_EPOCH_BLOCKS = 30'000;

// How large the cache and the data set of an epoch are, in bytes.
uint64_t ethash_cache_size(uint64_t epoch) noexcept;
uint64_t ethash_dataset_size(uint64_t epoch) noexcept;

// Fills `ethash_cache_size(epoch)` bytes, aligned to 4.
void ethash_fill_cache(uint64_t epoch, uint32_t* cache) noexcept;

// The work that a nonce is for a header: `mix` has to be the header's mix hash, and `result`, a big-endian
// number, at most 2^256 / difficulty. `header_hash` is the keccak of the header without mix hash and nonce.
void ethash_work(uint64_t epoch, const uint32_t* cache, const uint8_t header_hash[32], const uint8_t nonce[8],
                 uint8_t mix[32], uint8_t result[32]) noexcept;

}  // namespace blockstm
