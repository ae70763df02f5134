#include "crypto/secp256k1/scalars.hpp"

namespace blockstm::secp256k1 {
namespace {

// See endomorphism.hpp.
constexpr ShortVectors SHORT{
    {{0xe86c90e49284eb15, 0x3086d221a7d46bcd, 0, 0}},
    {{0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0, 0}},
    {{0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1, 0}},
    {{0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd}},
    {{0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828}},
    6};

bool is_even(const Limbs& value) noexcept { return (value.limb[0] & 1) == 0; }

}  // namespace

Halves split_odd(const Limbs& scalar) noexcept {
    Halves halves = blockstm::split(scalar, SHORT);
    // Sums with lattice vectors are as right: (a1, -b1) is odd in both, (a2, a1) in the second only.
    if (is_even(halves.one)) {
        add(halves.one, SHORT.a1);
        subtract(halves.other, SHORT.b1);
    }
    if (is_even(halves.other)) {
        add(halves.one, SHORT.a2);
        add(halves.other, SHORT.a1);
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
