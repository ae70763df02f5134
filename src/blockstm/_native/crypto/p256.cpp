// ECDSA verification over P-256 (FIPS 186-4, section 6.4): the signature holds where
// R = (hash / s) G + (r / s) Q has r as its x, modulo the order of the curve. Both multiples are computed
// in one pass of doublings, from signed digits of which few are not zero.
#include "crypto/p256.hpp"

#include <algorithm>

#include "crypto/prime_field.hpp"
#include "crypto/signed_digits.hpp"
#include "crypto/weierstrass.hpp"

namespace blockstm {
namespace {

// FIPS 186-4, section D.1.2.3.
constexpr Limbs P{{0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001}};
constexpr Limbs N{{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000}};
constexpr Limbs B{{0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7}};
constexpr Limbs G_X{{0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247}};
constexpr Limbs G_Y{{0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b}};

using Field = Prime<P>;
using Scalar = Prime<N>;
using Point = JacobianPoint<Field, -3>;
using Affine = Point::Affine;

bool on_curve(const Affine& point) noexcept {
    const Field cube = (point.x.square() - Field::from({{3, 0, 0, 0}})) * point.x;
    return point.y.square() == cube + Field::from(B);
}

constexpr int Q_WIDTH = 5;
constexpr int G_WIDTH = 7;

// The odd multiples of the generator, affine, for additions are quicker so.
struct GeneratorMultiples {
    static constexpr int COUNT = OddMultiples<Point, G_WIDTH>::COUNT;
    Affine multiple[COUNT];

    GeneratorMultiples() noexcept {
        const OddMultiples<Point, G_WIDTH> odd(Affine{Field::from(G_X), Field::from(G_Y)});
        for (int place = 0; place < COUNT; ++place) {
            const Field inverse = odd.multiple[place].z.inverse(), square = inverse.square();
            multiple[place] = {odd.multiple[place].x * square, odd.multiple[place].y * square * inverse};
        }
    }

    // `sum` and the multiple that `digit` names.
    Point add_to(const Point& sum, int digit) const noexcept {
        if (digit == 0) return sum;
        if (digit > 0) return sum + multiple[digit / 2];
        const Affine& opposite = multiple[-digit / 2];
        return sum + Affine{opposite.x, -opposite.y};
    }
};

const GeneratorMultiples& generator_multiples() noexcept {
    static const GeneratorMultiples multiples;  // made once, by whichever thread comes first
    return multiples;
}

Point sum_of_multiples(const Limbs& of_g, const Limbs& of_q, const Affine& q) noexcept {
    const SignedDigits<G_WIDTH> g_digits(of_g);
    const SignedDigits<Q_WIDTH> q_digits(of_q);
    const GeneratorMultiples& gs = generator_multiples();
    const OddMultiples<Point, Q_WIDTH> qs(q);
    Point sum = Point::infinity();
    for (int place = std::max(g_digits.count, q_digits.count) - 1; place >= 0; --place) {
        sum = gs.add_to(qs.add_to(sum.twice(), q_digits.digit[place]), g_digits.digit[place]);
    }
    return sum;
}

// Whether the point's x is r modulo N. The field is larger than N by less than N: x is r or r + N.
bool has_x(const Point& point, const Limbs& r) noexcept {
    const Field zz = point.z.square();
    if (Field::from(r) * zz == point.x) return true;
    Limbs other = r;
    return !add(other, N) && is_below(other, P) && Field::from(other) * zz == point.x;
}

bool is_scalar(const Limbs& value) noexcept { return !is_zero(value) && is_below(value, N); }

}  // namespace

bool p256_verify(const uint8_t input[160]) noexcept {
    Limbs hash = from_bytes(input);
    const Limbs r = from_bytes(input + 32), s = from_bytes(input + 64);
    const Limbs x = from_bytes(input + 96), y = from_bytes(input + 128);
    if (!is_scalar(r) || !is_scalar(s) || !is_below(x, P) || !is_below(y, P)) return false;
    const Affine key{Field::from(x), Field::from(y)};
    if (!on_curve(key)) return false;
    if (!is_below(hash, N)) subtract(hash, N);
    const Scalar inverse = Scalar::from(s).inverse();
    const Limbs of_g = (Scalar::from(hash) * inverse).number();
    const Limbs of_q = (Scalar::from(r) * inverse).number();
    const Point point = sum_of_multiples(of_g, of_q, key);
    return !point.is_infinity() && has_x(point, r);
}

}  // namespace blockstm
