// Points of a curve y**2 = x**3 + a x + b in Jacobian coordinates: (x / z**2, y / z**3), infinity where z
// is zero (formulas: D. Bernstein, T. Lange, Explicit-Formulas Database, dbl-2001-b, dbl-2009-l,
// add-2007-bl, madd-2007-bl). Every case of addition is right, for the points come from strangers.
// Pure functions; any thread may call them. Time depends on the numbers: not for secrets.
#pragma once

#include <cstdint>

namespace blockstm {

template <class Field>
struct AffinePoint {
    Field x, y;
};

// A is the curve's coefficient a: 0 or -3, which have formulas of their own.
template <class Field, int A>
struct JacobianPoint {
    static_assert(A == 0 || A == -3);
    using Affine = AffinePoint<Field>;

    Field x, y, z;

    static constexpr JacobianPoint infinity() noexcept { return {Field::one(), Field::one(), Field()}; }
    static constexpr JacobianPoint from(const Affine& point) noexcept {
        return {point.x, point.y, Field::one()};
    }

    constexpr bool is_infinity() const noexcept { return z.is_zero(); }
    constexpr JacobianPoint operator-() const noexcept { return {x, -y, z}; }

    // Infinity, whose z is zero, stays infinity.
    constexpr JacobianPoint twice() const noexcept {
        if constexpr (A == 0) {
            const Field xx = x.square(), yy = y.square(), yyyy = yy.square();
            const Field d = ((x + yy).square() - xx - yyyy).twice();
            const Field e = xx.twice() + xx;
            const Field out_x = e.square() - d.twice();
            return {out_x, e * (d - out_x) - yyyy.twice().twice().twice(), (y * z).twice()};
        } else {
            const Field zz = z.square(), yy = y.square(), xyy = x * yy;
            const Field slope = (x - zz) * (x + zz), e = slope.twice() + slope;
            const Field xyy4 = xyy.twice().twice();
            const Field out_x = e.square() - xyy4.twice();
            return {out_x, e * (xyy4 - out_x) - yy.square().twice().twice().twice(),
                    (y + z).square() - yy - zz};
        }
    }

    friend constexpr JacobianPoint operator+(const JacobianPoint& left, const JacobianPoint& right) noexcept {
        if (left.is_infinity()) return right;
        if (right.is_infinity()) return left;
        const Field left_zz = left.z.square(), right_zz = right.z.square();
        const Field u1 = left.x * right_zz, u2 = right.x * left_zz;
        const Field s1 = left.y * right.z * right_zz, s2 = right.y * left.z * left_zz;
        const Field h = u2 - u1, r = (s2 - s1).twice();
        if (h.is_zero()) return r.is_zero() ? left.twice() : infinity();
        const Field zz = (left.z + right.z).square() - left_zz - right_zz;
        return finish(h, r, u1, s1, zz * h);
    }

    friend constexpr JacobianPoint operator+(const JacobianPoint& left, const Affine& right) noexcept {
        if (left.is_infinity()) return from(right);
        const Field zz = left.z.square();
        const Field h = right.x * zz - left.x, r = (right.y * left.z * zz - left.y).twice();
        if (h.is_zero()) return r.is_zero() ? left.twice() : infinity();
        return finish(h, r, left.x, left.y, (left.z * h).twice());
    }

private:
    // The end of an addition: h and r are differences of x and of y (twice), (x, y) the left point.
    static constexpr JacobianPoint finish(const Field& h, const Field& r, const Field& x, const Field& y,
                                          const Field& out_z) noexcept {
        const Field i = h.twice().square(), j = h * i, v = x * i;
        const Field out_x = r.square() - j - v.twice();
        return {out_x, r * (v - out_x) - (y * j).twice(), out_z};
    }
};

}  // namespace blockstm
