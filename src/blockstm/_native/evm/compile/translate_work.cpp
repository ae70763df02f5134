// Opcodes that work on words: see translator.hpp. Where an operand is a constant there is often a cheaper
// instruction (translate_constants.cpp); where all are, there is none at all.

#include "evm/compile/constants.hpp"
#include "evm/compile/operation_table.hpp"
#include "evm/compile/translator.hpp"

namespace blockstm::evm {
void Translator::work(uint8_t opcode) noexcept {
    if (at_constant(opcode)) return;
    const Opcode& traits = OPCODES[opcode];
    Operand operands[OPERANDS_MAX];
    for (int index = 0; index < traits.inputs; ++index) operands[index] = stack_.take();
    if (fold(opcode, operands, traits.inputs)) return;
    if (traits.inputs == 2 && operands[0].is_constant != operands[1].is_constant &&
        with_constant(opcode, operands[0], operands[1])) {
        return;
    }
    emit_operands(OPERATIONS[opcode], operands, traits.inputs, traits.outputs != 0);
}

// What depends on nothing but constants is a constant.
bool Translator::fold(uint8_t opcode, const Operand* operands, int count) noexcept {
    u256 result;
    bool is_known = false;
    if (count == 1 && operands[0].is_constant) {
        is_known = evaluate(opcode, stack_.constant(operands[0]), result);
    } else if (count == 2 && operands[0].is_constant && operands[1].is_constant) {
        is_known = evaluate(opcode, stack_.constant(operands[0]), stack_.constant(operands[1]), result);
    }
    if (is_known) stack_.push(result);
    return is_known;
}

// Memory and call data at places that the code itself names.
bool Translator::at_constant(uint8_t opcode) noexcept {
    if (opcode != op::MLOAD && opcode != op::MSTORE && opcode != op::CALLDATALOAD && opcode != op::KECCAK256) {
        return false;
    }
    const Operand place = stack_.take();
    if (!place.is_constant || !fits_u32(stack_.constant(place))) {
        stack_.push(place);
        return false;
    }
    const uint64_t offset = stack_.constant(place).limb[0];
    const auto number = static_cast<uint32_t>(offset);
    if (opcode == op::MSTORE) {
        const Operand value = stack_.in_place(stack_.take());
        take_from(&value, 1);
        emit_to(Operation::MSTORE_K, scaled(value.place), number);
        return true;
    }
    if (opcode == op::KECCAK256) {
        const Operand size = stack_.take();
        if (!size.is_constant || !fits_u32(stack_.constant(size))) {
            stack_.push(size);
            stack_.push(place);
            return false;
        }
        emit(Operation::KECCAK256_K, scaled(stack_.yield()));
        out_.add_data(offset | stack_.constant(size).limb[0] << 32);
        return true;
    }
    const Operation operation = opcode == op::MLOAD ? Operation::MLOAD_K : Operation::CALLDATALOAD_K;
    emit_to(operation, scaled(stack_.yield()), number);
    return true;
}

void Translator::gas_left() noexcept {
    const int place = stack_.yield();
    gas_readers_[gas_reader_count_++] = {emit(Operation::GAS, scaled(place)), block_gas_};
    if (gas_reader_count_ == 16) {
        end_gas_block();
        begin_gas_block();
    }
}

// Calls and creations find their operands where the stack machine has them, because the frame they begin
// has its stack right above. Theirs is the last instruction of its basic block.
bool Translator::call(uint8_t opcode) noexcept {
    if (!materialize(nullptr, 0)) return false;
    const int height = stack_.height();
    emit(OPERATIONS[opcode], scaled(height - OPCODES[opcode].inputs), scaled(height));
    end_gas_block();
    go_on_behind();
    return true;
}

// It finds its operands where the stack machine has them. A gas block of its own begins with it, as it does where code
// that ran as it stands comes here (first_tier.cpp), and ends with it, as it sees the gas that is left.
bool Translator::added(uint8_t opcode, const AddedOpcode& traits) noexcept {
    if (!end_basic_block()) return false;
    go_on_behind();
    charge(traits.gas, traits.inputs, traits.outputs);
    emit(Operation::ADDED, scaled(-traits.inputs), 0, opcode);
    if (traits.outputs != traits.inputs) emit(Operation::FALL, scaled(traits.outputs - traits.inputs));
    end_gas_block();
    go_on_behind();
    return true;
}

// The end of the frame. Where the words are does not matter any more.
bool Translator::halt(uint8_t opcode) noexcept {
    work(opcode);
    end_gas_block();
    is_reached_ = false;
    return true;
}

}  // namespace blockstm::evm
