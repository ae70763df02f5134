#include "evm/u256_div.hpp"

#include <bit>

#include "evm/reciprocal.hpp"

namespace blockstm::evm {
namespace {

// Limbs up to the highest that is not zero.
int count_limbs(const uint64_t* limbs, int count) noexcept {
    while (count > 0 && limbs[count - 1] == 0) --count;
    return count;
}

int count_limbs(const u256& value) noexcept { return count_limbs(value.limb, 4); }

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

// One digit of Knuth's algorithm D (The Art of Computer Programming 2, 4.3.1): divides rest[0 .. size] by
// a normalised divisor of `size` limbs, where the quotient is one limb, and leaves the remainder in
// rest[0 .. size). The digit estimated from the two upper limbs is right or one too much.
template <int size>
[[gnu::always_inline]] inline uint64_t divide_digit(uint64_t* rest, const uint64_t* divisor,
                                                    uint64_t inverse) noexcept {
    if constexpr (size == 1) {
        uint64_t upper = rest[1];
        const uint64_t digit = divide_2by1(upper, rest[0], divisor[0], inverse);
        rest[0] = upper;
        return digit;
    } else {
        const u128 top = static_cast<u128>(divisor[size - 1]) << 64 | divisor[size - 2];
        u128 upper = static_cast<u128>(rest[size]) << 64 | rest[size - 1];
        uint64_t digit;
        if (size > 2 && upper == top) [[unlikely]] {
            // The estimate would be 2^64; the digit is at most 2^64 - 1.
            digit = ~uint64_t{0};
            const uint64_t owed = subtract_multiple<size>(rest, divisor, digit);
            if (rest[size] < owed) {
                --digit;
                add_back<size>(rest, divisor);
            }
            return digit;
        }
        digit = divide_3by2(upper, rest[size - 2], top, inverse);
        if constexpr (size > 2) {
            const uint64_t owed = subtract_multiple<size - 2>(rest, divisor, digit);
            const bool too_much = upper < owed;
            upper -= owed;
            if (too_much) [[unlikely]] {
                --digit;
                upper += top + add_back<size - 2>(rest, divisor);
            }
        }
        rest[size - 1] = high_half(upper);
        rest[size - 2] = static_cast<uint64_t>(upper);
        return digit;
    }
}

// dividend[0 .. count) by divisor[0 .. size), both shifted left until the divisor's highest bit is set; the
// quotient's count - size + 1 digits if `quotient` is not null. The remainder is left unshifted.
template <int size>
[[gnu::always_inline]] inline void divide_by(const uint64_t* dividend, int count, const uint64_t* divisor,
                                             uint64_t* quotient, uint64_t* remainder) noexcept {
    const auto shift = static_cast<uint32_t>(std::countl_zero(divisor[size - 1]));
    uint64_t scaled[size];
    for (int place = size - 1; place > 0; --place) {
        scaled[place] = funnel_left(divisor[place], divisor[place - 1], shift);
    }
    scaled[0] = divisor[0] << shift;
    uint64_t inverse;
    if constexpr (size == 1) {
        inverse = reciprocal(scaled[0]);
    } else {
        inverse = reciprocal(static_cast<u128>(scaled[size - 1]) << 64 | scaled[size - 2]);
    }

    uint64_t rest[9];
    rest[count] = funnel_left(0, dividend[count - 1], shift);
    for (int place = count - 1; place > 0; --place) {
        rest[place] = funnel_left(dividend[place], dividend[place - 1], shift);
    }
    rest[0] = dividend[0] << shift;
    for (int place = count - size; place >= 0; --place) {
        const uint64_t digit = divide_digit<size>(rest + place, scaled, inverse);
        if (quotient != nullptr) quotient[place] = digit;
    }
    rest[size] = 0;
    for (int place = 0; place < size; ++place) {
        remainder[place] = funnel_right(rest[place + 1], rest[place], shift);
    }
}

// Where divisor_size <= count. Quotient and remainder start as zeros.
void divide_limbs(const uint64_t* dividend, int count, const uint64_t* divisor, int divisor_size,
                  uint64_t* quotient, uint64_t* remainder) noexcept {
    switch (divisor_size) {
        case 1: return divide_by<1>(dividend, count, divisor, quotient, remainder);
        case 2: return divide_by<2>(dividend, count, divisor, quotient, remainder);
        case 3: return divide_by<3>(dividend, count, divisor, quotient, remainder);
        default: return divide_by<4>(dividend, count, divisor, quotient, remainder);
    }
}

// The exact product, eight limbs.
void multiply_exactly(const u256& left, const u256& right, uint64_t (&product)[8]) noexcept {
    uint64_t carry = 0;
    for (int column = 0; column < 4; ++column) {
        const u128 wide = static_cast<u128>(left.limb[column]) * right.limb[0] + carry;
        product[column] = static_cast<uint64_t>(wide);
        carry = high_half(wide);
    }
    product[4] = carry;
    for (int row = 1; row < 4; ++row) {
        carry = 0;
        for (int column = 0; column < 4; ++column) {
            const u128 wide =
                static_cast<u128>(left.limb[column]) * right.limb[row] + product[row + column] + carry;
            product[row + column] = static_cast<uint64_t>(wide);
            carry = high_half(wide);
        }
        product[row + 4] = carry;
    }
}

// The number of five or eight limbs modulo the modulus.
u256 reduce(const uint64_t* limbs, int count, const u256& modulus) noexcept {
    const int size = count_limbs(modulus);
    count = count_limbs(limbs, count);
    u256 remainder{};
    if (count < size) {
        for (int place = 0; place < count; ++place) remainder.limb[place] = limbs[place];
        return remainder;
    }
    divide_limbs(limbs, count, modulus.limb, size, nullptr, remainder.limb);
    return remainder;
}

u256 absolute(const u256& value) noexcept { return value.is_negative() ? -value : value; }

}  // namespace

Division udivrem(const u256& dividend, const u256& divisor) noexcept {
    if (divisor.is_zero()) return {0, 0};
    if (dividend < divisor) return {0, dividend};
    if (dividend.fits_u64()) {  // and so does the divisor
        return {dividend.limb[0] / divisor.limb[0], dividend.limb[0] % divisor.limb[0]};
    }
    Division result{0, 0};
    divide_limbs(dividend.limb, count_limbs(dividend), divisor.limb, count_limbs(divisor),
                 result.quotient.limb, result.remainder.limb);
    return result;
}

u256 div(const u256& dividend, const u256& divisor) noexcept { return udivrem(dividend, divisor).quotient; }

u256 mod(const u256& dividend, const u256& divisor) noexcept { return udivrem(dividend, divisor).remainder; }

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
