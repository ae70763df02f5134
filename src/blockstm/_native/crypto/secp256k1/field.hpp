// The field of secp256k1, one number at a time: modulo p = 2**256 - 2**32 - 977, so that what exceeds 256 bits
// comes back as a multiple of 2**32 + 977. Pure functions; any thread may call them. Time depends on the
// numbers: not for secrets.
#pragma once

#include <cstdint>
#include <type_traits>

#include "crypto/limbs.hpp"
#include "crypto/modular_inverse.hpp"
#include "crypto/montgomery_adx.hpp"
#include "crypto/secp256k1/field_adx.hpp"

namespace blockstm::secp256k1 {

inline constexpr Limbs P{{0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}};

// Canonical: below p.
class Field {
public:
    constexpr Field() noexcept : value_{} {}

    // `number` is below p.
    static constexpr Field from(const Limbs& number) noexcept { return Field(number); }
    static constexpr Field one() noexcept { return Field(Limbs{{1, 0, 0, 0}}); }

    constexpr const Limbs& number() const noexcept { return value_; }
    constexpr bool is_zero() const noexcept { return blockstm::is_zero(value_); }

    friend constexpr bool operator==(const Field&, const Field&) noexcept = default;

    friend constexpr Field operator+(const Field& left, const Field& right) noexcept {
        return Field(add_modulo(left.value_, right.value_, P));
    }
    friend constexpr Field operator-(const Field& left, const Field& right) noexcept {
        return Field(subtract_modulo(left.value_, right.value_, P));
    }
    friend constexpr Field operator*(const Field& left, const Field& right) noexcept { return product(left, right); }

    constexpr Field operator-() const noexcept { return Field() - *this; }
    constexpr Field twice() const noexcept { return *this + *this; }
    constexpr Field square() const noexcept { return square_of(*this); }

    // Zero has no inverse and gives zero.
    constexpr Field inverse() const noexcept {
        constexpr uint64_t LOW_INVERSE = 0x27c7f6e22ddacacf;  // 1 / p modulo 2 ** 64
        static_assert(LOW_INVERSE * 0xfffffffefffffc2f == 1);
        Limbs inverse = value_;
        inverse::invert(inverse.limb, P.limb, LOW_INVERSE);
        return Field(inverse);
    }

private:
    using Wide = unsigned __int128;

    explicit constexpr Field(const Limbs& value) noexcept : value_(value) {}

    // Not inline: a formula for points has a dozen products, and what they swell to fits no cache.
    [[gnu::noinline]] static constexpr Field product(const Field& left, const Field& right) noexcept {
#if defined(__x86_64__)
        if (!std::is_constant_evaluated() && HAS_ADX) [[likely]] {
            Field out;
            const uint64_t top = multiply_adx(left.value_.limb, right.value_.limb, out.value_.limb);
            reduce_once(out.value_, top, P);
            return out;
        }
#endif
        uint64_t wide[8] = {};
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            Wide carry = 0;
#pragma GCC unroll 4
            for (int j = 0; j < 4; ++j) {
                carry += static_cast<Wide>(left.value_.limb[i]) * right.value_.limb[j] + wide[i + j];
                wide[i + j] = static_cast<uint64_t>(carry);
                carry >>= 64;
            }
            wide[i + 4] = static_cast<uint64_t>(carry);
        }
        return fold(wide);
    }

    [[gnu::noinline]] static constexpr Field square_of(const Field& number) noexcept {
#if defined(__x86_64__)
        if (!std::is_constant_evaluated() && HAS_ADX) [[likely]] {
            Field out;
            const uint64_t top = square_adx(number.value_.limb, out.value_.limb);
            reduce_once(out.value_, top, P);
            return out;
        }
#endif
        return product(number, number);
    }

    [[gnu::always_inline]] static constexpr Field fold(const uint64_t (&wide)[8]) noexcept {
        Limbs low;
        Wide carry = 0;
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            carry += static_cast<Wide>(wide[i + 4]) * FOLD_256 + wide[i];
            low.limb[i] = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
        // What is above 256 bits now is below 2 ** 34; after it, only one bit can be.
        Wide sum = static_cast<Wide>(static_cast<uint64_t>(carry)) * FOLD_256 + low.limb[0];
        low.limb[0] = static_cast<uint64_t>(sum);
#pragma GCC unroll 3
        for (int i = 1; i < 4; ++i) {
            sum = (sum >> 64) + low.limb[i];
            low.limb[i] = static_cast<uint64_t>(sum);
        }
        reduce_once(low, static_cast<uint64_t>(sum >> 64), P);
        return Field(low);
    }

    Limbs value_;
};

}  // namespace blockstm::secp256k1
