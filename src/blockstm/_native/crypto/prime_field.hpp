// Numbers modulo a prime of at most 256 bits, in Montgomery form (P. Montgomery 1985; the product is the
// one called CIOS). Pure functions; any thread may call them. Time depends on the numbers: not for secrets.
#pragma once

#include <cstdint>
#include <type_traits>

#include "crypto/limbs.hpp"
#include "crypto/modular_inverse.hpp"
#include "crypto/montgomery_adx.hpp"

namespace blockstm {

// A number modulo MODULUS, which is odd.
template <Limbs MODULUS>
class Prime {
public:
    constexpr Prime() noexcept : value_{} {}

    // Limb by limb: a copy by vector registers would wait for the limbs that were just stored.
    constexpr Prime(const Prime& other) noexcept : Prime(other.value_) {}
    constexpr Prime& operator=(const Prime& other) noexcept {
        value_.limb[0] = other.value_.limb[0];
        value_.limb[1] = other.value_.limb[1];
        value_.limb[2] = other.value_.limb[2];
        value_.limb[3] = other.value_.limb[3];
        return *this;
    }

    // `number` is below the modulus.
    static constexpr Prime from(const Limbs& number) noexcept { return product(number, R_SQUARED); }
    static constexpr Prime one() noexcept { return Prime(R); }

    constexpr Limbs number() const noexcept { return product(value_, Limbs{{1, 0, 0, 0}}).value_; }
    constexpr bool is_zero() const noexcept { return blockstm::is_zero(value_); }

    friend constexpr bool operator==(const Prime&, const Prime&) noexcept = default;

    friend constexpr Prime operator+(const Prime& left, const Prime& right) noexcept {
        return Prime(add_modulo(left.value_, right.value_, modulus_));
    }

    friend constexpr Prime operator-(const Prime& left, const Prime& right) noexcept {
        return Prime(subtract_modulo(left.value_, right.value_, modulus_));
    }

    friend constexpr Prime operator*(const Prime& left, const Prime& right) noexcept {
        return product(left.value_, right.value_);
    }

    constexpr Prime operator-() const noexcept { return Prime() - *this; }
    constexpr Prime twice() const noexcept { return *this + *this; }
    constexpr Prime square() const noexcept { return *this * *this; }

    // Zero has no inverse and gives zero.
    constexpr Prime inverse() const noexcept {
        if (!std::is_constant_evaluated()) {
            Limbs inverse = value_;
            inverse::invert(inverse.limb, modulus_.limb, -NEGATIVE_INVERSE);
            return product(inverse, R_CUBED);  // of a number times R the inverse lacks R twice
        }
        Limbs exponent = MODULUS;  // Fermat's theorem
        subtract(exponent, Limbs{{2, 0, 0, 0}});
        return power(exponent);
    }

    constexpr Prime power(const Limbs& exponent) const noexcept {
        Prime result = one();
        for (int place = 255; place >= 0; --place) {
            result = result.square();
            if (bit(exponent, place)) result = result * *this;
        }
        return result;
    }

private:
    static constexpr Limbs modulus_ = MODULUS;

    explicit constexpr Prime(const Limbs& value) noexcept
        : value_{{value.limb[0], value.limb[1], value.limb[2], value.limb[3]}} {}

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
    static constexpr Prime product(const Limbs& left, const Limbs& right) noexcept {
#if defined(__x86_64__)
        if (!std::is_constant_evaluated()) {
            if (HAS_ADX) [[likely]] return product_adx(left, right);
        }
#endif
        return product_plain(left, right);
    }

#if defined(__x86_64__)
    // Not inline: a formula for points has a dozen products, and what they swell to fits no cache.
    [[gnu::noinline]] static Prime product_adx(const Limbs& left, const Limbs& right) noexcept {
        Prime result;
        const uint64_t top = montgomery_adx(left.limb, right.limb, modulus_.limb, NEGATIVE_INVERSE,
                                            result.value_.limb);
        reduce_once(result.value_, top, modulus_);
        return result;
    }
#endif

    [[gnu::noinline]] static constexpr Prime product_plain(const Limbs& left, const Limbs& right) noexcept {
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
        reduce_once(result.value_, sum[4], modulus_);
        return result;
    }

    static constexpr uint64_t NEGATIVE_INVERSE = negative_inverse();
    static constexpr Limbs R = power_of_two(256);
    static constexpr Limbs R_SQUARED = power_of_two(512);
    static constexpr Limbs R_CUBED = power_of_two(768);

    Limbs value_;
};

}  // namespace blockstm
