// Code into programs: one pass over the bytes; see program.hpp for what comes out and scope.hpp for how
// the stack is followed. Its time and memory are linear in the code's size, whatever the code is: anybody
// can deploy code that is nothing but JUMPDESTs or SWAP16s.

#include <new>

#include "evm/translator.hpp"

namespace blockstm::evm {
namespace {

constexpr uint64_t ROOM = 64;  // instructions that one opcode may take, besides settling the scope

}  // namespace

bool Translator::make_room() noexcept { return out_.reserve(out_.size() + ROOM); }

const Program* Translator::run() noexcept {
    targets_ = static_cast<uint32_t*>(std::calloc(size_ + 1, sizeof(uint32_t)));
    if (targets_ == nullptr || !out_.reserve(size_ + ROOM)) return nullptr;
    emit(Operation::BLOCK, 0, STACK_LIMIT);
    emit(Operation::BAD_JUMP);
    go_on_behind();
    for (uint64_t place = 0; place < size_; place += 1 + immediate_size(bytes_[place])) {
        if (!opcode_at(place)) return nullptr;
    }
    if (is_reached_ && !end_of_code()) return nullptr;
    resolve_jumps();
    return finish();
}

// Behind the code's last byte there are STOPs without end.
bool Translator::end_of_code() noexcept {
    if (code_.is_traced) {
        if (!end_scope()) return false;
        begin_scope(op::STOP, size_);
    }
    emit(Operation::STOP);
    end_segment();
    return true;
}

bool Translator::opcode_at(uint64_t place) noexcept {
    const uint8_t opcode = bytes_[place];
    const bool begins_scope = opcode == op::JUMPDEST || code_.is_traced || scope_.is_full();
    if (!is_reached_ && opcode != op::JUMPDEST) return true;
    if (!make_room()) return false;
    if (begins_scope) {
        if (is_reached_ && !end_scope()) return false;
        if (opcode == op::JUMPDEST) targets_[place] = static_cast<uint32_t>(out_.size());
        is_reached_ = true;
        begin_scope(opcode, place);
    }
    return translate(opcode, place);
}

bool Translator::translate(uint8_t opcode, uint64_t place) noexcept {
    const Opcode& traits = OPCODES[opcode];
    if (!traits.is_in(code_.fork)) return halt(op::INVALID);
    charge(opcode);
    switch (opcode) {
        case op::JUMPDEST: return true;
        case op::POP:
        case op::PC:
        case op::CODESIZE:
        case op::PUSH0 ... op::SWAP16: move_words(opcode, place); return true;
        case op::JUMP: return jump();
        case op::JUMPI: return jump_if();
        case op::GAS: gas_left(); return true;
        case op::CREATE:
        case op::CREATE2:
        case op::CALL:
        case op::CALLCODE:
        case op::DELEGATECALL:
        case op::STATICCALL: return call(opcode);
        case op::STOP:
        case op::RETURN:
        case op::REVERT:
        case op::INVALID:
        case op::SELFDESTRUCT: return halt(opcode);
        case op::SLOAD:
        case op::SSTORE:
        case op::BALANCE:
        case op::EXTCODESIZE:
        case op::EXTCODECOPY:
        case op::EXTCODEHASH:
            work(opcode);
            end_segment();
            begin_segment();
            return true;
        default: work(opcode); return true;
    }
}

// Distances to what is no JUMPDEST lead to BAD_JUMP, whose index the table has for them.
void Translator::resolve_jumps() noexcept {
    auto* program = reinterpret_cast<uint8_t*>(out_.data());
    for (const Jump& jump : jumps_) {
        const uint32_t target = jump.target < size_ ? targets_[jump.target] : BAD_JUMP_TARGET;
        const auto distance = static_cast<int32_t>(target - jump.from);
        std::memcpy(program + jump.byte_at, &distance, sizeof distance);
    }
}

const Program* Translator::finish() noexcept {
    const uint64_t instruction_bytes = out_.size() * sizeof(Instruction);
    const uint64_t target_bytes = jumps_anywhere_ ? size_ * sizeof(uint32_t) : 0;
    const uint64_t footprint = sizeof(Program) + instruction_bytes + target_bytes;
    auto* memory = static_cast<uint8_t*>(std::malloc(footprint));
    if (memory == nullptr) return nullptr;
    uint8_t* instructions = memory + sizeof(Program);
    uint8_t* targets = instructions + instruction_bytes;
    std::memcpy(instructions, out_.data(), instruction_bytes);
    if (target_bytes != 0) std::memcpy(targets, targets_, target_bytes);
    return new (memory) Program{reinterpret_cast<const Instruction*>(instructions),
                                jumps_anywhere_ ? reinterpret_cast<const uint32_t*>(targets) : nullptr,
                                size_, footprint};
}

// --- scopes and segments -------------------------------------------------------------------------

void Translator::begin_scope(uint8_t opcode, uint64_t place) noexcept {
    scope_.begin();
    if (code_.is_traced) {
        emit(Operation::BLOCK, 0, STACK_LIMIT);
        const auto low = static_cast<uint32_t>(place);
        emit(Operation::TRACE, opcode, static_cast<int16_t>(low & 0xffff), static_cast<int16_t>(low >> 16));
    }
    begin_segment();
}

void Translator::go_on_behind() noexcept {
    scope_.begin();
    begin_segment();
}

bool Translator::end_scope() noexcept {
    if (!settle(nullptr, 0)) return false;
    if (scope_.height() != 0) emit(Operation::FALL, scaled(scope_.height()));
    end_segment();
    return true;
}

bool Translator::settle(Held* kept, int kept_count) noexcept {
    return scope_.settle(kept, kept_count) && make_room();
}

void Translator::begin_segment() noexcept {
    block_ = emit(Operation::BLOCK);
    segment_gas_ = 0;
    need_ = 0;
    growth_ = scope_.height();
    gas_reader_count_ = 0;
}

// Now that all of the segment is known, its head can be written.
void Translator::end_segment() noexcept {
    Instruction& block = at(block_);
    const int room = STACK_LIMIT - growth_ - need_;
    const bool is_possible = need_ <= STACK_LIMIT && room >= 0;
    block.x = static_cast<int16_t>(is_possible ? need_ : UINT16_MAX);
    block.y = static_cast<int16_t>(is_possible ? room : 0);
    block.z = static_cast<int16_t>(segment_gas_);
    for (int index = 0; index < gas_reader_count_; ++index) {
        const auto& reader = gas_readers_[index];
        at(reader.instruction).y = static_cast<int16_t>(segment_gas_ - reader.charged);
    }
}

void Translator::charge(uint8_t opcode) noexcept {
    const Opcode& traits = OPCODES[opcode];
    const uint32_t cost = gas_.base[opcode];
    if (segment_gas_ + cost > UINT16_MAX) {
        end_segment();
        begin_segment();
    }
    segment_gas_ += cost;
    const int lowest = scope_.height() - traits.inputs;
    if (-lowest > need_) need_ = -lowest;
    if (lowest + traits.outputs > growth_) growth_ = lowest + traits.outputs;
}

// --- opcodes that move words ---------------------------------------------------------------------

void Translator::move_words(uint8_t opcode, uint64_t place) noexcept {
    if (opcode == op::POP) {
        scope_.drop();
    } else if (opcode == op::PC) {
        scope_.push(u256{place});
    } else if (opcode == op::CODESIZE) {
        scope_.push(u256{size_});
    } else if (opcode <= op::PUSH32) {
        const uint32_t size = immediate_size(opcode);
        const uint64_t there = size_ - place - 1;  // the code ends in zeros without end
        const uint64_t held = there < size ? there : size;
        scope_.push(shl(load_be(bytes_ + place + 1, held), 8 * (size - held)));
    } else if (opcode <= op::DUP16) {
        scope_.duplicate(opcode - op::DUP1 + 1);
    } else {
        scope_.exchange(opcode - op::SWAP1 + 1);
    }
}

// --- instructions --------------------------------------------------------------------------------

uint32_t Translator::emit(Operation operation, int x, int y, int z) noexcept {
    for (int index = 3; index > 0; --index) recent_[index] = recent_[index - 1];
    recent_[0] = static_cast<uint32_t>(out_.size());
    out_.push({static_cast<uint16_t>(operation), static_cast<int16_t>(x), static_cast<int16_t>(y),
               static_cast<int16_t>(z)});
    return recent_[0];
}

void Translator::forget_last() noexcept {
    out_.truncate(recent_[0]);
    for (int index = 0; index < 3; ++index) recent_[index] = recent_[index + 1];
}

void Translator::emit_data(uint64_t data) noexcept {
    Instruction instruction;
    std::memcpy(&instruction, &data, sizeof data);
    out_.push(instruction);
}

// An instruction whose operands are words, wherever they are.
void Translator::emit_operands(Operation operation, const Held* operands, int count, bool yields) noexcept {
    Held placed[OPERANDS_MAX];
    for (int index = 0; index < count; ++index) placed[index] = scope_.in_place(operands[index]);
    int16_t fields[OPERANDS_MAX + 1] = {};
    int field_count = 0;
    if (yields) {
        fields[field_count++] = yield_from(placed, count);
    } else {
        take_from(placed, count);
    }
    for (int index = 0; index < count; ++index) fields[field_count++] = scaled(placed[index].place);
    emit(operation, fields[0], fields[1], fields[2]);
    if (field_count <= 3) return;
    uint64_t more = 0;
    std::memcpy(&more, fields + 3, sizeof more);
    emit_data(more);
}

void Translator::emit_k64(Operation operation, Held left, uint64_t right) noexcept {
    const int16_t place = yield_from(&left, 1);
    emit(operation, place, scaled(left.place));
    emit_data(right);
}

void Translator::emit_k256(Operation operation, Held left, const u256& right) noexcept {
    const int16_t place = yield_from(&left, 1);
    emit(operation, place, scaled(left.place));
    for (const uint64_t limb : right.limb) emit_data(limb);
}

// The operands of the next instruction are read by it and then needed no more.
void Translator::take_from(const Held* operands, int count) noexcept {
    for (int index = 0; index < count; ++index) scope_.read(operands[index]);
    for (int index = 0; index < count; ++index) scope_.release(operands[index]);
}

// ... and there is a place for its result.
int16_t Translator::yield_from(const Held* operands, int count) noexcept {
    take_from(operands, count);
    return scaled(scope_.yield());
}

const Program* translate(const Code& code) noexcept {
    Translator translator(code);
    return translator.run();
}

void free_program(const Program* program) noexcept { std::free(const_cast<Program*>(program)); }

}  // namespace blockstm::evm
