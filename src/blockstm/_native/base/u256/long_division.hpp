// Division of numbers of several limbs: Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1) with
// digits of 64 bits, unrolled for each size of divisor. Pure functions; any thread may call them.
// Included only by the source files that divide.
#pragma once

#include <bit>
#include <cstdint>

#include "base/u256/reciprocal.hpp"
#include "base/u256/u256.hpp"

namespace blockstm {

// Limbs up to the highest that is not zero.
inline int count_limbs(const uint64_t* limbs, int count) noexcept {
    while (count > 0 && limbs[count - 1] == 0) --count;
    return count;
}

inline int count_limbs(const u256& value) noexcept { return count_limbs(value.limb, 4); }

// minuend[0 .. count) -= subtrahend[0 .. count) * factor, but for what is to be taken from limb `count`.
template <int count>
[[gnu::always_inline]] inline void subtract_multiple(uint64_t* minuend, const uint64_t* subtrahend,
                                                         uint64_t factor) noexcept {
    uint64_t owed = 0;
#pragma GCC unroll 4
    for (int place = 0; place < count; ++place) {
        const u128 product = multiply(subtrahend[place], factor) + owed;
        owed = high_half(product) + subtract_limb(minuend[place], low_half(product), false, minuend[place]);
    }
}

// Division by a number of `size` >= 2 limbs, shifted left until its highest bit is set. The dividend's limbs
// come one by one, the highest first, shifted alike; `rest` is what the division has left so far.
template <int size>
struct LongDivision {
    uint64_t divisor[size];
    uint64_t rest[size];
    uint64_t inverse;
    uint32_t shift;

    [[gnu::always_inline]] explicit LongDivision(const uint64_t* by) noexcept
        : shift(static_cast<uint32_t>(std::countl_zero(by[size - 1]))) {
#pragma GCC unroll 4
        for (int place = size - 1; place > 0; --place) {
            divisor[place] = funnel_left(by[place], by[place - 1], shift);
        }
        divisor[0] = by[0] << shift;
    }

    [[gnu::always_inline]] Pair top() const noexcept { return {divisor[size - 1], divisor[size - 2]}; }

    // Takes what of dividend[0 .. count) gives no digit: its highest limbs.
    [[gnu::always_inline]] void begin(const uint64_t* dividend, int count) noexcept {
        rest[size - 1] = funnel_left(0, dividend[count - 1], shift);
#pragma GCC unroll 4
        for (int place = 1; place < size; ++place) {
            rest[size - 1 - place] = funnel_left(dividend[count - place], dividend[count - 1 - place], shift);
        }
    }

    // The dividend's limb `place`, with what the limb below it lends it.
    [[gnu::always_inline]] uint64_t shifted(const uint64_t* dividend, int place) const noexcept {
        return place == 0 ? dividend[0] << shift : funnel_left(dividend[place], dividend[place - 1], shift);
    }

    // The next digit of the quotient.
    [[gnu::always_inline]] uint64_t digit(uint64_t limb) noexcept {
        Pair upper{rest[size - 1], rest[size - 2]};
        if (size > 2 && upper == top()) [[unlikely]] {
            LongDivision copy = *this;  // so that this one can stay in registers
            const uint64_t greatest = copy.greatest_digit(limb);
            *this = copy;
            return greatest;
        }
        const uint64_t estimate = divide_3by2(upper, size > 2 ? rest[size - 3] : limb, top(), inverse);
        return correct_digit(estimate, upper, limb);
    }

    // The only digit of a quotient, where the dividend has as many limbs as the divisor: no reciprocal.
    [[gnu::always_inline]] uint64_t only_digit(uint64_t limb) noexcept {
        Pair upper{rest[size - 1], rest[size - 2]};
        const uint64_t estimate = divide_3by2_once(upper, size > 2 ? rest[size - 3] : limb, top());
        return correct_digit(estimate, upper, limb);
    }

