// Keccak-256, the hash of Ethereum: the sponge of the Keccak reference (version 3.0) with rate 136 bytes
// and the original padding, which SHA-3 later changed.
// Pure functions; any thread may call them. The permutation for this processor is chosen when the module
// is loaded; after that nothing shared is written.
#pragma once

#include <cstdint>

namespace blockstm {

inline constexpr uint64_t KECCAK_RATE = 136;

void keccak256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept;

// The same hash of bytes that come in pieces. Starts empty; after `finish` call `reset` before using it again.
class Keccak256 {
public:
    void reset() noexcept;
    void update(const uint8_t* data, uint64_t size) noexcept;
    void finish(uint8_t out[32]) noexcept;

private:
    uint64_t lanes_[25] = {};
    uint8_t waiting_[KECCAK_RATE];  // less than a block
    uint64_t waiting_size_ = 0;
};

// keccak_f of the 1,600 bits, in place: lane (x, y) is lanes[x + 5 * y].
void keccak_permute(uint64_t lanes[25]) noexcept;

}  // namespace blockstm
