// Multiples of a point by signed digits, of which few are not zero (the form called wNAF; D. Hankerson,
// A. Menezes, S. Vanstone, "Guide to elliptic curve cryptography", algorithms 3.35 and 3.36).
// Pure functions; any thread may call them. Time depends on the numbers: not for secrets.
#pragma once

#include <cstdint>

#include "crypto/limbs.hpp"

namespace blockstm {

// The digits of a scalar below 2 ** 256 - 2 ** WIDTH to the base 2: odd or zero, below 2 ** (WIDTH - 1) in
// size. Of WIDTH + 1 digits about one is not zero.
template <int WIDTH>
struct SignedDigits {
    int8_t digit[257] = {};
    int count = 0;  // the highest that is not zero is the last

    explicit constexpr SignedDigits(Limbs scalar) noexcept {
        for (int place = 0; !is_zero(scalar); ++place, halve(scalar)) {
            if (!bit(scalar, 0)) continue;
            const int low = static_cast<int>(scalar.limb[0] & ((1 << WIDTH) - 1));
            const bool negative = low >= 1 << (WIDTH - 1);
            digit[place] = static_cast<int8_t>(negative ? low - (1 << WIDTH) : low);
            count = place + 1;
            scalar.limb[0] -= static_cast<uint64_t>(low);
            if (negative) add(scalar, Limbs{{1 << WIDTH, 0, 0, 0}});
        }
    }

private:
    static constexpr void halve(Limbs& value) noexcept {
        for (int place = 0; place < 3; ++place) {
            value.limb[place] = value.limb[place] >> 1 | value.limb[place + 1] << 63;
        }
        value.limb[3] >>= 1;
    }
};

// The odd multiples of a point that digits of one width name: 1, 3, 5, ...
template <class Point, int WIDTH>
struct OddMultiples {
    static constexpr int COUNT = 1 << (WIDTH - 2);
    Point multiple[COUNT];

    explicit OddMultiples(const typename Point::Affine& point) noexcept {
        multiple[0] = Point::from(point);
        const Point two = multiple[0].twice();
        for (int place = 1; place < COUNT; ++place) multiple[place] = multiple[place - 1] + two;
    }

    // `sum` and the multiple that `digit` names.
    Point add_to(const Point& sum, int digit) const noexcept {
        if (digit == 0) return sum;
        return digit > 0 ? sum + multiple[digit / 2] : sum + -multiple[-digit / 2];
    }
};

// scalar * point, with digits of `WIDTH`.
template <int WIDTH, class Point>
Point multiple(const typename Point::Affine& point, const Limbs& scalar) noexcept {
    const SignedDigits<WIDTH> digits(scalar);
    const OddMultiples<Point, WIDTH> odd(point);
    Point sum = Point::infinity();
    for (int place = digits.count - 1; place >= 0; --place) {
        sum = odd.add_to(sum.twice(), digits.digit[place]);
    }
    return sum;
}

}  // namespace blockstm
