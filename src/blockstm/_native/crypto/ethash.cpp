// See ethash.hpp. Words are little-endian in memory, as are the lanes of Keccak; so is every processor that
// this is built for.
#include "crypto/ethash.hpp"

#include <bit>
#include <cstring>

#include "crypto/keccak.hpp"

namespace blockstm {

static_assert(std::endian::native == std::endian::little);

namespace {

constexpr uint64_t NODE_BYTES = 64;
constexpr uint32_t NODE_WORDS = NODE_BYTES / 4;
constexpr uint64_t PAGE_BYTES = 128;
constexpr uint32_t PAGE_WORDS = PAGE_BYTES / 4;
constexpr uint64_t CACHE_BYTES_FIRST = 1 << 24;
constexpr uint64_t CACHE_BYTES_GROWTH = 1 << 17;
constexpr uint64_t DATASET_BYTES_FIRST = 1 << 30;
constexpr uint64_t DATASET_BYTES_GROWTH = 1 << 23;
constexpr int CACHE_ROUNDS = 3;
constexpr uint32_t DATASET_PARENTS = 256;
constexpr uint32_t ACCESSES = 64;

struct Node {
    uint32_t words[NODE_WORDS];
};

bool is_prime(uint64_t number) noexcept {
    if (number % 2 == 0) return number == 2;
    for (uint64_t divisor = 3; divisor * divisor <= number; divisor += 2) {
        if (number % divisor == 0) return false;
    }
    return number > 1;
}

// The greatest size below `bytes` that is a prime number of elements.
uint64_t prime_size(uint64_t bytes, uint64_t element) noexcept {
    bytes -= element;
    while (!is_prime(bytes / element)) bytes -= 2 * element;
    return bytes;
}

// Keccak-512 with the original padding, of less than its rate of 72 bytes.
Node keccak512(const void* data, uint64_t size) noexcept {
    alignas(64) uint64_t lanes[32] = {};
    auto* bytes = reinterpret_cast<uint8_t*>(lanes);
    std::memcpy(bytes, data, size);
    bytes[size] = 0x01;
    bytes[71] |= 0x80;
    keccak_permutations().entries[0].permute(lanes);
    Node digest;
    std::memcpy(digest.words, lanes, NODE_BYTES);
    return digest;
}

uint32_t fnv(uint32_t left, uint32_t right) noexcept {
    return left * 0x01000193 ^ right;
}

void mix_in(Node& mix, const Node& node) noexcept {
    for (uint32_t word = 0; word < NODE_WORDS; ++word) {
        mix.words[word] = fnv(mix.words[word], node.words[word]);
    }
}

// One element of the data set, out of 256 of the cache.
Node dataset_node(const Node* cache, uint32_t node_count, uint32_t place) noexcept {
    Node mix = cache[place % node_count];
    mix.words[0] ^= place;
    mix = keccak512(mix.words, NODE_BYTES);
    for (uint32_t parent = 0; parent < DATASET_PARENTS; ++parent) {
        const uint32_t chosen = fnv(place ^ parent, mix.words[parent % NODE_WORDS]);
        mix_in(mix, cache[chosen % node_count]);
    }
    return keccak512(mix.words, NODE_BYTES);
}

}  // namespace

uint64_t ethash_cache_size(uint64_t epoch) noexcept {
    return prime_size(CACHE_BYTES_FIRST + CACHE_BYTES_GROWTH * epoch, NODE_BYTES);
}

uint64_t ethash_dataset_size(uint64_t epoch) noexcept {
    return prime_size(DATASET_BYTES_FIRST + DATASET_BYTES_GROWTH * epoch, PAGE_BYTES);
}

void ethash_fill_cache(uint64_t epoch, uint32_t* cache) noexcept {
    uint8_t seed[32] = {};
    for (uint64_t past = 0; past < epoch; ++past) keccak256(seed, sizeof seed, seed);
    auto* nodes = reinterpret_cast<Node*>(cache);
    const uint64_t count = ethash_cache_size(epoch) / NODE_BYTES;
    nodes[0] = keccak512(seed, sizeof seed);
    for (uint64_t place = 1; place < count; ++place) {
        nodes[place] = keccak512(nodes[place - 1].words, NODE_BYTES);
    }
    for (int round = 0; round < CACHE_ROUNDS; ++round) {
        for (uint64_t place = 0; place < count; ++place) {
            const Node& before = nodes[(place + count - 1) % count];
            const Node& chosen = nodes[nodes[place].words[0] % count];
            Node mixed;
            for (uint32_t word = 0; word < NODE_WORDS; ++word) {
                mixed.words[word] = before.words[word] ^ chosen.words[word];
            }
            nodes[place] = keccak512(mixed.words, NODE_BYTES);
        }
    }
}

void ethash_work(uint64_t epoch, const uint32_t* cache, const uint8_t header_hash[32], const uint8_t nonce[8],
                 uint8_t mix[32], uint8_t result[32]) noexcept {
    const auto* nodes = reinterpret_cast<const Node*>(cache);
    const auto node_count = static_cast<uint32_t>(ethash_cache_size(epoch) / NODE_BYTES);
    const auto page_count = static_cast<uint32_t>(ethash_dataset_size(epoch) / PAGE_BYTES);
    uint8_t start[40];
    std::memcpy(start, header_hash, 32);
    for (int byte = 0; byte < 8; ++byte) start[32 + byte] = nonce[7 - byte];
    const Node seed = keccak512(start, sizeof start);

    Node halves[2] = {seed, seed};
    for (uint32_t access = 0; access < ACCESSES; ++access) {
        const uint32_t word = access % PAGE_WORDS;
        const uint32_t mixed = halves[word / NODE_WORDS].words[word % NODE_WORDS];
        const uint32_t page = fnv(access ^ seed.words[0], mixed) % page_count;
        for (uint32_t half = 0; half < 2; ++half) {
            mix_in(halves[half], dataset_node(nodes, node_count, 2 * page + half));
        }
    }
    uint32_t compressed[8];
    for (uint32_t word = 0; word < 8; ++word) {
        const uint32_t* quad = halves[word / 4].words + word % 4 * 4;
        compressed[word] = fnv(fnv(fnv(quad[0], quad[1]), quad[2]), quad[3]);
    }
    std::memcpy(mix, compressed, 32);
    uint8_t end[96];
    std::memcpy(end, seed.words, NODE_BYTES);
    std::memcpy(end + NODE_BYTES, mix, 32);
    keccak256(end, sizeof end, result);
}

}  // namespace blockstm
