// Numbers modulo a prime of at most 256 bits, in Montgomery form (P. Montgomery 1985; the product is the
// one called CIOS). The modulus is a template argument, so that the compiler folds its limbs.
// Pure functions; any thread may call them. Time depends on the numbers: not for secrets.
#pragma once

#include <cstdint>

namespace blockstm {

// 256 bits, the lowest limb first.
struct Limbs {
    uint64_t limb[4];

    friend constexpr bool operator==(const Limbs&, const Limbs&) noexcept = default;
};

constexpr bool is_below(const Limbs& left, const Limbs& right) noexcept {
    for (int place = 3; place > 0; --place) {
        if (left.limb[place] != right.limb[place]) return left.limb[place] < right.limb[place];
    }
    return left.limb[0] < right.limb[0];
}

constexpr bool is_zero(const Limbs& value) noexcept {
    return (value.limb[0] | value.limb[1] | value.limb[2] | value.limb[3]) == 0;
}

constexpr bool bit(const Limbs& value, int place) noexcept {
    return value.limb[place / 64] >> (place % 64) & 1;
}

// Both return what left the 256 bits: the carry or the borrow.
constexpr uint64_t add(Limbs& value, const Limbs& other) noexcept {
    unsigned __int128 carry = 0;
    for (int place = 0; place < 4; ++place) {
        carry += static_cast<unsigned __int128>(value.limb[place]) + other.limb[place];
        value.limb[place] = static_cast<uint64_t>(carry);
        carry >>= 64;
    }
    return static_cast<uint64_t>(carry);
}

constexpr uint64_t subtract(Limbs& value, const Limbs& other) noexcept {
    uint64_t borrow = 0;
    for (int place = 0; place < 4; ++place) {
        const auto difference = static_cast<unsigned __int128>(value.limb[place]) - other.limb[place] - borrow;
        value.limb[place] = static_cast<uint64_t>(difference);
        borrow = static_cast<uint64_t>(difference >> 64) & 1;
    }
    return borrow;
}

// Keeps the value where `one_or_zero` is one, without a branch that a processor could guess wrong.
constexpr void mask(Limbs& value, uint64_t one_or_zero) noexcept {
    for (uint64_t& limb : value.limb) limb &= -one_or_zero;
}

constexpr Limbs from_bytes(const uint8_t bytes[32]) noexcept {
    Limbs value{};
    for (int place = 0; place < 32; ++place) {
        value.limb[3 - place / 8] = value.limb[3 - place / 8] << 8 | bytes[place];
    }
    return value;
}

constexpr void to_bytes(const Limbs& value, uint8_t bytes[32]) noexcept {
    for (int place = 0; place < 32; ++place) {
        bytes[place] = static_cast<uint8_t>(value.limb[3 - place / 8] >> (56 - place % 8 * 8));
    }
}

// A number modulo MODULUS, which is odd.
template <Limbs MODULUS>
class Prime {
public:
    constexpr Prime() noexcept : value_{} {}

    // `number` is below the modulus.
    static constexpr Prime from(const Limbs& number) noexcept { return product(number, R_SQUARED); }
    static constexpr Prime one() noexcept { return Prime(R); }
    static constexpr const Limbs& modulus() noexcept { return modulus_; }

    constexpr Limbs number() const noexcept { return product(value_, Limbs{{1, 0, 0, 0}}).value_; }
    constexpr bool is_zero() const noexcept { return blockstm::is_zero(value_); }

    friend constexpr bool operator==(const Prime&, const Prime&) noexcept = default;

    friend constexpr Prime operator+(Prime left, const Prime& right) noexcept {
        const uint64_t carry = add(left.value_, right.value_);
        left.reduce_once(carry);
        return left;
    }

    friend constexpr Prime operator-(Prime left, const Prime& right) noexcept {
        Limbs correction = MODULUS;
        mask(correction, subtract(left.value_, right.value_));
        add(left.value_, correction);
        return left;
    }

    friend constexpr Prime operator*(const Prime& left, const Prime& right) noexcept {
        return product(left.value_, right.value_);
    }

