// Families of codes; see the header.
#include "evm/compile/families.hpp"

#include <algorithm>
#include <mutex>

#include "base/fork_locks.hpp"
#include "evm/compile/program.hpp"

namespace blockstm::evm {
namespace {

constexpr int WAYS = 2;
constexpr uint64_t SETS = 1024;
constexpr uint32_t IMMUTABLE_MIN = 20;    // bytes: an address
constexpr uint64_t IMMUTABLES_MAX = 128;  // of one program

struct Set {
    Program* programs[WAYS];  // the newest first
};

struct Families {
    ForkMutex lock;
    Set sets[SETS] = {};

    Set& of(const Code& code) noexcept {
        const auto fork = static_cast<uint64_t>(code.variant.fork);
        const uint64_t variant = fork << 1 | static_cast<uint64_t>(code.variant.tier);
        return sets[fold(code.bytes.size << 8 | variant, 0x9e3779b97f4a7c15) % SETS];
    }
};

Families& families() noexcept {
    alignas(Families) static unsigned char memory[sizeof(Families)];
    static Families* of_process = new (memory) Families();
    return *of_process;
}

// The first place from `at` on where two codes of a size differ; the size where none does.
uint64_t first_difference(Span left, Span right, uint64_t at) noexcept {
    constexpr uint64_t STRIDE = 256;
    while (at + STRIDE <= left.size && std::memcmp(left.data + at, right.data + at, STRIDE) == 0) at += STRIDE;
    while (at < left.size && left.data[at] == right.data[at]) ++at;
    return at;
}

// The PUSH whose bytes the place is among; false where it is none that may differ, or that takes long to find out.
bool find_immutable(Span code, uint64_t place, Immutable& found) noexcept {
    uint64_t start = 0;
    if (!Jumpdests::find_start(code, place, start) || start == place) return false;
    const uint32_t size = immediate_size(code.data[start]);
    found = {static_cast<uint32_t>(start), size};
    return size >= IMMUTABLE_MIN && found.end() <= code.size;
}

// Whether the code could run a program like this one: `added` are the PUSHes that would have to be immutables besides.
bool is_alike(const Code& code, const Program& program, Array<Immutable>& added) noexcept {
    const Span known = program.code().bytes;
    if (!(program.code().variant == code.variant) || known.size != code.bytes.size) return false;
    const Array<Immutable>& immutables = program.immutables();
    const Immutable* next = immutables.begin();
    added.clear();
    for (uint64_t at = first_difference(known, code.bytes, 0); at < known.size;) {
        while (next != immutables.end() && next->end() <= at) ++next;
        Immutable found;
        if (next != immutables.end() && next->begin() <= at) {
            found = *next;
        } else if (!find_immutable(known, at, found) || !added.push(found)) {
            return false;
        }
        at = first_difference(known, code.bytes, found.end());
    }
    return added.size() + immutables.size() <= IMMUTABLES_MAX;
}

// With references.
void take_candidates(const Code& code, Program* (&candidates)[WAYS]) noexcept {
    Families& all = families();
    const std::lock_guard<ForkMutex> guard(all.lock);
    const Set& set = all.of(code);
    for (int way = 0; way < WAYS; ++way) {
        Program* program = set.programs[way];
        candidates[way] = program != nullptr && program->hold_if_used() ? program : nullptr;
    }
}

void remember_program(Program* program) noexcept {
    Families& all = families();
    const std::lock_guard<ForkMutex> guard(all.lock);
    Set& set = all.of(program->code());
    std::copy_backward(set.programs, set.programs + WAYS - 1, set.programs + WAYS);
    set.programs[0] = program;
}

Program* make_program(const Code& code, const Array<Immutable>& immutables, uint32_t heat) noexcept {
    Program* made = Program::make(code, immutables.data(), immutables.size());
    if (made != nullptr) made->set_heat(heat);
    if (made != nullptr) remember_program(made);
    return made;
}

}  // namespace

Program* find_program(const Code& code) noexcept {
    Program* candidates[WAYS];
    take_candidates(code, candidates);
    Program* found = nullptr;
    uint32_t heat = 0;  // of one that it is like
    Array<Immutable> immutables, added;
    for (Program* candidate : candidates) {
        if (candidate == nullptr || found != nullptr || !is_alike(code, *candidate, added)) continue;
        if (added.empty()) {
            found = candidate;
        } else if (immutables.empty()) {
            const Array<Immutable>& known = candidate->immutables();
            if (!immutables.append(known.data(), known.size())) continue;
            if (!immutables.append(added.data(), added.size())) immutables.clear();
            heat = candidate->heat();
        }
    }
    for (Program* candidate : candidates) {
        if (candidate != found) Program::release(candidate);
    }
    if (found != nullptr) return found;
    std::sort(immutables.begin(), immutables.end(),
              [](const Immutable& left, const Immutable& right) { return left.place < right.place; });
    return make_program(code, immutables, heat);
}

void forget_program(const Program* program) noexcept {
    Families& all = families();
    const std::lock_guard<ForkMutex> guard(all.lock);
    for (Program*& each : all.of(program->code()).programs) {
        if (each == program) each = nullptr;
    }
}

}  // namespace blockstm::evm
