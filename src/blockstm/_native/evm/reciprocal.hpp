// Division of two or three limbs by one or two, by multiplication with a precomputed reciprocal:
// N. Moeller and T. Granlund, "Improved division by invariant integers", IEEE Transactions on Computers
// 60 (2011). The algorithms' numbers below are that paper's. Pure functions; any thread may call them.
#pragma once

#include <array>
#include <cstdint>

#include "evm/carry.hpp"

namespace blockstm::evm {

// floor((2^19 - 3 * 2^8) / (256 + place)): the reciprocal of the divisor's nine highest bits.
inline constexpr auto RECIPROCAL_SEEDS = [] {
    std::array<uint16_t, 256> seeds{};
    for (uint32_t place = 0; place < 256; ++place) {
        seeds[place] = static_cast<uint16_t>(((1u << 19) - 3 * (1u << 8)) / (256 + place));
    }
    return seeds;
}();

// floor((2^128 - 1) / divisor) - 2^64 of a divisor whose highest bit is set (algorithm 3): a seed of
// 11 bits, and three Newton steps to 21, 34 and 65 bits.
inline uint64_t reciprocal(uint64_t divisor) noexcept {
    const uint64_t seed = RECIPROCAL_SEEDS[(divisor >> 55) - 256];
    const uint64_t upper = (divisor >> 24) + 1;
    const uint64_t v1 = (seed << 11) - ((seed * seed * upper) >> 40) - 1;
    const uint64_t v2 = (v1 << 13) + ((v1 * ((uint64_t{1} << 60) - v1 * upper)) >> 47);
    const uint64_t odd = divisor & 1;
    const uint64_t error = ((v2 >> 1) & (0 - odd)) - v2 * ((divisor >> 1) + odd);
    const uint64_t v3 = (high_half(static_cast<u128>(v2) * error) >> 1) + (v2 << 31);
    return v3 - high_half(static_cast<u128>(v3) * divisor + divisor) - divisor;
}

// A quotient digit; the remainder takes the place of the dividend's upper limb.
// Algorithm 4: upper:lower by a normalised divisor with its reciprocal, where upper < divisor.
[[gnu::always_inline]] inline uint64_t divide_2by1(uint64_t& upper, uint64_t lower, uint64_t divisor,
                                                   uint64_t inverse) noexcept {
    const u128 product = static_cast<u128>(inverse) * upper + (static_cast<u128>(upper) << 64 | lower);
    uint64_t digit = high_half(product) + 1;
    uint64_t rest = lower - digit * divisor;
    if (rest > static_cast<uint64_t>(product)) {
        --digit;
        rest += divisor;
    }
    if (rest >= divisor) [[unlikely]] {
        ++digit;
        rest -= divisor;
    }
    upper = rest;
    return digit;
}

// floor((2^192 - 1) / divisor) - 2^64 of a divisor of two limbs whose highest bit is set (algorithm 6).
inline uint64_t reciprocal(u128 divisor) noexcept {
    const uint64_t d1 = high_half(divisor);
    const auto d0 = static_cast<uint64_t>(divisor);
    uint64_t inverse = reciprocal(d1);
    uint64_t p = d1 * inverse + d0;
    if (p < d0) {
        --inverse;
        if (p >= d1) {
            --inverse;
            p -= d1;
        }
        p -= d1;
    }
    const u128 t = static_cast<u128>(inverse) * d0;
    p += high_half(t);
    if (p < high_half(t)) {
        --inverse;
        if ((static_cast<u128>(p) << 64 | static_cast<uint64_t>(t)) >= divisor) --inverse;
    }
    return inverse;
}

// Algorithm 5: upper:lower by a normalised divisor of two limbs, where upper < divisor. The remainder takes
// the place of upper.
[[gnu::always_inline]] inline uint64_t divide_3by2(u128& upper, uint64_t lower, u128 divisor,
                                                   uint64_t inverse) noexcept {
    const u128 product = static_cast<u128>(inverse) * high_half(upper) + upper;
    uint64_t digit = high_half(product);
    const uint64_t r1 = static_cast<uint64_t>(upper) - digit * high_half(divisor);
    u128 rest = (static_cast<u128>(r1) << 64 | lower) - divisor -
                static_cast<u128>(static_cast<uint64_t>(divisor)) * digit;
    ++digit;
    if (high_half(rest) >= static_cast<uint64_t>(product)) {
        --digit;
        rest += divisor;
    }
    if (rest >= divisor) [[unlikely]] {
        ++digit;
        rest -= divisor;
    }
    upper = rest;
    return digit;
}

}  // namespace blockstm::evm
