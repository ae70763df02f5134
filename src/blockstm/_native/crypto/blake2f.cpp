#include "crypto/blake2f.hpp"

#include <bit>
#include <utility>

namespace blockstm {
namespace {

constexpr uint64_t INITIAL[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

// The order in which the rounds take the words of the message; round r uses row r modulo 10.
constexpr int ORDERS = 10;
constexpr uint8_t ORDER[ORDERS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

[[gnu::always_inline]] inline void mix(uint64_t& a, uint64_t& b, uint64_t& c, uint64_t& d, uint64_t x,
                                       uint64_t y) noexcept {
    a += b + x;
    d = std::rotr(d ^ a, 32);
    c += d;
    b = std::rotr(b ^ c, 24);
    a += b + y;
    d = std::rotr(d ^ a, 16);
    c += d;
    b = std::rotr(b ^ c, 63);
}

template <int row>
[[gnu::always_inline]] inline void run_round(uint64_t (&v)[16], const uint64_t* message) noexcept {
    constexpr auto& order = ORDER[row];
    mix(v[0], v[4], v[8], v[12], message[order[0]], message[order[1]]);
    mix(v[1], v[5], v[9], v[13], message[order[2]], message[order[3]]);
    mix(v[2], v[6], v[10], v[14], message[order[4]], message[order[5]]);
    mix(v[3], v[7], v[11], v[15], message[order[6]], message[order[7]]);
    mix(v[0], v[5], v[10], v[15], message[order[8]], message[order[9]]);
    mix(v[1], v[6], v[11], v[12], message[order[10]], message[order[11]]);
    mix(v[2], v[7], v[8], v[13], message[order[12]], message[order[13]]);
    mix(v[3], v[4], v[9], v[14], message[order[14]], message[order[15]]);
}

// `rounds` rounds from the first order on.
template <int... row>
[[gnu::always_inline]] inline void run_rounds(uint32_t rounds, uint64_t (&v)[16], const uint64_t* message,
                                              std::integer_sequence<int, row...>) noexcept {
    for (; rounds >= ORDERS; rounds -= ORDERS) (run_round<row>(v, message), ...);
    (void)((static_cast<uint32_t>(row) < rounds && (run_round<row>(v, message), true)) && ...);
}

}  // namespace

void blake2f(uint32_t rounds, uint64_t state[8], const uint64_t message[16], const uint64_t offset[2],
             bool final_block) noexcept {
    uint64_t v[16];
    for (int place = 0; place < 8; ++place) v[place] = state[place];
    for (int place = 0; place < 8; ++place) v[place + 8] = INITIAL[place];
    v[12] ^= offset[0];
    v[13] ^= offset[1];
    if (final_block) v[14] = ~v[14];
    run_rounds(rounds, v, message, std::make_integer_sequence<int, ORDERS>{});
    for (int place = 0; place < 8; ++place) state[place] ^= v[place] ^ v[place + 8];
}

}  // namespace blockstm
