// Multiples of a point by halves of the scalar, on curves y**2 = x**3 + b: (beta x, y) is lambda times (x, y), so that
// two multiples by numbers half as long share their doublings (R. Gallant, R. Lambert, S. Vanstone, "Faster point
// multiplication on elliptic curves with efficient endomorphisms", 2001).
// Pure functions; any thread may call them. Time depends on the numbers: not for secrets.
#pragma once

#include <algorithm>
#include <cstdint>

#include "crypto/limbs.hpp"
#include "crypto/signed_digits.hpp"

namespace blockstm {

// The short vectors (a1, -b1) and (a2, a1) of the lattice of pairs (a, b) with a + b lambda = 0 modulo the order, and
// 2 ** (64 * shift) times a1 and b1 over the order, rounded.
struct ShortVectors {
    Limbs a1, b1, a2;
    Limbs a1_ratio, b1_ratio;
    int shift;
};

// one + other * lambda is the scalar modulo the order; both are in two's complement, below 2 ** 130 in size.
struct Halves {
    Limbs one, other;
};

namespace endomorphism {

// left * right, the lowest `count` words of it.
template <int count>
constexpr void multiply(const Limbs& left, const Limbs& right, uint64_t (&out)[count]) noexcept {
    for (uint64_t& word : out) word = 0;
    for (int i = 0; i < 4; ++i) {
        unsigned __int128 carry = 0;
        for (int j = 0; j < 4 && i + j < count; ++j) {
            carry += static_cast<unsigned __int128>(left.limb[i]) * right.limb[j] + out[i + j];
            out[i + j] = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
        if (i + 4 < count) out[i + 4] = static_cast<uint64_t>(carry);
    }
}

constexpr Limbs low_product(const Limbs& left, const Limbs& right) noexcept {
    Limbs product{};
    multiply(left, right, product.limb);
    return product;
}

// left * right / 2 ** (64 * shift), rounded.
constexpr Limbs high_product(const Limbs& left, const Limbs& right, int shift) noexcept {
    uint64_t product[8] = {};
    multiply(left, right, product);
    Limbs high{};
    for (int place = shift; place < 8; ++place) high.limb[place - shift] = product[place];
    add(high, Limbs{{product[shift - 1] >> 63, 0, 0, 0}});
    return high;
}

// The digits of a half, which may be negative.
template <int WIDTH>
class HalfDigits {
public:
    explicit HalfDigits(const Limbs& half) noexcept : negative_(bit(half, 255)), digits_(size_of(half)) {}

    int count() const noexcept { return digits_.count; }
    int at(int place) const noexcept { return negative_ ? -digits_.digit[place] : digits_.digit[place]; }

private:
    static Limbs size_of(const Limbs& half) noexcept {
        if (!bit(half, 255)) return half;
        Limbs size{};
        subtract(size, half);
        return size;
    }

    bool negative_;
    SignedDigits<WIDTH> digits_;
};

// The odd multiples of a point and their images under (x, y) -> (beta x, y), all with the same z: on the curve
// y**2 = x**3 + b z**6 they are affine, and the formulas do not look at b.
template <class Point, class Field, int WIDTH>
struct AffineMultiples {
    using Affine = typename Point::Affine;
    static constexpr int COUNT = 1 << (WIDTH - 2);

    Affine multiple[COUNT], image[COUNT];
    Field z;

    AffineMultiples(const Affine& point, const Field& beta) noexcept {
        const Point two = Point::from(point).twice();
        const Affine step{two.x, two.y};  // affine on the curve of two.z, and so is the first multiple
        const Field square = two.z.square();
        Point sum = Point::from({point.x * square, point.y * square * two.z});
        Field scale[COUNT];  // z of each
        for (int place = 0; place < COUNT; ++place) {
            if (place > 0) sum = sum + step;
            multiple[place] = {sum.x, sum.y};
            scale[place] = sum.z;
        }
        z = sum.z * two.z;
        share_last(scale, beta);
    }

    static Point add_to(const Point& sum, const Affine (&points)[COUNT], int digit) noexcept {
        if (digit == 0) return sum;
        const Affine& point = points[digit > 0 ? digit / 2 : -digit / 2];
        return sum + Affine{point.x, digit > 0 ? point.y : -point.y};
    }

private:
    // Each z is a factor of the next: the last over the first ones by one inversion of all (P. Montgomery's trick).
    void share_last(const Field (&scale)[COUNT], const Field& beta) noexcept {
        Field product[COUNT];
        product[0] = scale[0];
        for (int place = 1; place < COUNT; ++place) product[place] = product[place - 1] * scale[place];
        Field inverse = product[COUNT - 1].inverse();
        for (int place = COUNT - 1; place >= 0; --place) {
            const Field own = place > 0 ? inverse * product[place - 1] : inverse;
            inverse = inverse * scale[place];
            const Field ratio = own * scale[COUNT - 1], square = ratio.square();
            multiple[place] = {multiple[place].x * square, multiple[place].y * square * ratio};
            image[place] = {multiple[place].x * beta, multiple[place].y};
        }
    }
};

}  // namespace endomorphism

constexpr Halves split(const Limbs& scalar, const ShortVectors& by) noexcept {
    namespace parts = endomorphism;
    const Limbs one_times = parts::high_product(scalar, by.a1_ratio, by.shift);
    const Limbs other_times = parts::high_product(scalar, by.b1_ratio, by.shift);
    Halves halves{scalar, parts::low_product(one_times, by.b1)};
    subtract(halves.one, parts::low_product(one_times, by.a1));
    subtract(halves.one, parts::low_product(other_times, by.a2));
    subtract(halves.other, parts::low_product(other_times, by.a1));
    return halves;
}

// The multiple of a point of prime order above 2 ** WIDTH by a scalar that was split; `beta` belongs to its lambda.
template <int WIDTH, class Point, class Field>
Point multiple_by_halves(const typename Point::Affine& point, const Halves& halves, const Field& beta) noexcept {
    const endomorphism::HalfDigits<WIDTH> digits(halves.one), image_digits(halves.other);
    const endomorphism::AffineMultiples<Point, Field, WIDTH> odd(point, beta);
    Point sum = Point::infinity();
    for (int place = std::max(digits.count(), image_digits.count()) - 1; place >= 0; --place) {
        sum = odd.add_to(sum.twice(), odd.multiple, digits.at(place));
        sum = odd.add_to(sum, odd.image, image_digits.at(place));
    }
    sum.z = sum.z * odd.z;
    return sum;
}

}  // namespace blockstm
