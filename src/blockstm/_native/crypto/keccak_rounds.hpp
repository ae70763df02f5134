// The 24 rounds of Keccak-f[1600], written once for every kind of lane: one state in plain registers, or
// several states side by side in vectors. `Lane` says how lanes are combined and rotated.
// Included only by the files that instantiate it, each under the processor features it compiles for, which
// is why everything here has internal linkage.
#pragma once

#include <cstdint>

namespace blockstm {
namespace {

constexpr uint64_t KECCAK_ROUND_CONSTANTS[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

// What rho turns lane x + 5 * y by.
constexpr int KECCAK_TURNS[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                  25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};

// The lane that pi brings to (x, y): (x + 3y, x), coordinates modulo 5.
constexpr int keccak_source(int x, int y) { return (x + 3 * y) % 5 + 5 * x; }

// Theta's addition, rho and pi: the lane that arrives at (x, y).
template <class Lane, int x, int y>
[[gnu::always_inline]] inline auto keccak_arrival(const typename Lane::Type (&from)[25],
                                                  const typename Lane::Type (&parity)[5]) noexcept {
    constexpr int source = keccak_source(x, y);
    return Lane::template rotate<KECCAK_TURNS[source]>(Lane::exclusive_or(from[source], parity[source % 5]));
}

// Row y of the next state: what arrives there, and chi.
template <class Lane, int y>
[[gnu::always_inline]] inline void keccak_row(const typename Lane::Type (&from)[25],
                                              typename Lane::Type (&to)[25],
                                              const typename Lane::Type (&parity)[5]) noexcept {
    const auto b0 = keccak_arrival<Lane, 0, y>(from, parity);
    const auto b1 = keccak_arrival<Lane, 1, y>(from, parity);
    const auto b2 = keccak_arrival<Lane, 2, y>(from, parity);
    const auto b3 = keccak_arrival<Lane, 3, y>(from, parity);
    const auto b4 = keccak_arrival<Lane, 4, y>(from, parity);
    to[5 * y] = Lane::chi(b0, b1, b2);
    to[5 * y + 1] = Lane::chi(b1, b2, b3);
    to[5 * y + 2] = Lane::chi(b2, b3, b4);
    to[5 * y + 3] = Lane::chi(b3, b4, b0);
    to[5 * y + 4] = Lane::chi(b4, b0, b1);
}

template <class Lane>
[[gnu::always_inline]] inline void keccak_round(const typename Lane::Type (&from)[25],
                                                typename Lane::Type (&to)[25], uint64_t constant) noexcept {
    using Type = typename Lane::Type;
    const Type c0 = Lane::exclusive_or(Lane::exclusive_or(from[0], from[5], from[10]), from[15], from[20]);
    const Type c1 = Lane::exclusive_or(Lane::exclusive_or(from[1], from[6], from[11]), from[16], from[21]);
    const Type c2 = Lane::exclusive_or(Lane::exclusive_or(from[2], from[7], from[12]), from[17], from[22]);
    const Type c3 = Lane::exclusive_or(Lane::exclusive_or(from[3], from[8], from[13]), from[18], from[23]);
    const Type c4 = Lane::exclusive_or(Lane::exclusive_or(from[4], from[9], from[14]), from[19], from[24]);
    const Type parity[5] = {
        Lane::exclusive_or(c4, Lane::template rotate<1>(c1)), Lane::exclusive_or(c0, Lane::template rotate<1>(c2)),
        Lane::exclusive_or(c1, Lane::template rotate<1>(c3)), Lane::exclusive_or(c2, Lane::template rotate<1>(c4)),
        Lane::exclusive_or(c3, Lane::template rotate<1>(c0)),
    };
    keccak_row<Lane, 0>(from, to, parity);
    to[0] = Lane::exclusive_or(to[0], Lane::same(constant));
    keccak_row<Lane, 1>(from, to, parity);
    keccak_row<Lane, 2>(from, to, parity);
    keccak_row<Lane, 3>(from, to, parity);
    keccak_row<Lane, 4>(from, to, parity);
}

template <class Lane>
[[gnu::always_inline]] inline void keccak_rounds(typename Lane::Type (&lanes)[25]) noexcept {
    typename Lane::Type other[25];
    for (int round = 0; round < 24; round += 2) {
        keccak_round<Lane>(lanes, other, KECCAK_ROUND_CONSTANTS[round]);
        keccak_round<Lane>(other, lanes, KECCAK_ROUND_CONSTANTS[round + 1]);
    }
}

// One state, any processor.
struct PlainLane {
    using Type = uint64_t;

    static Type same(uint64_t value) noexcept { return value; }
    static Type exclusive_or(Type a, Type b) noexcept { return a ^ b; }
    static Type exclusive_or(Type a, Type b, Type c) noexcept { return a ^ b ^ c; }
    static Type chi(Type a, Type b, Type c) noexcept { return a ^ (~b & c); }

    template <int count>
    static Type rotate(Type a) noexcept {
        return a << count | a >> ((64 - count) & 63);
    }
};

}  // namespace
}  // namespace blockstm
