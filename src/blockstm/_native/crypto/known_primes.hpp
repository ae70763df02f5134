// Primes that contracts compute modulo, and inverses modulo them. Pure functions; any thread may call them. Time
// depends on the numbers: not for secrets.
#pragma once

#include "crypto/limbs.hpp"
#include "crypto/modular_inverse.hpp"

namespace blockstm {

// Of base fields and of scalars: BN254's, secp256k1's, P-256's, and the scalars of BLS12-381.
inline constexpr Limbs KNOWN_PRIMES[] = {
    {{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}},
    {{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}},
    {{0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}},
    {{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}},
    {{0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001}},
    {{0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000}},
    {{0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48}},
};

constexpr bool is_known_prime(const Limbs& number) noexcept {
    for (const Limbs& prime : KNOWN_PRIMES) {
        if (prime == number) return true;
    }
    return false;
}

// 1 / number modulo a known prime; zero, which has none, gives zero.
inline Limbs inverse_modulo(Limbs number, const Limbs& prime) noexcept {
    while (!is_below(number, prime)) subtract(number, prime);  // at most five times
    uint64_t low_inverse = 1;  // of the prime's lowest word; each turn doubles the bits that are right
    for (int turn = 0; turn < 6; ++turn) low_inverse *= 2 - prime.limb[0] * low_inverse;
    inverse::invert(number.limb, prime.limb, low_inverse);
    return number;
}

}  // namespace blockstm
