#include "crypto/ripemd160.hpp"

#include <bit>
#include <cstring>

namespace blockstm {
namespace {

constexpr uint64_t BLOCK = 64;

// Two lines of five rounds of sixteen steps. A step takes a word of the block and turns by a number of bits;
// a round adds a constant: the integer parts of 2^30 times the square (left) and cube (right) roots of
// 2, 3, 5 and 7.
constexpr uint8_t LEFT_WORDS[80] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
    3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
    1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
    4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
};
constexpr uint8_t RIGHT_WORDS[80] = {
    5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
    6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
    15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
    8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
    12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
};
constexpr uint8_t LEFT_TURNS[80] = {
    11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
    7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
    11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
    11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
    9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
};
constexpr uint8_t RIGHT_TURNS[80] = {
    8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
    9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
    9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
    15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
    8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
};
constexpr uint32_t LEFT_CONSTANTS[5] = {0x00000000, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e};
constexpr uint32_t RIGHT_CONSTANTS[5] = {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0x00000000};

struct Line {
    uint32_t a, b, c, d, e;
};

template <int function>
[[gnu::always_inline]] inline uint32_t combine(uint32_t x, uint32_t y, uint32_t z) noexcept {
    if constexpr (function == 0) return x ^ y ^ z;
    if constexpr (function == 1) return (x & y) | (~x & z);
    if constexpr (function == 2) return (x | ~y) ^ z;
    if constexpr (function == 3) return (x & z) | (y & ~z);
    return x ^ (y | ~z);
}

template <int function>
[[gnu::always_inline]] inline void step(Line& line, uint32_t input, int turn) noexcept {
    const uint32_t sum = line.a + combine<function>(line.b, line.c, line.d) + input;
    const uint32_t next = std::rotl(sum, turn) + line.e;
    line = {line.e, next, line.b, std::rotl(line.c, 10), line.d};
}

// The right line meets the functions in the opposite order.
template <int round>
[[gnu::always_inline]] inline void run_round(Line& left, Line& right, const uint32_t (&words)[16]) noexcept {
#pragma GCC unroll 16
    for (int place = 16 * round; place < 16 * round + 16; ++place) {
        step<round>(left, words[LEFT_WORDS[place]] + LEFT_CONSTANTS[round], LEFT_TURNS[place]);
        step<4 - round>(right, words[RIGHT_WORDS[place]] + RIGHT_CONSTANTS[round], RIGHT_TURNS[place]);
    }
}

void compress(uint32_t state[5], const uint8_t* block) noexcept {
    uint32_t words[16];
    std::memcpy(words, block, sizeof words);
    if constexpr (std::endian::native == std::endian::big) {
        for (uint32_t& word : words) word = __builtin_bswap32(word);
    }
    Line left = {state[0], state[1], state[2], state[3], state[4]};
    Line right = left;
    run_round<0>(left, right, words);
    run_round<1>(left, right, words);
    run_round<2>(left, right, words);
    run_round<3>(left, right, words);
    run_round<4>(left, right, words);
    const uint32_t first = state[1] + left.c + right.d;
    state[1] = state[2] + left.d + right.e;
    state[2] = state[3] + left.e + right.a;
    state[3] = state[4] + left.a + right.b;
    state[4] = state[0] + left.b + right.c;
    state[0] = first;
}

void store_word(uint32_t word, uint8_t* bytes) noexcept {
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
    std::memcpy(bytes, &word, sizeof word);
}

}  // namespace

void ripemd160(const uint8_t* data, uint64_t size, uint8_t out[20]) noexcept {
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint64_t left = size;
    for (; left >= BLOCK; left -= BLOCK, data += BLOCK) compress(state, data);

    // What is left, a one bit, zeros, and the length in bits fill one block or two.
    uint8_t last[2 * BLOCK] = {};
    if (left != 0) std::memcpy(last, data, left);
    last[left] = 0x80;
    const uint64_t blocks = left + 1 + 8 <= BLOCK ? 1 : 2;
    store_word(static_cast<uint32_t>(size << 3), last + blocks * BLOCK - 8);
    store_word(static_cast<uint32_t>(size >> 29), last + blocks * BLOCK - 4);
    for (uint64_t block = 0; block < blocks; ++block) compress(state, last + block * BLOCK);

    for (int place = 0; place < 5; ++place) store_word(state[place], out + 4 * place);
}

}  // namespace blockstm
