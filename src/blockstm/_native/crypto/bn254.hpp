// The curve BN254, also called alt_bn128 (EIP-196, EIP-197): y**2 = x**3 + 3 over a field of 254 bits, its
// twist over the quadratic extension, and the pairing of their groups of prime order. Points are bytes as
// the EIPs write them: big-endian words below the modulus, infinity as zeros, imaginary parts first.
// Pure functions; any thread may call them.
#pragma once

#include <cstdint>

namespace blockstm::bn254 {

inline constexpr uint64_t WORD_SIZE = 32;
inline constexpr uint64_t G1_SIZE = 2 * WORD_SIZE;
inline constexpr uint64_t G2_SIZE = 4 * WORD_SIZE;
inline constexpr uint64_t PAIR_SIZE = G1_SIZE + G2_SIZE;

// The sum of two points of the curve; false if one of them is none.
bool add(const uint8_t left[G1_SIZE], const uint8_t right[G1_SIZE], uint8_t out[G1_SIZE]) noexcept;

// A multiple of a point of the curve, by any number; false if it is no point.
bool multiply(const uint8_t point[G1_SIZE], const uint8_t scalar[WORD_SIZE], uint8_t out[G1_SIZE]) noexcept;

enum class PairingCheck : uint8_t { One, NotOne, Refused };

// Whether the product of the pairings of `count` pairs, a point of the curve and one of the twist's group
// of prime order, is one. Refused if one of the points is none.
PairingCheck check_pairing(const uint8_t* pairs, uint64_t count) noexcept;

}  // namespace blockstm::bn254
