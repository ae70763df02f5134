// Opcodes with two operands of which one is a constant and the other is not: a cheaper instruction, where there
// is one. See translator.hpp. Each function here says whether it has translated the opcode.

#include "evm/compile/constants.hpp"
#include "evm/compile/translator.hpp"

namespace blockstm::evm {

bool Translator::with_constant(uint8_t opcode, Operand left, Operand right) noexcept {
    const bool is_left = left.is_constant;
    const WordAndConstant pair{is_left ? right : left, stack_.constant(is_left ? left : right), is_left};
    switch (opcode) {
        case op::ADD:
            return emit_k16(pair, Operation::ADD_K16) || emit_k(pair, Operation::ADD_K64, Operation::ADD_K256);
        case op::AND: return mask(pair);
        case op::OR: return emit_k(pair, Operation::OR_K64, Operation::OR_K256);
        case op::XOR: return emit_k(pair, Operation::XOR_K64, Operation::XOR_K256);
        case op::EQ: return emit_k(pair, Operation::EQ_K64, Operation::EQ_K256);
        case op::MUL: return multiply(pair);
        case op::SUB: return subtract(pair);
        case op::DIV: return !is_left && divide(pair);
        case op::MOD: return !is_left && take_remainder(pair);
        case op::LT: return emit_k64(pair, is_left ? Operation::GT_K64 : Operation::LT_K64);
        case op::GT: return emit_k64(pair, is_left ? Operation::LT_K64 : Operation::GT_K64);
        case op::SLT: return emit_k64(pair, is_left ? Operation::SGT_K64 : Operation::SLT_K64);
        case op::SGT: return emit_k64(pair, is_left ? Operation::SLT_K64 : Operation::SGT_K64);
        case op::SHL: return is_left && shift(pair, Operation::SHL_K);
        case op::SHR: return is_left && shift(pair, Operation::SHR_K);
        case op::SAR: return is_left && emit_k(pair, Operation::SAR_K, pair.is_below(256) ? pair.low() : 255);
        case op::BYTE: return is_left && take_byte(pair);
        case op::SIGNEXTEND: return is_left && extend_sign(pair);
        default: return false;
    }
}

bool Translator::multiply(const WordAndConstant& pair) noexcept {
    if (is_power_of_two(pair.constant)) return emit_k(pair, Operation::SHL_K, bit_length(pair.constant) - 1);
    return emit_k(pair, Operation::MUL_K64, Operation::MUL_K256);
}

bool Translator::subtract(const WordAndConstant& pair) noexcept {
    if (pair.is_left) return emit_k64(pair, Operation::SUB_FROM_K64);
    if (emit_k64(pair, Operation::SUB_K64)) return true;
    emit_k256(Operation::ADD_K256, pair.word, -pair.constant);
    return true;
}

bool Translator::divide(const WordAndConstant& pair) noexcept {
    if (pair.constant.is_zero()) return becomes_zero(pair);
    if (is_power_of_two(pair.constant)) return emit_k(pair, Operation::SHR_K, bit_length(pair.constant) - 1);
    return emit_k64(pair, Operation::DIV_K64);
}

bool Translator::take_remainder(const WordAndConstant& pair) noexcept {
    if (pair.constant.is_zero()) return becomes_zero(pair);
    if (!is_power_of_two(pair.constant)) return emit_k64(pair, Operation::MOD_K64);
    const WordAndConstant masked{pair.word, pair.constant - u256{1}, pair.is_left};
    return mask(masked);
}

bool Translator::mask(const WordAndConstant& pair) noexcept {
    const u256& constant = pair.constant;
    if (emit_k16(pair, Operation::AND_K16)) return true;
    const uint32_t bits = bit_length(constant);
    const bool is_of_bytes = bits % 8 == 0 && (constant & (constant + u256{1})).is_zero();
    if (is_of_bytes && bits > 64) return emit_k(pair, Operation::AND_BYTES, bits / 8);
    return emit_k(pair, Operation::AND_K64, Operation::AND_K256);
}

bool Translator::shift(const WordAndConstant& pair, Operation operation) noexcept {
    return pair.is_below(256) ? emit_k(pair, operation, pair.low()) : becomes_zero(pair);
}

bool Translator::take_byte(const WordAndConstant& pair) noexcept {
    return pair.is_below(32) ? emit_k(pair, Operation::BYTE_K, pair.low()) : becomes_zero(pair);
}

bool Translator::extend_sign(const WordAndConstant& pair) noexcept {
    if (pair.is_below(31)) return emit_k(pair, Operation::SIGNEXTEND_K, pair.low());
    stack_.push(pair.word);  // its sign is where it is
    return true;
}

// --- how an instruction carries the constant ------------------------------------------------------

bool Translator::becomes_zero(const WordAndConstant& pair) noexcept {
    stack_.release(pair.word);
    stack_.push(u256{});
    return true;
}

bool Translator::emit_k16(const WordAndConstant& pair, Operation operation) noexcept {
    return pair.is_below(1 << 16) && emit_k(pair, operation, pair.low());
}

bool Translator::emit_k64(const WordAndConstant& pair, Operation operation) noexcept {
    if (pair.constant.fits_u64()) emit_k64(operation, pair.word, pair.low());
    return pair.constant.fits_u64();
}

bool Translator::emit_k(const WordAndConstant& pair, Operation narrow, Operation wide) noexcept {
    if (!emit_k64(pair, narrow)) emit_k256(wide, pair.word, pair.constant);
    return true;
}

bool Translator::emit_k(const WordAndConstant& pair, Operation operation, uint64_t small) noexcept {
    const int16_t place = yield_from(&pair.word, 1);
    emit(operation, place, scaled(pair.word.place), static_cast<int>(small));
    return true;
}

}  // namespace blockstm::evm
