// The scalars of a recovery: Q = (s / r) R - (z / r) G (SEC 1, section 4.1.6), and how they are written in
// digits that are never zero, so that every recovery takes the same steps. Pure functions; any thread may
// call them.
#pragma once

#include <cstdint>

#include "crypto/secp256k1/curve.hpp"

namespace blockstm::secp256k1 {

// Digits to the base 16 of the two halves of a scalar, and to the base 256 of one that goes with the
// generator. All are odd: digit d of base B stands as (d + B - 1) / 2, which is 0 to B - 1, so that the
// upper half of these is positive.
inline constexpr int HALF_DIGITS = 33;
inline constexpr int GENERATOR_DIGITS = 32;

// A number in two's complement, below 2 ** 130 in size once a scalar is split.
using Signed = Limbs;

// halves.one + halves.other * LAMBDA = scalar modulo N, both odd (R. Gallant, R. Lambert, S. Vanstone,
// "Faster point multiplication on elliptic curves with efficient endomorphisms", 2001).
struct Halves {
    Signed one, other;
};

Halves split(const Limbs& scalar) noexcept;

// `stride` bytes lie between one digit and the next, the lowest first.
void write_half_digits(const Signed& half, uint8_t* out, int stride) noexcept;

// Of a scalar from 1 to N - 1.
void write_generator_digits(const Limbs& scalar, uint8_t* out, int stride) noexcept;

}  // namespace blockstm::secp256k1