    // What is left at the end is the remainder.
    [[gnu::always_inline]] void finish(uint64_t* remainder) const noexcept {
#pragma GCC unroll 4
        for (int place = 0; place + 1 < size; ++place) {
            remainder[place] = funnel_right(rest[place + 1], rest[place], shift);
        }
        remainder[size - 1] = rest[size - 1] >> shift;
    }

private:
    // The digit was estimated from the upper limbs, and `upper` is what they have left: it is right or, very
    // rarely, one too much.
    [[gnu::always_inline]] uint64_t correct_digit(uint64_t digit, Pair upper, uint64_t limb) noexcept {
        if constexpr (size == 3) {
            rest[0] = limb;
            if (subtract_wide(rest[0], upper.low, upper.high, multiply(divisor[0], digit))) [[unlikely]] {
                --digit;
                add_wide(rest[0], upper.low, upper.high, join(divisor[1], divisor[0]));
                upper.high += divisor[2];
            }
        }
        if constexpr (size == 4) {
            rest[1] = rest[0];
            rest[0] = limb;
            const u128 lowest = multiply(divisor[0], digit), next = multiply(divisor[1], digit);
            bool too_much = subtract_wide(rest[0], rest[1], upper.low, upper.high, lowest);
            too_much |= subtract_wide(rest[1], upper.low, upper.high, next);
            if (too_much) [[unlikely]] {
                --digit;
                const uint64_t left[4] = {rest[0], rest[1], upper.low, upper.high};
                uint64_t sum[4];
                add_four(left, divisor, sum);
                rest[0] = sum[0], rest[1] = sum[1], upper = {sum[3], sum[2]};
            }
        }
        rest[size - 1] = upper.high;
        rest[size - 2] = upper.low;
        return digit;
    }

    // Where the upper limbs equal the divisor's, the estimate would be 2^64. The digit is 2^64 - 1: the
    // dividend falls short of the divisor times 2^64 only in its lower limbs, so by less than one divisor.
    uint64_t greatest_digit(uint64_t limb) noexcept {
        const uint64_t digit = ~uint64_t{0};
#pragma GCC unroll 4
        for (int place = size - 1; place > 0; --place) rest[place] = rest[place - 1];
        rest[0] = limb;
        subtract_multiple<size>(rest, divisor, digit);
        return digit;
    }
};

// dividend[0 .. count) by divisor[0 .. size), neither with a highest limb of zero.
template <int count, int size>
[[gnu::always_inline]] inline void divide(const uint64_t* dividend, const uint64_t* divisor,
                                          uint64_t* quotient, uint64_t* remainder) noexcept {
    if constexpr (size == 1) {
        uint64_t rest = 0;
#pragma GCC unroll 4
        for (int place = count - 1; place >= 0; --place) {
            quotient[place] = divide_once(rest, dividend[place], divisor[0]);
        }
        remainder[0] = rest;
    } else {
        LongDivision<size> division(divisor);
        division.begin(dividend, count);
        if constexpr (count == size) {
            quotient[0] = division.only_digit(division.shifted(dividend, 0));
        } else {
            division.inverse = reciprocal(division.top());
#pragma GCC unroll 4
            for (int place = count - size; place >= 0; --place) {
                quotient[place] = division.digit(division.shifted(dividend, place));
            }
        }
        division.finish(remainder);
    }
}

// The remainder of dividend[0 .. count) by divisor[0 .. size), where size <= count.
template <int size>
inline void remainder_by(const uint64_t* dividend, int count, const uint64_t* divisor,
                         uint64_t* remainder) noexcept {
    if constexpr (size == 1) {
        uint64_t rest = 0;
        for (int place = count - 1; place >= 0; --place) divide_once(rest, dividend[place], divisor[0]);
        remainder[0] = rest;
    } else {
        LongDivision<size> division(divisor);
        division.begin(dividend, count);
        division.inverse = reciprocal(division.top());
        for (int place = count - size; place >= 0; --place) division.digit(division.shifted(dividend, place));
        division.finish(remainder);
    }
}

}  // namespace blockstm
