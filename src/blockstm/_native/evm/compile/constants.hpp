// What opcodes yield when all their operands are known, for the translator. Pure functions.
#pragma once

#include "base/u256/u256_div.hpp"
#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {

// The value of an opcode of one operand; false where it is not one that depends on nothing else.
inline bool evaluate(uint8_t opcode, const u256& operand, u256& result) noexcept {
    switch (opcode) {
        case op::ISZERO: result = operand.is_zero(); return true;
        case op::NOT: result = ~operand; return true;
        case op::CLZ: result = clz(operand); return true;
        default: return false;
    }
}

// The value of an opcode of two operands; `left` was on top. EXP is none: its gas depends on them.
inline bool evaluate(uint8_t opcode, const u256& left, const u256& right, u256& result) noexcept {
    switch (opcode) {
        case op::ADD: result = left + right; return true;
        case op::MUL: result = left * right; return true;
        case op::SUB: result = left - right; return true;
        case op::DIV: result = div(left, right); return true;
        case op::SDIV: result = sdiv(left, right); return true;
        case op::MOD: result = mod(left, right); return true;
        case op::SMOD: result = smod(left, right); return true;
        case op::SIGNEXTEND: result = signextend(left, right); return true;
        case op::LT: result = left < right; return true;
        case op::GT: result = left > right; return true;
        case op::SLT: result = slt(left, right); return true;
        case op::SGT: result = sgt(left, right); return true;
        case op::EQ: result = left == right; return true;
        case op::AND: result = left & right; return true;
        case op::OR: result = left | right; return true;
        case op::XOR: result = left ^ right; return true;
        case op::BYTE: result = byte_at(left, right); return true;
        case op::SHL: result = shl(right, left); return true;
        case op::SHR: result = shr(right, left); return true;
        case op::SAR: result = sar(right, left); return true;
        default: return false;
    }
}

inline bool is_power_of_two(const u256& value) noexcept {
    return !value.is_zero() && (value & (value - u256{1})).is_zero();
}

}  // namespace blockstm::evm
