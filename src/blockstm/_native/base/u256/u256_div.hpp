// What divides: quotients, remainders and modular arithmetic of EVM words. Dividing by zero gives zero,
// as the EVM has it (Yellow Paper, appendix H.2). Pure functions; any thread may call them.
#pragma once

#include "base/u256/u256.hpp"

namespace blockstm {

struct Division {
    u256 quotient;
    u256 remainder;
};

// Both zero where the divisor is.
Division udivrem(const u256& dividend, const u256& divisor) noexcept;

u256 div(const u256& dividend, const u256& divisor) noexcept;
u256 mod(const u256& dividend, const u256& divisor) noexcept;

// Two's complement; the quotient rounds towards zero, the remainder has the sign of the dividend.
// The least number divided by -1 is itself.
u256 sdiv(const u256& dividend, const u256& divisor) noexcept;
u256 smod(const u256& dividend, const u256& divisor) noexcept;

// (left + right) mod modulus and (left * right) mod modulus of the exact sum and product.
u256 addmod(const u256& left, const u256& right, const u256& modulus) noexcept;
u256 mulmod(const u256& left, const u256& right, const u256& modulus) noexcept;

// base^exponent modulo 2^256; 0^0 is 1.
u256 exp(const u256& base, const u256& exponent) noexcept;

}  // namespace blockstm
