// Arithmetic (Yellow Paper, appendix H.2, 0x01 to 0x0b). `left` was on top of the stack.
#pragma once

#include "base/u256/u256_div.hpp"
#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// ADD (0x01), MUL (0x02), SUB (0x03): modulo 2^256.
[[gnu::always_inline]] inline u256 add(const u256& left, const u256& right) noexcept { return left + right; }
[[gnu::always_inline]] inline u256 mul(const u256& left, const u256& right) noexcept { return left * right; }
[[gnu::always_inline]] inline u256 sub(const u256& left, const u256& right) noexcept { return left - right; }

// DIV (0x04), SDIV (0x05), MOD (0x06), SMOD (0x07): zero where the divisor is.
inline u256 div(const u256& left, const u256& right) noexcept { return blockstm::div(left, right); }
inline u256 sdiv(const u256& left, const u256& right) noexcept { return blockstm::sdiv(left, right); }
inline u256 mod(const u256& left, const u256& right) noexcept { return blockstm::mod(left, right); }
inline u256 smod(const u256& left, const u256& right) noexcept { return blockstm::smod(left, right); }

// ADDMOD (0x08), MULMOD (0x09): of the exact sum and product.
inline u256 addmod(const u256& left, const u256& right, const u256& modulus) noexcept {
    return blockstm::addmod(left, right, modulus);
}
inline u256 mulmod(const u256& left, const u256& right, const u256& modulus) noexcept {
    return blockstm::mulmod(left, right, modulus);
}

// EXP (0x0a): gas by the length of the exponent (EIP-160).
inline int64_t exp(Machine& machine, const u256& base, const u256& exponent, u256& power, int64_t gas) noexcept {
    gas -= gas_of(running(machine)).exp_byte * byte_length(exponent);
    if (gas < 0) return gas;
    power = blockstm::exp(base, exponent);
    return gas;
}

// SIGNEXTEND (0x0b): of the byte `left` of `right`, byte 0 the least significant.
inline u256 signextend(const u256& left, const u256& right) noexcept { return blockstm::signextend(left, right); }

}  // namespace blockstm::evm::instructions
