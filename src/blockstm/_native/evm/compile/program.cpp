// Programs grow: see program.hpp. What a chunk becomes is the translator's.

#include "evm/compile/program.hpp"

#include <algorithm>
#include <new>

#include "evm/compile/translator.hpp"

namespace blockstm::evm {

const Instruction BAD_JUMP_PROGRAM[2] = {
    {static_cast<uint16_t>(Operation::BLOCK), 0, STACK_LIMIT, 0},
    {static_cast<uint16_t>(Operation::BAD_JUMP), 0, 0, 0},
};

Program* Program::make(const Code& code) noexcept {
    const uint64_t size = code.bytes.size;
    const uint64_t cells = size + size / CHUNK_BYTES_MIN + 1;
    const uint64_t bytes = sizeof(Program) + 8 * cells + 8 * (size / 64 + 1);
    // Zeros are null pointers, and of a large code most pages are never touched.
    auto* memory = static_cast<uint8_t*>(std::calloc(bytes, 1));
    if (memory == nullptr) return nullptr;
    auto* program = new (memory) Program(code, memory + sizeof(Program));
    program->footprint_ = bytes;
    return program;
}

Program::Program(const Code& code, uint8_t* memory) noexcept : code_(code), size_(code.bytes.size) {
    targets_ = reinterpret_cast<Atomic<const Instruction*>*>(memory);
    rests_ = targets_ + size_;
    jumpdests_ = reinterpret_cast<uint64_t*>(rests_ + size_ / CHUNK_BYTES_MIN + 1);
}

void Program::free(const Program* program) noexcept {
    if (program == nullptr) return;
    for (Arena* arena = program->arenas_; arena != nullptr;) {
        Arena* next = arena->next;
        std::free(arena);
        arena = next;
    }
    program->~Program();
    std::free(const_cast<Program*>(program));
}

uint64_t Program::footprint() noexcept {
    const std::lock_guard<ForkMutex> guard(lock_);
    return footprint_;
}

const Instruction* Program::translate_target(uint64_t place) noexcept {
    const std::lock_guard<ForkMutex> guard(lock_);
    if (!is_jumpdest(place)) return BAD_JUMP_PROGRAM;
    const auto found = [&] { return targets_[place].read_plain(); };  // under the lock
    if (found() == nullptr && !translate(*this, place)) return nullptr;
    return found();
}

const Instruction* Program::translate_rest(uint64_t place) noexcept {
    const std::lock_guard<ForkMutex> guard(lock_);
    const auto found = [&] { return rests_[place / CHUNK_BYTES_MIN].read_plain(); };
    if (found() == nullptr && !translate(*this, place)) return nullptr;
    return found();
}

const Instruction* Program::find_far_target(const Instruction* jump, uint64_t place) noexcept {
    const Instruction* found = target(place);
    auto known = const_cast<const Instruction**>(reinterpret_cast<const Instruction* const*>(jump + 1));
    // A worker that observes the pointer sees the chunk, which `target` has observed.
    if (found != nullptr) publish_pointer(known, found);
    return found;
}

Instruction* Program::take_room(uint32_t size) noexcept {
    if (arenas_ == nullptr || arenas_->size - arenas_->used < size) {
        const uint32_t usual = arenas_ == nullptr ? ARENA_SIZE_MIN : std::min(2 * arenas_->size, ARENA_SIZE_MAX);
        const uint32_t room = std::max(usual, size);
        const uint64_t bytes = sizeof(Arena) + uint64_t{room} * sizeof(Instruction);
        auto* arena = static_cast<Arena*>(std::malloc(bytes));
        if (arena == nullptr) return nullptr;
        *arena = {arenas_, room, 0};
        arenas_ = arena;
        footprint_ += bytes;
    }
    Instruction* taken = arenas_->instructions + arenas_->used;
    arenas_->used += size;
    return taken;
}

// Reads on from where it stopped last: what a PUSH carries is no JUMPDEST (Yellow Paper, section 9.4.3).
bool Program::is_jumpdest(uint64_t place) noexcept {
    const uint8_t* bytes = code_.bytes.data;
    uint64_t at = analysed_;
    while (at <= place) {
        const uint8_t opcode = bytes[at];
        if (opcode == op::JUMPDEST) jumpdests_[at / 64] |= uint64_t{1} << (at % 64);
        at += 1 + immediate_size(opcode);
    }
    analysed_ = at;
    return (jumpdests_[place / 64] >> (place % 64) & 1) != 0;
}

}  // namespace blockstm::evm
