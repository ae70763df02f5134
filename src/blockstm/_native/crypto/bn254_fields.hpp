// The fields of the curve BN254: the base field Fp, and above it Fp2 = Fp[i] / (i**2 + 1),
// Fp6 = Fp2[v] / (v**3 - xi) and Fp12 = Fp6[w] / (w**2 - v), with xi = 9 + i (EIP-197; J. Beuchat et al.,
// "High-speed software implementation of the optimal ate pairing", 2010, for the tower and its formulas).
// Pure functions; any thread may call them. For bn254.cpp and bn254_pairing.cpp.
#pragma once

#include "crypto/prime_field.hpp"

namespace blockstm::bn254 {

// The curve's parameter: the modulus is 36 u**4 + 36 u**3 + 24 u**2 + 6 u + 1, the order of the groups
// 36 u**4 + 36 u**3 + 18 u**2 + 6 u + 1.
inline constexpr uint64_t U = 0x44e992b44a6909f1;

inline constexpr Limbs P{{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}};
inline constexpr Limbs ORDER{
    {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}};

using Fp = Prime<P>;

constexpr Fp small(uint64_t number) noexcept { return Fp::from({{number, 0, 0, 0}}); }

struct Fp2 {
    Fp c0, c1;

    static constexpr Fp2 one() noexcept { return {Fp::one(), Fp()}; }
    constexpr bool is_zero() const noexcept { return c0.is_zero() && c1.is_zero(); }
    friend constexpr bool operator==(const Fp2&, const Fp2&) noexcept = default;

    friend constexpr Fp2 operator+(const Fp2& left, const Fp2& right) noexcept {
        return {left.c0 + right.c0, left.c1 + right.c1};
    }
    friend constexpr Fp2 operator-(const Fp2& left, const Fp2& right) noexcept {
        return {left.c0 - right.c0, left.c1 - right.c1};
    }
    friend constexpr Fp2 operator*(const Fp2& left, const Fp2& right) noexcept {
        const Fp low = left.c0 * right.c0, high = left.c1 * right.c1;
        return {low - high, (left.c0 + left.c1) * (right.c0 + right.c1) - low - high};
    }
    friend constexpr Fp2 operator*(const Fp2& left, const Fp& right) noexcept {
        return {left.c0 * right, left.c1 * right};
    }

    constexpr Fp2 operator-() const noexcept { return {-c0, -c1}; }
    constexpr Fp2 twice() const noexcept { return {c0.twice(), c1.twice()}; }
    constexpr Fp2 thrice() const noexcept { return twice() + *this; }
    constexpr Fp2 square() const noexcept { return {(c0 + c1) * (c0 - c1), (c0 * c1).twice()}; }
    constexpr Fp2 conjugate() const noexcept { return {c0, -c1}; }

    constexpr Fp2 times_xi() const noexcept {
        const Fp2 eight = twice().twice().twice();
        return {eight.c0 + c0 - c1, eight.c1 + c1 + c0};
    }

    constexpr Fp2 inverse() const noexcept {
        const Fp inverse = (c0.square() + c1.square()).inverse();
        return {c0 * inverse, -(c1 * inverse)};
    }

    constexpr Fp2 power(const Limbs& exponent) const noexcept {
        Fp2 result = one();
        for (int place = 255; place >= 0; --place) {
            result = result.square();
            if (bit(exponent, place)) result = result * *this;
        }
        return result;
    }
};

inline constexpr Fp2 XI{small(9), small(1)};

struct Fp6 {
    Fp2 c0, c1, c2;

    static constexpr Fp6 one() noexcept { return {Fp2::one(), {}, {}}; }
    friend constexpr bool operator==(const Fp6&, const Fp6&) noexcept = default;

    friend constexpr Fp6 operator+(const Fp6& left, const Fp6& right) noexcept {
        return {left.c0 + right.c0, left.c1 + right.c1, left.c2 + right.c2};
    }
    friend constexpr Fp6 operator-(const Fp6& left, const Fp6& right) noexcept {
        return {left.c0 - right.c0, left.c1 - right.c1, left.c2 - right.c2};
    }
    friend constexpr Fp6 operator*(const Fp6& left, const Fp6& right) noexcept {
        const Fp2 t0 = left.c0 * right.c0, t1 = left.c1 * right.c1, t2 = left.c2 * right.c2;
        return {((left.c1 + left.c2) * (right.c1 + right.c2) - t1 - t2).times_xi() + t0,
                (left.c0 + left.c1) * (right.c0 + right.c1) - t0 - t1 + t2.times_xi(),
                (left.c0 + left.c2) * (right.c0 + right.c2) - t0 - t2 + t1};
    }
    friend constexpr Fp6 operator*(const Fp6& left, const Fp2& right) noexcept {
        return {left.c0 * right, left.c1 * right, left.c2 * right};
    }

    // Times b + c v.
    constexpr Fp6 times_sparse(const Fp2& b, const Fp2& c) const noexcept {
        const Fp2 t0 = c0 * b, t1 = c1 * c;
        return {((c1 + c2) * c - t1).times_xi() + t0, (c0 + c1) * (b + c) - t0 - t1,
                (c0 + c2) * b - t0 + t1};
    }

    constexpr Fp6 operator-() const noexcept { return {-c0, -c1, -c2}; }
    constexpr Fp6 times_v() const noexcept { return {c2.times_xi(), c0, c1}; }

    constexpr Fp6 inverse() const noexcept {
        const Fp2 a = c0.square() - (c1 * c2).times_xi();
        const Fp2 b = c2.square().times_xi() - c0 * c1;
        const Fp2 c = c1.square() - c0 * c2;
        const Fp2 norm = (c2 * b + c1 * c).times_xi() + c0 * a;
        return Fp6{a, b, c} * norm.inverse();
    }
};

struct Fp12 {
    Fp6 c0, c1;

    static constexpr Fp12 one() noexcept { return {Fp6::one(), {}}; }
    friend constexpr bool operator==(const Fp12&, const Fp12&) noexcept = default;

    friend constexpr Fp12 operator*(const Fp12& left, const Fp12& right) noexcept {
        const Fp6 t0 = left.c0 * right.c0, t1 = left.c1 * right.c1;
        return {t0 + t1.times_v(), (left.c0 + left.c1) * (right.c0 + right.c1) - t0 - t1};
    }

    // Times a + (b + c v) w, which is how a line looks.
    constexpr Fp12 times_line(const Fp2& a, const Fp2& b, const Fp2& c) const noexcept {
        const Fp6 t0 = c0 * a, t1 = c1.times_sparse(b, c);
        return {t0 + t1.times_v(), (c0 + c1).times_sparse(a + b, c) - t0 - t1};
    }

    constexpr Fp12 square() const noexcept {
        const Fp6 t = c0 * c1;
        return {(c0 + c1) * (c0 + c1.times_v()) - t - t.times_v(), t + t};
    }

    // The power p**6; on elements of norm one, the inverse.
    constexpr Fp12 conjugate() const noexcept { return {c0, -c1}; }

    constexpr Fp12 inverse() const noexcept {
        const Fp6 norm = (c0 * c0 - (c1 * c1).times_v()).inverse();
        return {c0 * norm, -(c1 * norm)};
    }
};

}  // namespace blockstm::bn254
