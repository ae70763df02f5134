// Multiplication modulo a number that stays the same, as in contracts that do cryptography: division by
// multiplication with the modulus' reciprocal of 256 bits. It is algorithm 4 of Moeller and Granlund (see
// reciprocal.hpp) with digits of 256 bits. One thread at a time.
// Included only by u256_div.cpp.
#pragma once

#include "base/u256/long_division.hpp"

namespace blockstm {

// The exact product, eight limbs: column by column, the sum of a column in three limbs.
[[gnu::always_inline]] inline void multiply_exactly(const u256& left, const u256& right,
                                                    uint64_t (&product)[8]) noexcept {
    uint64_t low = 0, middle = 0, high = 0;
#pragma GCC unroll 7
    for (int column = 0; column < 7; ++column) {
#pragma GCC unroll 4
        for (int row = column < 4 ? 0 : column - 3; row <= (column < 4 ? column : 3); ++row) {
            add_wide(low, middle, high, multiply(left.limb[column - row], right.limb[row]));
        }
        product[column] = low;
        low = middle, middle = high, high = 0;
    }
    product[7] = low;
}

// By less than 64 bits.
[[gnu::always_inline]] inline u256 shift_left(const u256& value, uint32_t bits) noexcept {
    return {value.limb[0] << bits, funnel_left(value.limb[1], value.limb[0], bits),
            funnel_left(value.limb[2], value.limb[1], bits), funnel_left(value.limb[3], value.limb[2], bits)};
}

[[gnu::always_inline]] inline u256 shift_right(const u256& value, uint32_t bits) noexcept {
    return {funnel_right(value.limb[1], value.limb[0], bits),
            funnel_right(value.limb[2], value.limb[1], bits),
            funnel_right(value.limb[3], value.limb[2], bits), value.limb[3] >> bits};
}

class FixedModulus {
public:
    // Whether it is worth calling `multiply`: the modulus has four limbs and was also the last one asked for.
    // The reciprocal, which costs about as much as it saves once, is made when a modulus is seen again.
    bool is(const u256& modulus) noexcept {
        if (!(modulus == modulus_)) {
            modulus_ = modulus;
            is_ready_ = false;
            return false;
        }
        if (!is_ready_) prepare();
        return true;
    }

    // left * right mod modulus, of factors less than the modulus.
    u256 multiply(const u256& left, const u256& right) const noexcept {
        uint64_t product[8];
        multiply_exactly(shift_left(left, shift_), right, product);
        const u256 low{product[0], product[1], product[2], product[3]};
        const u256 high{product[4], product[5], product[6], product[7]};

        uint64_t estimate[8];
        multiply_exactly(inverse_, high, estimate);
        u256 fraction{estimate[0], estimate[1], estimate[2], estimate[3]};
        u256 quotient{estimate[4], estimate[5], estimate[6], estimate[7]};
        const bool carry = add(fraction, low, fraction);
        quotient = quotient + high + u256{1 + uint64_t{carry}};

        u256 rest = low - quotient * scaled_;
        const uint64_t too_much = mask_if(fraction < rest);
        rest += scaled_ & u256{too_much, too_much, too_much, too_much};
        if (rest >= scaled_) [[unlikely]] rest -= scaled_;
        return shift_right(rest, shift_);
    }

private:
    // floor((2^512 - 1) / scaled) - 2^256 is what (2^256 - 1 - scaled) * 2^256 + 2^256 - 1 has of scaled.
    [[gnu::noinline]] void prepare() noexcept {
        shift_ = clz(modulus_);
        scaled_ = shift_left(modulus_, shift_);
        LongDivision<4> division(scaled_.limb);
        for (int place = 0; place < 4; ++place) division.rest[place] = ~scaled_.limb[place];
        division.inverse = reciprocal(division.top());
        for (int place = 3; place >= 0; --place) inverse_.limb[place] = division.digit(~uint64_t{0});
        is_ready_ = true;
    }

    u256 modulus_{};
    u256 scaled_{};
    u256 inverse_{};
    uint32_t shift_ = 0;
    bool is_ready_ = false;
};

}  // namespace blockstm
