// Jumps: see translator.hpp. A jump to a constant knows its way; a conditional one takes in the comparison
// right before it.

#include "evm/translator.hpp"

namespace blockstm::evm {

bool Translator::jump() noexcept {
    Held target = scope_.take();
    is_reached_ = false;
    if (target.is_constant) return go(scope_.constant(target));
    jumps_anywhere_ = true;
    if (!settle(&target, 1)) return false;
    emit(Operation::JUMP, scaled(scope_.height()), scaled(target.place));
    end_segment();
    return true;
}

bool Translator::go(const u256& target) noexcept {
    if (!settle(nullptr, 0)) return false;
    const uint32_t from = emit(Operation::GO, scaled(scope_.height()));
    end_segment();
    is_reached_ = false;
    return jumps_.push({from, from * 8 + 4, saturate(target)});
}

bool Translator::jump_if() noexcept {
    const Held target = scope_.take();
    const Held condition = scope_.take();
    if (target.is_constant) return jump_if_to(condition, scope_.constant(target));
    jumps_anywhere_ = true;
    Held kept[2] = {scope_.in_place(target), scope_.in_place(condition)};
    if (!settle(kept, 2)) return false;
    emit(Operation::JUMPI, scaled(scope_.height()), scaled(kept[0].place), scaled(kept[1].place));
    end_segment();
    go_on_behind();
    return true;
}

bool Translator::jump_if_to(Held condition, const u256& constant) noexcept {
    const u256 target = constant;
    if (condition.is_constant) {
        const bool holds = !scope_.constant(condition).is_zero();
        return holds ? go(target) : true;
    }
    Branch branch = branch_on(condition);
    if (!settle(branch.operands, branch.operand_count)) return false;
    const int second = branch.operand_count == 2 ? scaled(branch.operands[1].place) : 0;
    const uint32_t from =
        emit(branch.operation, scaled(scope_.height()), scaled(branch.operands[0].place), second);
    emit_data(uint64_t{branch.constant} << 32);
    end_segment();
    if (!jumps_.push({from, (from + 1) * 8, saturate(target)})) return false;
    go_on_behind();
    return true;
}

// The jump's condition, taken back to the words that are compared where nothing else needs the result.
Branch Translator::branch_on(Held condition) noexcept {
    bool is_negated = false;
    while (take_apart(condition, is_negated)) {
    }
    Branch branch;
    if (compare(condition, is_negated, branch)) return branch;
    branch.operation = is_negated ? Operation::IF_NOT : Operation::IF;
    branch.operands[0] = condition;
    return branch;
}

// An ISZERO right before the jump is dropped and the jump turned round.
bool Translator::take_apart(Held& condition, bool& is_negated) noexcept {
    const Instruction last = at(recent_[0]);
    if (static_cast<Operation>(last.operation) != Operation::ISZERO) return false;
    if (last.x != scaled(condition.place) || !scope_.is_held_once(condition)) return false;
    forget_last();
    scope_.release(condition);
    condition = scope_.hold(last.y / WORD_SCALE);
    is_negated = !is_negated;
    return true;
}

bool Translator::compare(Held condition, bool is_negated, Branch& branch) noexcept {
    const Instruction last = at(recent_[0]);
    if (last.x != scaled(condition.place) || !scope_.is_held_once(condition)) return false;
    const auto either = [&](Operation holds, Operation fails) {
        branch.operation = is_negated ? fails : holds;
        return true;
    };
    bool has_constant = false;
    bool is_turned = false;
    switch (static_cast<Operation>(last.operation)) {
        case Operation::LT: either(Operation::IF_LT, Operation::IF_GE); break;
        case Operation::GT: is_turned = either(Operation::IF_LT, Operation::IF_GE); break;
        case Operation::SLT: either(Operation::IF_SLT, Operation::IF_SGE); break;
        case Operation::SGT: is_turned = either(Operation::IF_SLT, Operation::IF_SGE); break;
        case Operation::EQ: either(Operation::IF_EQ, Operation::IF_NE); break;
        case Operation::XOR:
        case Operation::SUB: either(Operation::IF_NE, Operation::IF_EQ); break;
        case Operation::EQ_K64: has_constant = either(Operation::IF_EQ_K32, Operation::IF_NE_K32); break;
        case Operation::XOR_K64:
        case Operation::SUB_K64: has_constant = either(Operation::IF_NE_K32, Operation::IF_EQ_K32); break;
        case Operation::LT_K64: has_constant = either(Operation::IF_LT_K32, Operation::IF_GE_K32); break;
        case Operation::GT_K64: has_constant = either(Operation::IF_GT_K32, Operation::IF_LE_K32); break;
        default: return false;
    }
    if (has_constant) {
        uint64_t constant;
        std::memcpy(&constant, &at(recent_[0] + 1), sizeof constant);
        if (constant > UINT32_MAX) return false;
        branch.constant = static_cast<uint32_t>(constant);
    }
    forget_last();
    scope_.release(condition);
    branch.operands[0] = scope_.hold((is_turned ? last.z : last.y) / WORD_SCALE);
    if (has_constant) return true;
    branch.operands[1] = scope_.hold((is_turned ? last.y : last.z) / WORD_SCALE);
    branch.operand_count = 2;
    return true;
}

}  // namespace blockstm::evm
