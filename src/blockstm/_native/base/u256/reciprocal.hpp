// One digit of a quotient: two limbs by one, and three by two. A single digit is left to the processor's own
// division where it has one of two limbs by one; several digits by the same divisor are found by multiplying
// with its reciprocal: N. Moeller and T. Granlund, "Improved division by invariant integers", IEEE
// Transactions on Computers 60 (2011), whose numbers the algorithms below carry.
// Pure functions; any thread may call them.
#pragma once

#include <array>
#include <cstdint>

#include "base/u256/carry.hpp"

namespace blockstm {

// floor((2^19 - 3 * 2^8) / (256 + place)): the reciprocal of the divisor's nine highest bits.
inline constexpr auto RECIPROCAL_SEEDS = [] {
    std::array<uint16_t, 256> seeds{};
    for (uint32_t place = 0; place < 256; ++place) {
        seeds[place] = static_cast<uint16_t>(((1u << 19) - 3 * (1u << 8)) / (256 + place));
    }
    return seeds;
}();

// floor((2^128 - 1) / divisor) - 2^64 of a divisor whose highest bit is set, without dividing
// (algorithm 3): a seed of 11 bits, and three Newton steps to 21, 34 and 65 bits.
inline uint64_t reciprocal_by_newton(uint64_t divisor) noexcept {
    const uint64_t seed = RECIPROCAL_SEEDS[(divisor >> 55) - 256];
    const uint64_t upper = (divisor >> 24) + 1;
    const uint64_t v1 = (seed << 11) - ((seed * seed * upper) >> 40) - 1;
    const uint64_t v2 = (v1 << 13) + ((v1 * ((uint64_t{1} << 60) - v1 * upper)) >> 47);
    const uint64_t odd = divisor & 1;
    const uint64_t error = ((v2 >> 1) & (0 - odd)) - v2 * ((divisor >> 1) + odd);
    const uint64_t v3 = (high_half(multiply(v2, error)) >> 1) + (v2 << 31);
    return v3 - high_half(multiply(v3, divisor) + divisor) - divisor;
}

// upper:lower by any divisor greater than upper. The remainder takes the place of upper.
[[gnu::always_inline]] inline uint64_t divide_once(uint64_t& upper, uint64_t lower,
                                                   uint64_t divisor) noexcept {
#if defined(__x86_64__)
    uint64_t quotient;
    asm("divq %4" : "=a"(quotient), "=d"(upper) : "a"(lower), "d"(upper), "rm"(divisor) : "cc");
    return quotient;
#else
    const u128 dividend = join(upper, lower);
    upper = low_half(dividend % divisor);
    return low_half(dividend / divisor);
#endif
}

inline uint64_t reciprocal(uint64_t divisor) noexcept {
#if defined(__x86_64__)
    uint64_t upper = ~divisor;
    return divide_once(upper, ~uint64_t{0}, divisor);
#else
    return reciprocal_by_newton(divisor);
#endif
}

// All ones if so, else 0: what is added or not is then chosen without a branch that nobody could predict.
[[gnu::always_inline]] inline uint64_t mask_if(bool condition) noexcept { return 0 - uint64_t{condition}; }

// Two limbs, kept apart: gcc 12 moves pairs of registers about, and to memory, when they are one u128.
struct Pair {
    uint64_t high, low;
};

[[gnu::always_inline]] inline bool operator==(Pair left, Pair right) noexcept {
    return ((left.high ^ right.high) | (left.low ^ right.low)) == 0;
}

[[gnu::always_inline]] inline bool operator>=(Pair left, Pair right) noexcept {
    return join(left.high, left.low) >= join(right.high, right.low);
}

// floor((2^192 - 1) / divisor) - 2^64 of a divisor whose highest bit is set (algorithm 6).
inline uint64_t reciprocal(Pair divisor) noexcept {
    uint64_t inverse = reciprocal(divisor.high);
    uint64_t p = divisor.high * inverse + divisor.low;
    if (p < divisor.low) {
        --inverse;
        if (p >= divisor.high) {
            --inverse;
            p -= divisor.high;
        }
        p -= divisor.high;
    }
    const u128 t = multiply(inverse, divisor.low);
    p += high_half(t);
    if (p < high_half(t)) {
        --inverse;
        if (Pair{p, low_half(t)} >= divisor) --inverse;
    }
    return inverse;
}

// Algorithm 5: upper:lower by a divisor whose highest bit is set, upper < divisor, with the reciprocal. The
// remainder takes the place of upper.
[[gnu::always_inline]] inline uint64_t divide_3by2(Pair& upper, uint64_t lower, Pair divisor,
                                                   uint64_t inverse) noexcept {
    const u128 estimate = multiply(inverse, upper.high);
    uint64_t digit = high_half(estimate), fraction = low_half(estimate);
    add_pair(digit, fraction, upper.high, upper.low);
    Pair rest{upper.low - digit * divisor.high, lower};
    const u128 product = multiply(divisor.low, digit);
    subtract_pair(rest.high, rest.low, high_half(product), low_half(product));
    // Mostly one divisor more fits, and as good as never two. Whether one does nobody can predict.
    Pair less = rest;
    uint64_t next = digit + 1;
#if defined(__x86_64__)
    asm("subq %[d0], %[low]\n\tsbbq %[d1], %[high]\n\tcmpq %[fraction], %[high]\n\t"
        "cmovaeq %[low_before], %[low]\n\tcmovaeq %[high_before], %[high]\n\tcmovaeq %[digit], %[next]"
        : [high] "+&r"(less.high), [low] "+&r"(less.low), [next] "+&r"(next)
        : [d0] "rm"(divisor.low), [d1] "rm"(divisor.high), [fraction] "rm"(fraction),
          [low_before] "rm"(rest.low), [high_before] "rm"(rest.high), [digit] "rm"(digit)
        : "cc");
#else
    subtract_pair(less.high, less.low, divisor.high, divisor.low);
    if (less.high >= fraction) less = rest, next = digit;
#endif
    if (less >= divisor) [[unlikely]] {
        ++next;
        subtract_pair(less.high, less.low, divisor.high, divisor.low);
    }
    upper = less;
    return next;
}

// The same without a reciprocal, where upper.high < divisor.high: the digit estimated from the upper limbs is
// at most two too much (Knuth, The Art of Computer Programming 2, 4.3.1, theorem B).
[[gnu::always_inline]] inline uint64_t divide_3by2_once(Pair& upper, uint64_t lower, Pair divisor) noexcept {
    Pair rest{upper.high, lower};
    uint64_t digit = divide_once(rest.high, upper.low, divisor.high);
    const u128 product = multiply(divisor.low, digit);
    bool too_much = subtract_pair(rest.high, rest.low, high_half(product), low_half(product));
    while (too_much) {
        --digit;
        too_much = !add_pair(rest.high, rest.low, divisor.high, divisor.low);  // until zero is passed
    }
    upper = rest;
    return digit;
}

}  // namespace blockstm
