// Points of BN254 and of its twist, from bytes and to them. For bn254.cpp and bn254_pairing.cpp.
#pragma once

#include "crypto/bn254.hpp"
#include "crypto/bn254_fields.hpp"
#include "crypto/weierstrass.hpp"

namespace blockstm::bn254 {

using G1 = JacobianPoint<Fp, 0>;
using G2 = JacobianPoint<Fp2, 0>;

inline constexpr Fp CURVE_B = small(3);
inline constexpr Fp2 TWIST_B = XI.inverse() * CURVE_B;

// An affine point, or infinity.
template <class Group>
struct Read {
    typename Group::Affine point;
    bool is_infinity;
};

// False for a number that is not below the modulus.
inline bool read_field(const uint8_t bytes[WORD_SIZE], Fp& out) noexcept {
    const Limbs number = from_bytes(bytes);
    if (!is_below(number, P)) return false;
    out = Fp::from(number);
    return true;
}

// The imaginary part comes first.
inline bool read_field(const uint8_t bytes[2 * WORD_SIZE], Fp2& out) noexcept {
    return read_field(bytes, out.c1) && read_field(bytes + WORD_SIZE, out.c0);
}

// False for what is no point of the curve y**2 = x**3 + b.
template <class Group, class Field>
bool read_point(const uint8_t* bytes, uint64_t field_size, const Field& b, Read<Group>& out) noexcept {
    auto& [x, y] = out.point;
    if (!read_field(bytes, x) || !read_field(bytes + field_size, y)) return false;
    out.is_infinity = x.is_zero() && y.is_zero();
    return out.is_infinity || y.square() == x.square() * x + b;
}

// Every point of the curve is in G1.
inline bool read_g1(const uint8_t bytes[G1_SIZE], Read<G1>& out) noexcept {
    return read_point(bytes, WORD_SIZE, CURVE_B, out);
}

// Any point of the twist: whether it is in G2 is another question.
inline bool read_twist(const uint8_t bytes[G2_SIZE], Read<G2>& out) noexcept {
    return read_point(bytes, 2 * WORD_SIZE, TWIST_B, out);
}

}  // namespace blockstm::bn254
