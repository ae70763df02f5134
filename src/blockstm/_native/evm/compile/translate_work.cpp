// Opcodes that work on words: see translator.hpp. Where an operand is a constant there is often a cheaper
// instruction; where all are, there is none at all.

#include "evm/compile/constants.hpp"
#include "evm/compile/translator.hpp"

namespace blockstm::evm {
namespace {

// The operation of an opcode; opcodes that only move words have none.
constexpr struct OperationTable {
    Operation operations[256] = {};
    constexpr OperationTable() noexcept {
#define OPCODE(value, name, inputs, outputs, fork) operations[value] = Operation::name;
        BLOCKSTM_OPCODES_OF_WORK(OPCODE)
#undef OPCODE
    }
    constexpr Operation operator[](uint8_t opcode) const noexcept { return operations[opcode]; }
} OPERATIONS;

}  // namespace

void Translator::work(uint8_t opcode) noexcept {
    if (at_constant(opcode)) return;
    const Opcode& traits = OPCODES[opcode];
    Held operands[OPERANDS_MAX];
    for (int index = 0; index < traits.inputs; ++index) operands[index] = scope_.take();
    if (fold(opcode, operands, traits.inputs)) return;
    if (traits.inputs == 2 && operands[0].is_constant != operands[1].is_constant &&
        with_constant(opcode, operands[0], operands[1])) {
        return;
    }
    emit_operands(OPERATIONS[opcode], operands, traits.inputs, traits.outputs != 0);
}

// What depends on nothing but constants is a constant.
bool Translator::fold(uint8_t opcode, const Held* operands, int count) noexcept {
    u256 result;
    bool is_known = false;
    if (count == 1 && operands[0].is_constant) {
        is_known = evaluate(opcode, scope_.constant(operands[0]), result);
    } else if (count == 2 && operands[0].is_constant && operands[1].is_constant) {
        is_known = evaluate(opcode, scope_.constant(operands[0]), scope_.constant(operands[1]), result);
    }
    if (is_known) scope_.push(result);
    return is_known;
}

// One of the two is a constant and the other is not: a cheaper instruction, if there is one.
bool Translator::with_constant(uint8_t opcode, Held left, Held right) noexcept {
    const bool is_left = left.is_constant;
    const u256 constant = scope_.constant(is_left ? left : right);
    const Held word = is_left ? right : left;
    const bool is_small = constant.fits_u64();
    const auto becomes = [&](uint64_t value) {
        scope_.release(word);
        scope_.push(u256{value});
        return true;
    };
    const auto k64 = [&](Operation operation) {
        if (is_small) emit_k64(operation, word, constant.limb[0]);
        return is_small;
    };
    const auto k256 = [&](Operation operation, const u256& value) {
        emit_k256(operation, word, value);
        return true;
    };
    const auto k = [&](Operation small, Operation wide) { return k64(small) || k256(wide, constant); };
    const auto small = [&](Operation operation, uint64_t number) {
        const int16_t place = yield_from(&word, 1);
        emit(operation, place, scaled(word.place), static_cast<int>(number));
        return true;
    };
    switch (opcode) {
        case op::ADD: return k(Operation::ADD_K64, Operation::ADD_K256);
        case op::MUL:
            if (is_power_of_two(constant)) return small(Operation::SHL_K, bit_length(constant) - 1);
            return k(Operation::MUL_K64, Operation::MUL_K256);
        case op::AND: return k(Operation::AND_K64, Operation::AND_K256);
        case op::OR: return k(Operation::OR_K64, Operation::OR_K256);
        case op::XOR: return k(Operation::XOR_K64, Operation::XOR_K256);
        case op::EQ: return k(Operation::EQ_K64, Operation::EQ_K256);
        case op::SUB:
            if (is_left) return k64(Operation::SUB_FROM_K64);
            return k64(Operation::SUB_K64) || k256(Operation::ADD_K256, -constant);
        case op::DIV:
            if (is_left) return false;
            if (constant.is_zero()) return becomes(0);
            if (is_power_of_two(constant)) return small(Operation::SHR_K, bit_length(constant) - 1);
            return k64(Operation::DIV_K64);
        case op::MOD:
            if (is_left) return false;
            if (constant.is_zero()) return becomes(0);
            if (is_power_of_two(constant)) {
                const u256 mask = constant - u256{1};
                if (!mask.fits_u64()) return k256(Operation::AND_K256, mask);
                emit_k64(Operation::AND_K64, word, mask.limb[0]);
                return true;
            }
            return k64(Operation::MOD_K64);
        case op::LT: return k64(is_left ? Operation::GT_K64 : Operation::LT_K64);
        case op::GT: return k64(is_left ? Operation::LT_K64 : Operation::GT_K64);
        case op::SLT: return k64(is_left ? Operation::SGT_K64 : Operation::SLT_K64);
        case op::SGT: return k64(is_left ? Operation::SLT_K64 : Operation::SGT_K64);
        case op::SHL:
        case op::SHR:
            if (!is_left) return false;
            if (!is_small || constant.limb[0] >= 256) return becomes(0);
            return small(opcode == op::SHL ? Operation::SHL_K : Operation::SHR_K, constant.limb[0]);
        case op::SAR:
            if (!is_left) return false;
            return small(Operation::SAR_K, is_small && constant.limb[0] < 256 ? constant.limb[0] : 255);
        case op::BYTE:
            if (!is_left) return false;
            if (!is_small || constant.limb[0] >= 32) return becomes(0);
            return small(Operation::BYTE_K, constant.limb[0]);
        case op::SIGNEXTEND:
            if (!is_left) return false;
            if (is_small && constant.limb[0] < 31) return small(Operation::SIGNEXTEND_K, constant.limb[0]);
            scope_.push(word);
            return true;
        default: return false;
    }
}

// Memory and call data at places that the code itself names.
bool Translator::at_constant(uint8_t opcode) noexcept {
    if (opcode != op::MLOAD && opcode != op::MSTORE && opcode != op::CALLDATALOAD && opcode != op::KECCAK256) {
        return false;
    }
    const Held place = scope_.take();
    if (!place.is_constant || !fits_u32(scope_.constant(place))) {
        scope_.push(place);
        return false;
    }
    const uint64_t offset = scope_.constant(place).limb[0];
    const auto number = static_cast<uint32_t>(offset);
    if (opcode == op::MSTORE) {
        const Held value = scope_.in_place(scope_.take());
        take_from(&value, 1);
        emit_to(Operation::MSTORE_K, scaled(value.place), number);
        return true;
    }
    if (opcode == op::KECCAK256) {
        const Held size = scope_.take();
        if (!size.is_constant || !fits_u32(scope_.constant(size))) {
            scope_.push(size);
            scope_.push(place);
            return false;
        }
        emit(Operation::KECCAK256_K, scaled(scope_.yield()));
        out_.add_data(offset | scope_.constant(size).limb[0] << 32);
        return true;
    }
    const Operation operation = opcode == op::MLOAD ? Operation::MLOAD_K : Operation::CALLDATALOAD_K;
    emit_to(operation, scaled(scope_.yield()), number);
    return true;
}

void Translator::gas_left() noexcept {
    const int place = scope_.yield();
    gas_readers_[gas_reader_count_++] = {emit(Operation::GAS, scaled(place)), segment_gas_};
    if (gas_reader_count_ == 16) {
        end_segment();
        begin_segment();
    }
}

// Calls and creations find their operands where the stack machine has them, because the frame they begin
// has its stack right above. Theirs is the last instruction of its scope.
bool Translator::call(uint8_t opcode) noexcept {
    if (!settle(nullptr, 0)) return false;
    const int height = scope_.height();
    emit(OPERATIONS[opcode], scaled(height - OPCODES[opcode].inputs), scaled(height));
    end_segment();
    go_on_behind();
    return true;
}

// The end of the frame. Where the words are does not matter any more.
bool Translator::halt(uint8_t opcode) noexcept {
    work(opcode);
    end_segment();
    is_reached_ = false;
    return true;
}

}  // namespace blockstm::evm
