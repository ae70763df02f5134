#include "evm/u256_div.hpp"

#include "evm/long_division.hpp"

namespace blockstm::evm {
namespace {

// divisor <= dividend, both not zero.
[[gnu::always_inline]] inline Division divide_words(const u256& dividend, const u256& divisor) noexcept {
    Division result{};
    uint64_t* const quotient = result.quotient.limb;
    uint64_t* const remainder = result.remainder.limb;
    const int count = count_limbs(dividend);
    switch (4 * count_limbs(divisor) + count) {
        case 4 * 1 + 1:
            quotient[0] = dividend.limb[0] / divisor.limb[0];
            remainder[0] = dividend.limb[0] % divisor.limb[0];
            break;
        case 4 * 1 + 2: divide<2, 1>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 1 + 3: divide<3, 1>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 1 + 4: divide<4, 1>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 2 + 2: divide<2, 2>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 2 + 3: divide<3, 2>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 2 + 4: divide<4, 2>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 3 + 3: divide<3, 3>(dividend.limb, divisor.limb, quotient, remainder); break;
        case 4 * 3 + 4: divide<4, 3>(dividend.limb, divisor.limb, quotient, remainder); break;
        default: divide<4, 4>(dividend.limb, divisor.limb, quotient, remainder); break;
    }
    return result;
}

// The exact product, eight limbs.
void multiply_exactly(const u256& left, const u256& right, uint64_t (&product)[8]) noexcept {
    uint64_t carry = 0;
    for (int column = 0; column < 4; ++column) {
        const u128 wide = multiply(left.limb[column], right.limb[0]) + carry;
        product[column] = low_half(wide);
        carry = high_half(wide);
    }
    product[4] = carry;
    for (int row = 1; row < 4; ++row) {
        carry = 0;
        for (int column = 0; column < 4; ++column) {
            const u128 wide = multiply(left.limb[column], right.limb[row]) + product[row + column] + carry;
            product[row + column] = low_half(wide);
            carry = high_half(wide);
        }
        product[row + 4] = carry;
    }
}

// The number of `count` limbs modulo a modulus that is not zero.
u256 reduce(const uint64_t* limbs, int count, const u256& modulus) noexcept {
    const int size = count_limbs(modulus);
    count = count_limbs(limbs, count);
    u256 remainder{};
    if (count < size) {
        for (int place = 0; place < count; ++place) remainder.limb[place] = limbs[place];
        return remainder;
    }
    switch (size) {
        case 1: remainder_by<1>(limbs, count, modulus.limb, remainder.limb); break;
        case 2: remainder_by<2>(limbs, count, modulus.limb, remainder.limb); break;
        case 3: remainder_by<3>(limbs, count, modulus.limb, remainder.limb); break;
        default: remainder_by<4>(limbs, count, modulus.limb, remainder.limb); break;
    }
    return remainder;
}

u256 absolute(const u256& value) noexcept { return value.is_negative() ? -value : value; }

}  // namespace

Division udivrem(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero()) return {0, 0};
    if (dividend < divisor) return {0, dividend};
    return divide_words(dividend, divisor);
}

u256 div(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero() || dividend < divisor) return 0;
    return divide_words(dividend, divisor).quotient;
}

u256 mod(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero()) return 0;
    if (dividend < divisor) return dividend;
    return divide_words(dividend, divisor).remainder;
}

u256 sdiv(const u256& dividend, const u256& divisor) noexcept {
    const u256 quotient = div(absolute(dividend), absolute(divisor));
    return dividend.is_negative() != divisor.is_negative() ? -quotient : quotient;
}

u256 smod(const u256& dividend, const u256& divisor) noexcept {
    const u256 remainder = mod(absolute(dividend), absolute(divisor));
    return dividend.is_negative() ? -remainder : remainder;
}

u256 addmod(const u256& left, const u256& right, const u256& modulus) noexcept {
    if (modulus.is_zero()) return 0;
    u256 sum{};
    const bool carry = add(left, right, sum);
    if (left < modulus && right < modulus) {
        u256 reduced{};
        const bool borrow = subtract(sum, modulus, reduced);
        return carry || !borrow ? reduced : sum;
    }
    const uint64_t limbs[5] = {sum.limb[0], sum.limb[1], sum.limb[2], sum.limb[3], carry};
    return reduce(limbs, 5, modulus);
}

u256 mulmod(const u256& left, const u256& right, const u256& modulus) noexcept {
    if (modulus.is_zero()) return 0;
    uint64_t product[8];
    multiply_exactly(left, right, product);
    return reduce(product, 8, modulus);
}

u256 exp(const u256& base, const u256& exponent) noexcept {
    u256 result = 1;
    const uint32_t bits = bit_length(exponent);
    for (uint32_t bit = bits; bit-- > 0;) {
        result *= result;
        if ((exponent.limb[bit >> 6] >> (bit & 63)) & 1) result *= base;
    }
    return result;
}

}  // namespace blockstm::evm
