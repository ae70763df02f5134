// Keccak-256, the hash of Ethereum: the sponge of the Keccak reference (version 3.0) with rate 136 bytes
// and the original padding, which SHA-3 later changed.
// Pure functions; any thread may call them. The permutations for this processor are chosen when the module
// is loaded; after that nothing shared is written.
#pragma once

#include <cstdint>

namespace blockstm {

inline constexpr uint64_t KECCAK_RATE = 136;  // bytes

void keccak256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept;

// The same hash of bytes that come in pieces. Starts empty; after `finish`, `reset` makes it empty again.
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

// Bytes to hash, and where their 32 bytes of hash go.
struct KeccakTask {
    const uint8_t* data;
    uint64_t size;
    uint8_t* out;
};

// Hashes side by side in vectors: where the processor has them, 2.5 to 4.5 times as many per second as one
// after another. Worth it from about three tasks on; tasks of any sizes mix.
void keccak256_many(const KeccakTask* tasks, uint64_t count) noexcept;

// The same with vectors of at most `width_max` states, for tests: what other processors do.
void keccak256_many_within(uint64_t width_max, const KeccakTask* tasks, uint64_t count) noexcept;

// The permutations that this processor runs, for tests: of `width` states side by side, lane (x, y) of
// state i being lanes[(x + 5 * y) * stride + i], aligned to 64 bytes.
struct KeccakPermutation {
    const char* name;
    uint64_t width;
    uint64_t stride;
    void (*permute)(uint64_t* lanes) noexcept;
    // Of a width of one: the hash of a message that goes on so behind a state; behind nothing where that is null.
    void (*finish)(const uint64_t* lanes, const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept;
};

struct KeccakPermutations {
    KeccakPermutation entries[7];
    int count;
};

const KeccakPermutations& keccak_permutations() noexcept;

}  // namespace blockstm
