#include "base/u256/u256_div.hpp"

#include "base/per_thread.hpp"
#include "base/u256/fixed_modulus.hpp"
#include "base/u256/long_division.hpp"

namespace blockstm {
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

// carry * 2^256 + value, less the modulus if that fits.
[[gnu::always_inline]] inline u256 subtract_if_fits(const u256& value, bool carry,
                                                     const u256& modulus) noexcept {
    u256 less{};
    const bool borrow = subtract(value, modulus, less);
    const uint64_t keep = mask_if(borrow && !carry);
    const u256 mask{keep, keep, keep, keep};
    return (value & mask) | (less & ~mask);
}

[[gnu::always_inline]] inline u256 add_reduced(const u256& left, const u256& right,
                                                const u256& modulus) noexcept {
    u256 sum{};
    const bool carry = add(left, right, sum);
    return subtract_if_fits(sum, carry, modulus);
}

// Modulo 2^256 - 1: there 2^256 is 1, so the product's halves are added and their carry too. Programs find
// the upper half of a product with it.
u256 multiply_modulo_greatest(const u256& left, const u256& right) noexcept {
    uint64_t product[8];
    multiply_exactly(left, right, product);
    const u256 low{product[0], product[1], product[2], product[3]};
    const u256 high{product[4], product[5], product[6], product[7]};
    u256 sum{};
    const bool carry = add(low, high, sum);
    sum += u256{uint64_t{carry}};
    return (~sum).is_zero() ? 0 : sum;
}

// value * value: the products of different limbs come twice.
[[gnu::always_inline]] inline u256 square(const u256& value) noexcept {
    const uint64_t a = value.limb[0], b = value.limb[1], c = value.limb[2], d = value.limb[3];
    const u128 low = multiply(a, a), cross = multiply(a, b);
    u128 high = (multiply(a, c) << 1) + multiply(b, b) + join((a * d + b * c) << 1, 0);
    uint64_t r1 = high_half(low), r2 = low_half(high), r3 = high_half(high);
    add_wide(r1, r2, r3, cross);
    add_wide(r1, r2, r3, cross);
    return {low_half(low), r1, r2, r3};
}

[[gnu::always_inline]] inline u256 multiply_by_limb(const u256& value, uint64_t factor) noexcept {
    const u128 p0 = multiply(value.limb[0], factor);
    const u128 p1 = multiply(value.limb[1], factor) + high_half(p0);
    const u128 p2 = multiply(value.limb[2], factor) + high_half(p1);
    return {low_half(p0), low_half(p1), low_half(p2), value.limb[3] * factor + high_half(p2)};
}

bool is_power_of_two(const u256& value) noexcept {
    return !value.is_zero() && (value & (value - u256{1})).is_zero();
}

u256 absolute(const u256& value) noexcept { return value.is_negative() ? -value : value; }

}  // namespace

Division udivrem(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero()) return {0, 0};
    if (dividend < divisor) return {0, dividend};
    return divide_words(dividend, divisor);
}

[[gnu::noinline]] u256 div(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero() || dividend < divisor) return 0;
    return divide_words(dividend, divisor).quotient;
}

[[gnu::noinline]] u256 mod(const u256& dividend, const u256& divisor) noexcept {
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
    if (left < modulus && right < modulus) return add_reduced(left, right, modulus);
    // Where the highest limb of a number is not more than the modulus', the number is less than two of it.
    if (modulus.limb[3] != 0 && left.limb[3] <= modulus.limb[3] && right.limb[3] <= modulus.limb[3]) {
        return add_reduced(subtract_if_fits(left, false, modulus), subtract_if_fits(right, false, modulus),
                           modulus);
    }
    if (modulus.is_zero()) return 0;
    u256 sum{};
    const bool carry = add(left, right, sum);
    if (!carry) return mod(sum, modulus);
    const uint64_t limbs[5] = {sum.limb[0], sum.limb[1], sum.limb[2], sum.limb[3], carry};
    return reduce(limbs, 5, modulus);
}

u256 mulmod(const u256& left, const u256& right, const u256& modulus) noexcept {
    if (((left.limb[2] | left.limb[3]) | (right.limb[2] | right.limb[3])) == 0) {
        return mod(left * right, modulus);  // the product fits a word
    }
    if (modulus.limb[3] == ~uint64_t{0} && (~modulus).is_zero()) return multiply_modulo_greatest(left, right);
    if (modulus.limb[3] != 0 && left < modulus && right < modulus) {
        static PerThread<FixedModulus> moduli;
        FixedModulus* const last = moduli.get();
        if (last != nullptr && last->is(modulus)) return last->multiply(left, right);
    }
    if (modulus.is_zero()) return 0;
    uint64_t product[8];
    multiply_exactly(left, right, product);
    return reduce(product, 8, modulus);
}

u256 exp(const u256& base, const u256& exponent) noexcept {
    const uint32_t bits = bit_length(exponent);
    if ((base.limb[0] & 1) == 0) {
        if (bits > 8) return 0;  // 256 or more factors of two
        if (is_power_of_two(base)) return shl(1, uint64_t{bit_length(base) - 1} * exponent.limb[0]);
    }
    u256 result = 1;
    const bool is_small = base.fits_u64();
    for (uint32_t bit = bits; bit-- > 0;) {
        result = square(result);
        if ((exponent.limb[bit >> 6] >> (bit & 63)) & 1) {
            result = is_small ? multiply_by_limb(result, base.limb[0]) : result * base;
        }
    }
    return result;
}

}  // namespace blockstm
