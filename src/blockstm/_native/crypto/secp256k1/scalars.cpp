#include "crypto/secp256k1/scalars.hpp"

namespace blockstm::secp256k1 {
namespace {

using Wide = unsigned __int128;

// The short vectors (A1, -B1) and (A2, A1) of the lattice of pairs (a, b) with a + b LAMBDA = 0 modulo N,
// and 2 ** 384 times A1 / N and B1 / N, rounded.
constexpr Limbs A1{{0xe86c90e49284eb15, 0x3086d221a7d46bcd, 0, 0}};
constexpr Limbs B1{{0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0, 0}};
constexpr Limbs A2{{0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1, 0}};
constexpr Limbs A1_RATIO{{0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd}};
constexpr Limbs B1_RATIO{{0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828}};

// left * right, the lowest `count` words of it.
template <int count>
void multiply(const Limbs& left, const Limbs& right, uint64_t (&out)[count]) noexcept {
    for (uint64_t& word : out) word = 0;
    for (int i = 0; i < 4; ++i) {
        Wide carry = 0;
        for (int j = 0; j < 4 && i + j < count; ++j) {
            carry += static_cast<Wide>(left.limb[i]) * right.limb[j] + out[i + j];
            out[i + j] = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
        if (i + 4 < count) out[i + 4] = static_cast<uint64_t>(carry);
    }
}

Limbs low_product(const Limbs& left, const Limbs& right) noexcept {
    Limbs product;
    multiply(left, right, product.limb);
    return product;
}

// left * right / 2 ** 384, rounded.
Limbs high_product(const Limbs& left, const Limbs& right) noexcept {
    uint64_t product[8];
    multiply(left, right, product);
    Limbs high{{product[6], product[7], 0, 0}};
    add(high, Limbs{{product[5] >> 63, 0, 0, 0}});
    return high;
}

bool is_even(const Limbs& value) noexcept { return (value.limb[0] & 1) == 0; }

}  // namespace

Halves split(const Limbs& scalar) noexcept {
    const Limbs one_times = high_product(scalar, A1_RATIO), other_times = high_product(scalar, B1_RATIO);
    Halves halves{scalar, low_product(one_times, B1)};
    subtract(halves.one, low_product(one_times, A1));
    subtract(halves.one, low_product(other_times, A2));
    subtract(halves.other, low_product(other_times, A1));
    // Sums with lattice vectors are as right: (A1, -B1) is odd in both, (A2, A1) in the second only.
    if (is_even(halves.one)) {
        add(halves.one, A1);
        subtract(halves.other, B1);
    }
    if (is_even(halves.other)) {
        add(halves.one, A2);
        add(halves.other, A1);
    }
    return halves;
}

// With v = (half + 16 ** 33 - 1) / 2 the sum of 16 ** i * (2 * v_i - 15) is half: v's digits to the base 16
// are what is wanted.
void write_half_digits(const Signed& half, uint8_t* out, int stride) noexcept {
    Limbs shifted = half;
    add(shifted, Limbs{{~uint64_t{0}, ~uint64_t{0}, 15, 0}});
    for (int place = 0; place < HALF_DIGITS; ++place) {
        const int first = 4 * place + 1;  // halved by the way
        uint64_t digit = shifted.limb[first / 64] >> first % 64;
        if (first % 64 > 60) digit |= shifted.limb[first / 64 + 1] << (64 - first % 64);
        out[place * stride] = digit & 15;
    }
}

// In the same way v = (scalar + 256 ** 32 - 1) / 2. Of scalar and N - scalar one is odd; the digits of the
// negative are those of the positive from the other end of the range.
void write_generator_digits(const Limbs& scalar, uint8_t* out, int stride) noexcept {
    Limbs odd = scalar;
    const bool negative = is_even(scalar);
    if (negative) {
        odd = N;
        subtract(odd, scalar);
    }
    for (int place = 0; place < GENERATOR_DIGITS; ++place) {
        const int first = 8 * place + 1;
        uint64_t digit = odd.limb[first / 64] >> first % 64;
        if (place == GENERATOR_DIGITS - 1) {
            digit |= 1 << 7;  // half of 256 ** 32
        } else if (first % 64 == 57) {
            digit |= odd.limb[first / 64 + 1] << 7;
        }
        out[place * stride] = static_cast<uint8_t>(negative ? ~digit : digit);
    }
}

}  // namespace blockstm::secp256k1
