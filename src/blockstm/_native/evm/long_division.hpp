// Division of numbers of several limbs: Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1) with
// digits of 64 bits, unrolled for each size of divisor. Pure functions; any thread may call them.
// Included only by the source files that divide.
#pragma once

#include <bit>
#include <cstdint>

#include "evm/reciprocal.hpp"
#include "evm/u256.hpp"

namespace blockstm::evm {

// Limbs up to the highest that is not zero.
inline int count_limbs(const uint64_t* limbs, int count) noexcept {
    while (count > 0 && limbs[count - 1] == 0) --count;
    return count;
}

inline int count_limbs(const u256& value) noexcept { return count_limbs(value.limb, 4); }

// to[0 .. count] = from[0 .. count) * 2^shift, where shift < 64; the highest limb only if it is asked for.
template <int count>
[[gnu::always_inline]] inline void scale(const uint64_t* from, uint32_t shift, uint64_t* to,
                                         bool with_overflow) noexcept {
    if (with_overflow) to[count] = funnel_left(0, from[count - 1], shift);
    for (int place = count - 1; place > 0; --place) to[place] = funnel_left(from[place], from[place - 1], shift);
    to[0] = from[0] << shift;
}

// limbs[0 .. count) -= subtrahend[0 .. count) * factor; what is still to be taken from limbs[count].
template <int count>
[[gnu::always_inline]] inline uint64_t subtract_multiple(uint64_t* limbs, const uint64_t* subtrahend,
                                                         uint64_t factor) noexcept {
    uint64_t owed = 0;
    for (int place = 0; place < count; ++place) {
        const u128 product = multiply(subtrahend[place], factor) + owed;
        owed = high_half(product) + subtract_limb(limbs[place], low_half(product), false, limbs[place]);
    }
    return owed;
}

// limbs[0 .. count) += addend[0 .. count); the carry.
template <int count>
[[gnu::always_inline]] inline bool add_back(uint64_t* limbs, const uint64_t* addend) noexcept {
    bool carry = false;
    for (int place = 0; place < count; ++place) carry = add_limb(limbs[place], addend[place], carry, limbs[place]);
    return carry;
}

// A divisor of `size` >= 2 limbs, shifted left until its highest bit is set.
template <int size>
struct Divisor {
    uint64_t limb[size];
    uint32_t shift;

    [[gnu::always_inline]] explicit Divisor(const uint64_t* divisor) noexcept
        : shift(static_cast<uint32_t>(std::countl_zero(divisor[size - 1]))) {
        scale<size>(divisor, shift, limb, false);
    }

    u128 top() const noexcept { return join(limb[size - 1], limb[size - 2]); }
};

// Takes digit * divisor from rest[0 .. size], whose upper limbs without their share are `upper`. The digit
// was estimated from the divisor's upper limbs: it is right or, very rarely, one too much.
template <int size>
[[gnu::always_inline]] inline uint64_t settle_digit(uint64_t* rest, const Divisor<size>& divisor, uint64_t digit,
                                                    u128 upper) noexcept {
    if constexpr (size > 2) {
        const uint64_t owed = subtract_multiple<size - 2>(rest, divisor.limb, digit);
        const bool too_much = upper < owed;
        upper -= owed;
        if (too_much) [[unlikely]] {
            --digit;
            upper += divisor.top() + add_back<size - 2>(rest, divisor.limb);
        }
    }
    rest[size - 1] = high_half(upper);
    rest[size - 2] = low_half(upper);
    return digit;
}

// Divides rest[0 .. size], less than the divisor times 2^64, and leaves the remainder in rest[0 .. size).
template <int size>
[[gnu::always_inline]] inline uint64_t divide_digit(uint64_t* rest, const Divisor<size>& divisor,
                                                    uint64_t inverse) noexcept {
    u128 upper = join(rest[size], rest[size - 1]);
    if (size > 2 && upper == divisor.top()) [[unlikely]] {
        // The estimate would be 2^64; the digit is one or two less.
        uint64_t digit = ~uint64_t{0};
        if (rest[size] < subtract_multiple<size>(rest, divisor.limb, digit)) {
            --digit;
            add_back<size>(rest, divisor.limb);
        }
        return digit;
    }
    const uint64_t digit = divide_3by2(upper, rest[size - 2], divisor.top(), inverse);
    return settle_digit<size>(rest, divisor, digit, upper);
}

// The same for a dividend of as many limbs as the divisor: one digit, no reciprocal.
template <int size>
[[gnu::always_inline]] inline uint64_t divide_only_digit(uint64_t* rest, const Divisor<size>& divisor) noexcept {
    u128 upper = join(rest[size], rest[size - 1]);
    const uint64_t digit = divide_3by2_once(upper, rest[size - 2], divisor.top());
    return settle_digit<size>(rest, divisor, digit, upper);
}

// dividend[0 .. count) by divisor[0 .. size), neither with a highest limb of zero.
template <int count, int size>
[[gnu::always_inline]] inline void divide(const uint64_t* dividend, const uint64_t* divisor, uint64_t* quotient,
                                          uint64_t* remainder) noexcept {
    if constexpr (size == 1) {
        uint64_t rest = 0;
        for (int place = count - 1; place >= 0; --place) {
            quotient[place] = divide_once(rest, dividend[place], divisor[0]);
        }
        remainder[0] = rest;
    } else {
        const Divisor<size> scaled(divisor);
        uint64_t rest[count + 1];
        scale<count>(dividend, scaled.shift, rest, true);
        if constexpr (count == size) {
            quotient[0] = divide_only_digit<size>(rest, scaled);
        } else {
            const uint64_t inverse = reciprocal(scaled.top());
            for (int place = count - size; place >= 0; --place) {
                quotient[place] = divide_digit<size>(rest + place, scaled, inverse);
            }
        }
        for (int place = 0; place + 1 < size; ++place) {
            remainder[place] = funnel_right(rest[place + 1], rest[place], scaled.shift);
        }
        remainder[size - 1] = rest[size - 1] >> scaled.shift;
    }
}

// The remainder of dividend[0 .. count) by divisor[0 .. size), where size <= count <= 8.
template <int size>
inline void remainder_by(const uint64_t* dividend, int count, const uint64_t* divisor,
                         uint64_t* remainder) noexcept {
    if constexpr (size == 1) {
        uint64_t rest = 0;
        for (int place = count - 1; place >= 0; --place) divide_once(rest, dividend[place], divisor[0]);
        remainder[0] = rest;
    } else {
        const Divisor<size> scaled(divisor);
        const uint64_t inverse = reciprocal(scaled.top());
        uint64_t rest[9];
        rest[count] = funnel_left(0, dividend[count - 1], scaled.shift);
        for (int place = count - 1; place > 0; --place) {
            rest[place] = funnel_left(dividend[place], dividend[place - 1], scaled.shift);
        }
        rest[0] = dividend[0] << scaled.shift;
        for (int place = count - size; place >= 0; --place) divide_digit<size>(rest + place, scaled, inverse);
        for (int place = 0; place + 1 < size; ++place) {
            remainder[place] = funnel_right(rest[place + 1], rest[place], scaled.shift);
        }
        remainder[size - 1] = rest[size - 1] >> scaled.shift;
    }
}

}  // namespace blockstm::evm
