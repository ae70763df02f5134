// Jumps: see translator.hpp. A jump to a constant knows its way; a conditional one takes in the comparison
// right before it.

#include <algorithm>

#include "evm/compile/translator.hpp"

namespace blockstm::evm {

bool Translator::jump() noexcept {
    Operand target = stack_.take();
    is_reached_ = false;
    if (target.is_constant) return go(stack_.constant(target));
    if (!materialize(&target, 1)) return false;
    emit(Operation::JUMP, scaled(stack_.height()), scaled(target.place));
    end_gas_block();
    return true;
}

bool Translator::go(const u256& constant) noexcept {
    const u256 target = follow_jumps(constant);
    if (!materialize(nullptr, 0)) return false;
    const uint32_t from = emit(Operation::GO, scaled(stack_.height()));
    end_gas_block();
    is_reached_ = false;
    return note_jump(from, target);
}

// Where a jump comes to in the end, if it leads to a JUMPDEST, a PUSH and a JUMP. These have a gas block of their own,
// so that what fails does so by the name that it would have, unless that at hand is no more than such a jump itself.
// Few at once: each jump that leads to one of them looks for the others.
u256 Translator::follow_jumps(u256 target) noexcept {
    uint64_t next = 0;
    for (int hops = 0; hops < HOPS_MAX && is_jump_at(target, next); ++hops) {
        if (hops == 0 && block_gas_ != jump_gas()) {
            end_gas_block();
            begin_gas_block();
        }
        charge(jump_gas(), 0, 1);
        opcode_count_ += 3;
        target = next;
    }
    return target;
}

// Whether a JUMPDEST stands there, and behind it a jump to `next`.
bool Translator::is_jump_at(const u256& target, uint64_t& next) noexcept {
    const uint64_t place = saturate(target);
    if (is_stepped_ || place >= size_ || size_ - place < 4 || bytes_[place] != op::JUMPDEST) return false;
    const uint8_t push = bytes_[place + 1];
    const uint64_t behind = place + 2 + immediate_size(push);
    if (push < op::PUSH1 || push > op::PUSH4 || behind >= size_ || bytes_[behind] != op::JUMP) return false;
    next = load_be(bytes_ + place + 2, immediate_size(push)).limb[0];
    return program_.jumpdests_.has(code_.bytes, place);
}

uint32_t Translator::jump_gas() const noexcept {
    return uint32_t{gas_.base[op::JUMPDEST]} + gas_.base[op::PUSH1] + gas_.base[op::JUMP];
}

bool Translator::jump_if() noexcept {
    const Operand target = stack_.take();
    const Operand condition = stack_.take();
    if (target.is_constant) return jump_if_to(condition, stack_.constant(target));
    Operand kept[2] = {stack_.in_place(target), stack_.in_place(condition)};
    if (!materialize(kept, 2)) return false;
    emit(Operation::JUMPI, scaled(stack_.height()), scaled(kept[0].place), scaled(kept[1].place));
    end_gas_block();
    go_on_behind();
    return true;
}

bool Translator::jump_if_to(Operand condition, const u256& constant) noexcept {
    const u256 target = constant;
    if (condition.is_constant) {
        const bool holds = !stack_.constant(condition).is_zero();
        return holds ? go(target) : true;
    }
    Branch branch = branch_on(condition);
    if (!materialize(branch.operands, branch.operand_count)) return false;
    const int second = branch.operand_count == 2 ? scaled(branch.operands[1].place) : 0;
    const uint32_t from =
        emit(branch.operation, scaled(stack_.height()), scaled(branch.operands[0].place), second);
    out_.add_data(uint64_t{branch.constant} << 32);
    end_gas_block();
    if (!note_jump(from, target)) return false;
    go_on_behind();
    return true;
}

// The jump's condition, taken back to the words that are compared where nothing else needs the result.
Branch Translator::branch_on(Operand condition) noexcept {
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
bool Translator::take_apart(Operand& condition, bool& is_negated) noexcept {
    const Instruction last = out_[recent_[0]];
    if (static_cast<Operation>(last.operation) != Operation::ISZERO) return false;
    if (last.x != scaled(condition.place) || !stack_.is_held_once(condition)) return false;
    forget_last();
    stack_.release(condition);
    condition = stack_.hold(last.y / WORD_SCALE);
    is_negated = !is_negated;
    return true;
}

bool Translator::compare(Operand condition, bool is_negated, Branch& branch) noexcept {
    const Instruction last = out_[recent_[0]];
    if (last.x != scaled(condition.place) || !stack_.is_held_once(condition)) return false;
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
        std::memcpy(&constant, &out_[recent_[0] + 1], sizeof constant);
        if (constant > UINT32_MAX) return false;
        branch.constant = static_cast<uint32_t>(constant);
    }
    forget_last();
    stack_.release(condition);
    branch.operands[0] = stack_.hold((is_turned ? last.z : last.y) / WORD_SCALE);
    if (has_constant) return true;
    branch.operands[1] = stack_.hold((is_turned ? last.y : last.z) / WORD_SCALE);
    branch.operand_count = 2;
    return true;
}

// --- where jumps lead -----------------------------------------------------------------------------

bool Translator::note_jump(uint32_t at, const u256& target) noexcept {
    const uint64_t place = saturate(target);
    const bool is_ahead = place > place_ && place < size_ && place - place_ <= AHEAD_BYTES_MAX;
    if (is_ahead && place > farthest_) farthest_ = place;
    return jumps_.push({at, static_cast<uint32_t>(std::min(place, PLACE_END)), 0});
}

// Conditional jumps that may have to look for their target first do so in a detour behind the chunk.
bool Translator::lead_out() noexcept {
    for (Jump& jump : jumps_) {
        if (is_go(jump.at) || find_landing(jump.target) != nullptr) continue;
        if (!make_room()) return false;
        jump.detour = emit(Operation::BLOCK, 0, STACK_LIMIT);
        emit_to(Operation::GO_FAR, 0, Program::way_to(jump.target));
    }
    return true;
}

// Writes how far each jump goes, now that the chunk is where it will stay.
void Translator::write_distances(Instruction* chunk) noexcept {
    for (const Jump& jump : jumps_) {
        Instruction* from = chunk + jump.at;
        const int64_t distance = distance_to(jump.target, chunk, from);
        const bool is_near = distance != 0 && distance == static_cast<int32_t>(distance);
        if (is_go(jump.at)) {
            if (!is_near) from->operation = static_cast<uint16_t>(Operation::GO_FAR);
            const uint32_t number = is_near ? static_cast<uint32_t>(distance) : Program::way_to(jump.target);
            std::memcpy(&from->y, &number, sizeof number);
        } else {
            const auto number = static_cast<uint32_t>(is_near ? distance : jump.detour - int64_t{jump.at});
            std::memcpy(static_cast<void*>(from + 1), &number, sizeof number);
        }
    }
}

bool Translator::is_go(uint32_t at) noexcept { return out_[at].operation == static_cast<uint16_t>(Operation::GO); }

// In instructions, from a jump to where the code at a place went; 0 where that is not known.
int64_t Translator::distance_to(uint32_t place, const Instruction* chunk, const Instruction* from) noexcept {
    const Instruction* to = nullptr;
    if (const Landing* landing = find_landing(place); landing != nullptr) {
        to = chunk + landing->at;
    } else if (place < size_) {
        to = program_.known_target(place);
    }
    if (to == nullptr) return 0;
    return (reinterpret_cast<intptr_t>(to) - reinterpret_cast<intptr_t>(from)) /
           static_cast<int64_t>(sizeof(Instruction));
}

// The chunk's own, which lie by ascending place.
const Landing* Translator::find_landing(uint32_t place) const noexcept {
    const Landing* found = std::lower_bound(landings_.begin(), landings_.end(), place,
                                            [](const Landing& each, uint32_t wanted) { return each.place < wanted; });
    return found != landings_.end() && found->place == place ? found : nullptr;
}

}  // namespace blockstm::evm
