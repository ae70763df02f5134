// Comparison and bits (Yellow Paper, appendix H.2, 0x10 to 0x1e). `left` was on top of the stack.
#pragma once

#include "base/u256/u256.hpp"

namespace blockstm::evm::instructions {

// LT (0x10), GT (0x11), SLT (0x12), SGT (0x13), EQ (0x14), ISZERO (0x15).
[[gnu::always_inline]] inline bool lt(const u256& left, const u256& right) noexcept { return left < right; }
[[gnu::always_inline]] inline bool gt(const u256& left, const u256& right) noexcept { return right < left; }
[[gnu::always_inline]] inline bool slt(const u256& left, const u256& right) noexcept {
    return blockstm::slt(left, right);
}
[[gnu::always_inline]] inline bool sgt(const u256& left, const u256& right) noexcept {
    return blockstm::slt(right, left);
}
[[gnu::always_inline]] inline bool eq(const u256& left, const u256& right) noexcept { return left == right; }
[[gnu::always_inline]] inline bool iszero(const u256& word) noexcept { return word.is_zero(); }

// AND (0x16), OR (0x17), XOR (0x18), NOT (0x19).
[[gnu::always_inline]] inline u256 bit_and(const u256& left, const u256& right) noexcept { return left & right; }
[[gnu::always_inline]] inline u256 bit_or(const u256& left, const u256& right) noexcept { return left | right; }
[[gnu::always_inline]] inline u256 bit_xor(const u256& left, const u256& right) noexcept { return left ^ right; }
[[gnu::always_inline]] inline u256 bit_not(const u256& word) noexcept { return ~word; }

// BYTE (0x1a): byte `left` of `right`, byte 0 the most significant.
inline u256 byte(const u256& left, const u256& right) noexcept { return byte_at(left, right); }

// SHL (0x1b), SHR (0x1c), SAR (0x1d): of `right`, by `left` bits (EIP-145).
inline u256 shl(const u256& left, const u256& right) noexcept { return blockstm::shl(right, left); }
inline u256 shr(const u256& left, const u256& right) noexcept { return blockstm::shr(right, left); }
inline u256 sar(const u256& left, const u256& right) noexcept { return blockstm::sar(right, left); }

// CLZ (0x1e): zero bits above the highest one (EIP-7939).
inline u256 clz(const u256& word) noexcept { return blockstm::clz(word); }

}  // namespace blockstm::evm::instructions
