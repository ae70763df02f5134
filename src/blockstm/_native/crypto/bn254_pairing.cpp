// The pairing of BN254: the optimal ate pairing (F. Vercauteren 2010; D. Aranha et al., "Faster explicit
// formulas for computing pairings over ordinary curves", 2011, for the steps of the Miller loop; M. Scott et
// al., "On the final exponentiation for calculating pairings on ordinary elliptic curves", 2009). All pairs
// of a check share the squarings of the loop and the final exponentiation.
#include <algorithm>

#include "crypto/bn254_points.hpp"
#include "crypto/signed_digits.hpp"

namespace blockstm::bn254 {
namespace {

constexpr Limbs divide(const Limbs& number, uint64_t by) noexcept {
    Limbs quotient{};
    unsigned __int128 rest = 0;
    for (int place = 3; place >= 0; --place) {
        rest = rest << 64 | number.limb[place];
        quotient.limb[place] = static_cast<uint64_t>(rest / by);
        rest %= by;
    }
    return quotient;
}

// xi ** ((p - 1) / 6) and its powers: what w and its powers are multiplied by when raised to p.
struct FrobeniusConstants {
    Fp2 power[6];

    constexpr FrobeniusConstants() noexcept {
        const Fp2 first = XI.power(divide(P, 6));  // P is 1 modulo 6
        power[0] = Fp2::one();
        for (int place = 1; place < 6; ++place) power[place] = power[place - 1] * first;
    }
};
constexpr FrobeniusConstants W;

// value ** p.
Fp12 frobenius(const Fp12& value) noexcept {
    const auto& [even, odd] = value;
    return {{even.c0.conjugate(), even.c1.conjugate() * W.power[2], even.c2.conjugate() * W.power[4]},
            {odd.c0.conjugate() * W.power[1], odd.c1.conjugate() * W.power[3],
             odd.c2.conjugate() * W.power[5]}};
}

// The Frobenius map of the curve, brought to the twist. On G2 it multiplies by p.
G2 frobenius(const G2& point) noexcept {
    return {point.x.conjugate() * W.power[2], point.y.conjugate() * W.power[3], point.z.conjugate()};
}

G2::Affine frobenius(const G2::Affine& point) noexcept {
    return {point.x.conjugate() * W.power[2], point.y.conjugate() * W.power[3]};
}

// Whether a point of the twist is in G2, its group of prime order r. With F the Frobenius map, as many
// points as its norm are sent to infinity by (u + 1) + u F + u F**2 - 2u F**3. That norm is a multiple of r
// and has no other factor in common with the order r (2p - r) of the twist: those points of it are G2.
bool in_g2(const G2::Affine& point) noexcept {
    const G2 times_u = multiple<4, G2>(point, Limbs{{U, 0, 0, 0}});
    const G2 first = frobenius(times_u), second = frobenius(first), third = frobenius(second);
    return (times_u + point + first + second + -third.twice()).is_infinity();
}

// ---- the Miller loop

// A line at a point of the curve: a + (b + c v) w.
struct Line {
    Fp2 a, b, c;
};

// Walks over multiples of q in projective coordinates (x / z, y / z) and says the lines it passes, at p.
class Walk {
public:
    Walk() noexcept = default;
    Walk(const G1::Affine& p, const G2::Affine& q) noexcept
        : p_(p), q_(q), x_(q.x), y_(q.y), z_(Fp2::one()) {}

    Line twice() noexcept {
        const Fp2 xy = x_ * y_, yy = y_.square(), zz = z_.square();
        const Fp2 e = TWIST_B * zz.thrice(), f = e.thrice();
        const Fp2 yz = (y_ + z_).square() - yy - zz;  // twice their product
        const Line line{-(yz * p_.y), x_.square().thrice() * p_.x, e - yy};
        x_ = xy.twice() * (yy - f);
        y_ = (yy + f).square() - e.square().thrice().twice().twice();
        z_ = (yy * yz).twice().twice();
        return line;
    }

    Line add(const G2::Affine& q) noexcept {
        const Fp2 theta = y_ - q.y * z_, lambda = x_ - q.x * z_;
        const Fp2 square = lambda.square(), cube = square * lambda;
        const Fp2 xs = x_ * square;
        const Fp2 h = cube + z_ * theta.square() - xs.twice();
        x_ = lambda * h;
        y_ = theta * (xs - h) - y_ * cube;
        z_ = z_ * cube;
        return {lambda * p_.y, -(theta * p_.x), theta * q.x - lambda * q.y};
    }

    Line add_digit(int digit) noexcept { return add(digit > 0 ? q_ : G2::Affine{q_.x, -q_.y}); }

