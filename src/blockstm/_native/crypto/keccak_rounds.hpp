// The 24 rounds of Keccak-f[1600] (the Keccak reference, section 1.2), written once for every kind of lane:
// a number, for one state, or a vector of numbers, for several states side by side.
// Included only by keccak.cpp. Everything is inlined into functions that say which processor they are for.
#pragma once

#include <cstdint>

namespace blockstm {

inline constexpr uint64_t KECCAK_ROUND_CONSTANTS[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

// What rho turns lane x + 5 * y by.
inline constexpr int KECCAK_TURNS[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                         25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};

template <int count, class Lane>
[[gnu::always_inline]] inline void keccak_turn(Lane& lane) noexcept {
    if constexpr (count != 0) lane = lane << count | lane >> (64 - count);
}

// Theta's addition, rho and pi: the lane that arrives at (x, y) comes from (x + 3y, x), modulo 5.
template <int x, int y, class Lane>
[[gnu::always_inline]] inline void keccak_arrival(const Lane (&from)[25], const Lane (&parity)[5],
                                                  Lane& lane) noexcept {
    constexpr int column = (x + 3 * y) % 5;
    constexpr int source = column + 5 * x;
    lane = from[source] ^ parity[column];
    keccak_turn<KECCAK_TURNS[source]>(lane);
}

// Row y of the next state: what arrives there, and chi.
template <int y, class Lane>
[[gnu::always_inline]] inline void keccak_row(const Lane (&from)[25], Lane (&to)[25],
                                              const Lane (&parity)[5]) noexcept {
    Lane b0, b1, b2, b3, b4;
    keccak_arrival<0, y>(from, parity, b0);
    keccak_arrival<1, y>(from, parity, b1);
    keccak_arrival<2, y>(from, parity, b2);
    keccak_arrival<3, y>(from, parity, b3);
    keccak_arrival<4, y>(from, parity, b4);
    to[5 * y] = b0 ^ (~b1 & b2);
    to[5 * y + 1] = b1 ^ (~b2 & b3);
    to[5 * y + 2] = b2 ^ (~b3 & b4);
    to[5 * y + 3] = b3 ^ (~b4 & b0);
    to[5 * y + 4] = b4 ^ (~b0 & b1);
}

template <class Lane>
[[gnu::always_inline]] inline void keccak_round(const Lane (&from)[25], Lane (&to)[25],
                                                uint64_t constant) noexcept {
    Lane sums[5], parity[5];
    for (int x = 0; x < 5; ++x) sums[x] = from[x] ^ from[x + 5] ^ from[x + 10] ^ from[x + 15] ^ from[x + 20];
    for (int x = 0; x < 5; ++x) {
        parity[x] = sums[(x + 1) % 5];
        keccak_turn<1>(parity[x]);
        parity[x] ^= sums[(x + 4) % 5];
    }
    keccak_row<0>(from, to, parity);
    to[0] ^= constant;
    keccak_row<1>(from, to, parity);
    keccak_row<2>(from, to, parity);
    keccak_row<3>(from, to, parity);
    keccak_row<4>(from, to, parity);
}

template <class Lane>
[[gnu::always_inline]] inline void keccak_rounds(Lane (&lanes)[25]) noexcept {
    Lane others[25];
    for (int round = 0; round < 24; round += 2) {
        keccak_round(lanes, others, KECCAK_ROUND_CONSTANTS[round]);
        keccak_round(others, lanes, KECCAK_ROUND_CONSTANTS[round + 1]);
    }
}

}  // namespace blockstm