    constexpr Prime operator-() const noexcept { return Prime() - *this; }
    constexpr Prime twice() const noexcept { return *this + *this; }
    constexpr Prime square() const noexcept { return *this * *this; }

    // By Fermat's theorem; zero has no inverse and gives zero.
    constexpr Prime inverse() const noexcept {
        Limbs exponent = MODULUS;
        subtract(exponent, Limbs{{2, 0, 0, 0}});
        return power(exponent);
    }

    constexpr Prime power(const Limbs& exponent) const noexcept {
        Prime powers[16] = {one()};
        for (int digit = 1; digit < 16; ++digit) powers[digit] = powers[digit - 1] * *this;
        Prime result = one();
        for (int place = 252; place >= 0; place -= 4) {
            for (int turn = 0; turn < 4; ++turn) result = result.square();
            const int digit = exponent.limb[place / 64] >> (place % 64) & 15;
            if (digit != 0) result = result * powers[digit];
        }
        return result;
    }

private:
    static constexpr Limbs modulus_ = MODULUS;

    explicit constexpr Prime(const Limbs& value) noexcept : value_(value) {}

    constexpr void reduce_once(uint64_t carry) noexcept {
        Limbs reduced = value_;
        const uint64_t borrow = subtract(reduced, MODULUS);
        const uint64_t keep = carry >= borrow ? 0 : ~uint64_t{0};
        for (int place = 0; place < 4; ++place) {
            value_.limb[place] = (value_.limb[place] & keep) | (reduced.limb[place] & ~keep);
        }
    }

    // 2 ** exponent modulo the modulus.
    static constexpr Limbs power_of_two(int exponent) noexcept {
        Prime value(Limbs{{1, 0, 0, 0}});
        for (int turn = 0; turn < exponent; ++turn) value = value.twice();
        return value.value_;
    }

    // -1 / MODULUS modulo 2 ** 64, by Newton's iteration: each turn doubles the bits that are right.
    static constexpr uint64_t negative_inverse() noexcept {
        uint64_t inverse = 1;
        for (int turn = 0; turn < 6; ++turn) inverse *= 2 - MODULUS.limb[0] * inverse;
        return -inverse;
    }

    // left * right / 2 ** 256.
    [[gnu::always_inline]] static constexpr Prime product(const Limbs& left, const Limbs& right) noexcept {
        using Wide = unsigned __int128;
        uint64_t sum[5] = {};
#pragma GCC unroll 4
        for (int outer = 0; outer < 4; ++outer) {
            Wide carry = 0;
#pragma GCC unroll 4
            for (int inner = 0; inner < 4; ++inner) {
                carry += static_cast<Wide>(left.limb[inner]) * right.limb[outer] + sum[inner];
                sum[inner] = static_cast<uint64_t>(carry);
                carry >>= 64;
            }
            carry += sum[4];
            sum[4] = static_cast<uint64_t>(carry);
            const auto top = static_cast<uint64_t>(carry >> 64);

            const uint64_t factor = sum[0] * NEGATIVE_INVERSE;
            carry = static_cast<Wide>(factor) * MODULUS.limb[0] + sum[0];
            carry >>= 64;
#pragma GCC unroll 4
            for (int inner = 1; inner < 4; ++inner) {
                carry += static_cast<Wide>(factor) * MODULUS.limb[inner] + sum[inner];
                sum[inner - 1] = static_cast<uint64_t>(carry);
                carry >>= 64;
            }
            carry += sum[4];
            sum[3] = static_cast<uint64_t>(carry);
            sum[4] = top + static_cast<uint64_t>(carry >> 64);
        }
        Prime result(Limbs{{sum[0], sum[1], sum[2], sum[3]}});
        result.reduce_once(sum[4]);
        return result;
    }

    static constexpr uint64_t NEGATIVE_INVERSE = negative_inverse();
    static constexpr Limbs R = power_of_two(256);
    static constexpr Limbs R_SQUARED = power_of_two(512);

    Limbs value_;
};

}  // namespace blockstm
