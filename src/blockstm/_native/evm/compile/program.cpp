// Programs grow: see program.hpp. What a chunk becomes is the translator's.

#include "evm/compile/program.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

#include "base/fork_locks.hpp"
#include "evm/compile/families.hpp"
#include "evm/compile/first_tier.hpp"
#include "evm/compile/translator.hpp"

namespace blockstm::evm {
namespace {

// A lock for each of many programs would make forks slow, which take them all.
ForkMutex& lock_of(const Program* program) noexcept {
    constexpr uint64_t COUNT = 64;
    struct Locks {
        ForkMutex each[COUNT];
    };
    // Never destroyed: workers may translate when the process ends.
    alignas(Locks) static unsigned char memory[sizeof(Locks)];
    static Locks* locks = new (memory) Locks();
    return locks->each[fold(reinterpret_cast<uintptr_t>(program), 0x9e3779b97f4a7c15) % COUNT];
}

}  // namespace

const Instruction BAD_JUMP_PROGRAM[2] = {
    {static_cast<uint16_t>(Operation::BLOCK), 0, STACK_LIMIT, 0},
    {static_cast<uint16_t>(Operation::BAD_JUMP), 0, 0, 0},
};

// --- beginning and end ----------------------------------------------------------------------------

Program::Program(const Code& code) noexcept : code_(code), opcodes_(opcode_programs(code.variant.fork)) {}

Program* Program::make(const Code& code, const Immutable* immutables, uint64_t count) noexcept {
    void* memory = code_memory().take(sizeof(Program));
    if (memory == nullptr) return nullptr;
    auto* program = new (memory) Program(code);
    keep_code(code);
    if (program->immutables_.append(immutables, count) && program->make_tables()) return program;
    release(program);
    return nullptr;
}

bool Program::make_tables() noexcept {
    const uint64_t bytes = table_bytes();
    targets_ = static_cast<PlaceTable*>(code_memory().take(bytes));
    if (targets_ == nullptr) return false;
    jumped_to_ = reinterpret_cast<Atomic<uint64_t>*>(targets_ + 2 * table_count());
    std::memset(static_cast<void*>(jumped_to_), 0, word_count() * sizeof *jumped_to_);
    rests_ = targets_ + table_count();
    for (uint64_t number = 0; number < 2 * table_count(); ++number) new (targets_ + number) PlaceTable();
    footprint_ = CodeMemory::size_of_block(sizeof(Program)) + CodeMemory::size_of_block(bytes);
    return true;
}

Program::~Program() {
    while (pieces_ != nullptr) {
        Piece* before = pieces_->before;
        code_memory().give_back(pieces_, Piece::bytes_of(pieces_->size));
        pieces_ = before;
    }
    const uint64_t count = targets_ == nullptr ? 0 : 2 * table_count();
    for (uint64_t number = 0; number < count; ++number) targets_[number].~PlaceTable();
    code_memory().give_back(targets_, table_bytes());
}

void Program::release(Program* program) noexcept {
    if (program == nullptr || program->references_.leave() != 1) return;
    forget_program(program);
    const Code& code = program->code_;
    program->~Program();
    code_memory().give_back(program, sizeof(Program));
    drop_code(code);
}

bool Program::hold_if_used() noexcept {
    uint64_t count = references_.peek();
    while (count != 0) {
        if (references_.try_replace(count, count + 1)) return true;
    }
    return false;
}

uint64_t Program::users() const noexcept { return references_.peek(); }

uint64_t Program::footprint() noexcept {
    const std::lock_guard<ForkMutex> guard(lock_of(this));
    uint64_t bytes = footprint_ + jumpdests_.bytes() + immutables_.size() * sizeof(Immutable);
    for (uint64_t number = 0; number < 2 * table_count(); ++number) bytes += targets_[number].bytes();
    return bytes;
}

// --- finding what is there, or translating it -----------------------------------------------------

const Instruction* Program::translate_begin() noexcept {
    const std::lock_guard<ForkMutex> guard(lock_of(this));
    const auto found = [&] { return begin_.read_plain(); };  // under the lock
    if (found() == nullptr && !translate(*this, 0)) return nullptr;
    return found();
}

const Instruction* Program::translate_target(uint64_t place) noexcept {
    const std::lock_guard<ForkMutex> guard(lock_of(this));
    if (const Instruction* known = known_target(place)) return known;
    if (!jumpdests_.has(code_.bytes, place)) return BAD_JUMP_PROGRAM;
    return translate(*this, place) ? known_target(place) : nullptr;
}

const Instruction* Program::translate_rest(uint64_t place) noexcept {
    const std::lock_guard<ForkMutex> guard(lock_of(this));
    if (const Instruction* known = known_rest(place)) return known;
    return translate(*this, place) ? known_rest(place) : nullptr;
}

bool Program::find_jumpdest(uint64_t place) noexcept {
    if (code_.bytes.data[place] != op::JUMPDEST) return false;
    if (Jumpdests::may_be_carried(code_.bytes, place)) {
        const std::lock_guard<ForkMutex> guard(lock_of(this));
        if (!jumpdests_.has(code_.bytes, place)) return false;
    }
    jumped_to_[place / 64].add_flags(uint64_t{1} << (place % 64));
    return true;
}

const Instruction* Program::remember(const Instruction* jump, const Instruction* found) noexcept {
    if (found == nullptr) return nullptr;
    const int64_t bytes = reinterpret_cast<intptr_t>(found) - reinterpret_cast<intptr_t>(jump);
    const int64_t distance = bytes / static_cast<int64_t>(sizeof(Instruction));
    // A worker that observes the way sees the chunk, which this one has observed. What is too far away is looked up.
    if (distance >= -DISTANCE_END && distance < DISTANCE_END) {
        publish_number(const_cast<uint32_t*>(way_of(jump)), static_cast<uint32_t>(distance) << 1 | 1);
    }
    return found;
}

// Null where what stands there is the same in all codes that share the program.
const Immutable* Program::immutable_at(uint64_t place) const noexcept {
    const Immutable* found = std::lower_bound(immutables_.begin(), immutables_.end(), place,
                                              [](const Immutable& each, uint64_t at) { return each.place < at; });
    return found != immutables_.end() && found->place == place ? found : nullptr;
}

// Code that becomes hot has jumped to most of its targets by then.
bool Program::make_room_for_targets(uint64_t number, uint64_t count) noexcept {
    PlaceTable& table = targets_[number];
    return table.is_empty() ? table.make_first(std::max(count, jumpdests_found(number))) : table.make_room(count);
}

uint64_t Program::jumpdests_found(uint64_t number) const noexcept {
    const uint64_t first = number * PlaceTable::PLACES / 64;
    const uint64_t end = std::min(word_count(), first + PlaceTable::PLACES / 64);
    uint64_t found = 0;
    for (uint64_t word = first; word < end; ++word) found += std::popcount(jumped_to_[word].peek());
    return found;
}

// Pieces grow with the program. What would fill more than half of one has one of its own. Chunks differ in length, so
// that what one of the last pieces has left is enough for another: the least that is.
Instruction* Program::take_room(uint32_t size) noexcept {
    Piece* found = nullptr;
    Piece* each = pieces_;
    for (int searched = 0; each != nullptr && searched < PIECES_SEARCHED; ++searched, each = each->before) {
        if (each->left() >= size && (found == nullptr || each->left() < found->left())) found = each;
    }
    if (found == nullptr) {
        const uint64_t grown = std::clamp(footprint_ / (PIECE_SHARE * sizeof(Instruction)), PIECE_MIN, PIECE_MAX);
        found = make_piece(2 * uint64_t{size} > grown ? size : grown);
        if (found == nullptr) return nullptr;
        found->before = pieces_;
        pieces_ = found;
    }
    Instruction* const room = found->instructions + found->used;
    found->used += size;
    return room;
}

// All of its block is the piece's.
Program::Piece* Program::make_piece(uint64_t size) noexcept {
    auto* piece = static_cast<Piece*>(code_memory().take(Piece::bytes_of(size)));
    if (piece == nullptr) return nullptr;
    const uint64_t room = CodeMemory::room_of_block(Piece::bytes_of(size)) - Piece::bytes_of(0);
    *piece = {nullptr, room / sizeof(Instruction), 0, 0};
    footprint_ += CodeMemory::size_of_block(Piece::bytes_of(size));
    return piece;
}

}  // namespace blockstm::evm
