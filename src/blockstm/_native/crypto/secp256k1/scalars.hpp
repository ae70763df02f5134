// The scalars of a recovery: Q = (s / r) R - (z / r) G (SEC 1, section 4.1.6), and how they are written in
// digits that are never zero, so that every recovery takes the same steps. Pure functions; any thread may
// call them.
#pragma once

#include <cstdint>

#include "crypto/endomorphism.hpp"
#include "crypto/secp256k1/curve.hpp"

namespace blockstm::secp256k1 {

// Digits to the base 16 of the two halves of a scalar, and to the base 256 of one that goes with the
// generator. All are odd: digit d of base B stands as (d + B - 1) / 2, which is 0 to B - 1, so that the
// upper half of these is positive.
inline constexpr int HALF_DIGITS = 33;
inline constexpr int GENERATOR_DIGITS = 32;

// A half of a split scalar, in two's complement; see endomorphism.hpp.
using Signed = Limbs;

// The halves of a scalar, by the cube root of one that BETA belongs to; both are odd.
Halves split_odd(const Limbs& scalar) noexcept;

// `stride` bytes lie between one digit and the next, the lowest first.
void write_half_digits(const Signed& half, uint8_t* out, int stride) noexcept;

// Of a scalar from 1 to N - 1.
void write_generator_digits(const Limbs& scalar, uint8_t* out, int stride) noexcept;

}  // namespace blockstm::secp256k1