    const G2::Affine& q() const noexcept { return q_; }

private:
    G1::Affine p_;
    G2::Affine q_;
    Fp2 x_, y_, z_;
};

constexpr auto LOOP = 6 * static_cast<unsigned __int128>(U) + 2;
constexpr SignedDigits<2> LOOP_DIGITS(
    Limbs{{static_cast<uint64_t>(LOOP), static_cast<uint64_t>(LOOP >> 64), 0, 0}});

Fp12 times(const Fp12& value, const Line& line) noexcept { return value.times_line(line.a, line.b, line.c); }

Fp12 miller_loop(Walk* walks, uint64_t count) noexcept {
    Fp12 product = Fp12::one();
    for (int place = LOOP_DIGITS.count - 2; place >= 0; --place) {
        product = product.square();
        const int digit = LOOP_DIGITS.digit[place];
        for (Walk* walk = walks; walk != walks + count; ++walk) {
            product = times(product, walk->twice());
            if (digit != 0) product = times(product, walk->add_digit(digit));
        }
    }
    for (Walk* walk = walks; walk != walks + count; ++walk) {
        const G2::Affine once = frobenius(walk->q()), twice = frobenius(once);
        product = times(product, walk->add(once));
        product = times(product, walk->add({twice.x, -twice.y}));
    }
    return product;
}

// ---- the final exponentiation

struct Fp4Square {
    Fp2 c0, c1;

    // Of a + b s, where s ** 2 = xi.
    Fp4Square(const Fp2& a, const Fp2& b) noexcept {
        const Fp2 aa = a.square(), bb = b.square();
        c0 = aa + bb.times_xi();
        c1 = (a + b).square() - aa - bb;
    }
};

// The square of an element whose order divides p**4 - p**2 + 1 (R. Granger, M. Scott, "Faster squaring in
// the cyclotomic subgroup of sixth degree extensions", 2010).
Fp12 cyclotomic_square(const Fp12& value) noexcept {
    const auto& [even, odd] = value;
    const Fp4Square a(even.c0, odd.c1), b(odd.c0, even.c2), c(even.c1, odd.c2);
    const auto minus = [](const Fp2& squared, const Fp2& old) { return (squared - old).twice() + squared; };
    const auto plus = [](const Fp2& squared, const Fp2& old) { return (squared + old).twice() + squared; };
    return {{minus(a.c0, even.c0), minus(b.c0, even.c1), minus(c.c0, even.c2)},
            {plus(c.c1.times_xi(), odd.c0), plus(a.c1, odd.c1), plus(b.c1, odd.c2)}};
}

constexpr SignedDigits<2> U_DIGITS(Limbs{{U, 0, 0, 0}});

Fp12 power_u(const Fp12& value) noexcept {
    const Fp12 inverse = value.conjugate();
    Fp12 result = value;
    for (int place = U_DIGITS.count - 2; place >= 0; --place) {
        result = cyclotomic_square(result);
        const int digit = U_DIGITS.digit[place];
        if (digit != 0) result = result * (digit > 0 ? value : inverse);
    }
    return result;
}

// value ** ((p**12 - 1) / r). First to (p**6 - 1) (p**2 + 1); the rest of the exponent is
// p**3 + (6u**2 + 1) p**2 - (36u**3 + 18u**2 + 12u - 1) p - (36u**3 + 30u**2 + 18u + 2).
Fp12 final_exponentiation(const Fp12& value) noexcept {
    const Fp12 first = value.conjugate() * value.inverse();
    const Fp12 f = frobenius(frobenius(first)) * first;

    const Fp12 fu = power_u(f), fuu = power_u(fu), fuuu = power_u(fuu);
    const Fp12 fp = frobenius(f), fpp = frobenius(fp);
    const Fp12 fuu_p = frobenius(fuu);
    const Fp12 y0 = fp * fpp * frobenius(fpp);
    const Fp12 y1 = f.conjugate();
    const Fp12 y2 = frobenius(fuu_p);
    const Fp12 y3 = frobenius(fu).conjugate();
    const Fp12 y4 = (fu * fuu_p).conjugate();
    const Fp12 y5 = fuu.conjugate();
    const Fp12 y6 = (fuuu * frobenius(fuuu)).conjugate();

    // y0 y1**2 y2**6 y3**12 y4**18 y5**30 y6**36.
    const Fp12 t0 = cyclotomic_square(y6) * y4 * y5;
    const Fp12 t1 = cyclotomic_square(y3 * y5 * t0) * (t0 * y2);
    const Fp12 t2 = cyclotomic_square(t1);
    return cyclotomic_square(t2 * y1) * (t2 * y0);
}

constexpr uint64_t WALKS_AT_ONCE = 16;

}  // namespace

PairingCheck check_pairing(const uint8_t* pairs, uint64_t count) noexcept {
    Walk walks[WALKS_AT_ONCE];
    uint64_t waiting = 0;
    Fp12 product = Fp12::one();
    for (; count != 0; --count, pairs += PAIR_SIZE) {
        Read<G1> p;
        Read<G2> q;
        if (!read_g1(pairs, p) || !read_twist(pairs + G1_SIZE, q)) return PairingCheck::Refused;
        if (!q.is_infinity && !in_g2(q.point)) return PairingCheck::Refused;
        if (p.is_infinity || q.is_infinity) continue;
        walks[waiting++] = Walk(p.point, q.point);
        if (waiting < WALKS_AT_ONCE) continue;
        product = product * miller_loop(walks, waiting);
        waiting = 0;
    }
    if (waiting != 0) product = product * miller_loop(walks, waiting);
    if (product == Fp12::one()) return PairingCheck::One;
    return final_exponentiation(product) == Fp12::one() ? PairingCheck::One : PairingCheck::NotOne;
}

}  // namespace blockstm::bn254
