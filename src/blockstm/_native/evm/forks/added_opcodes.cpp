// Sets of added opcodes; see added_opcodes.hpp.
#include "evm/forks/added_opcodes.hpp"

#include <mutex>

#include "base/atomics.hpp"
#include "base/fork_locks.hpp"

namespace blockstm::evm {
namespace {

constexpr uint16_t SETS_MAX = 255;

ForkMutex lock;  // of adding one
Atomic<uint16_t> set_count{0};
OpcodeSet sets[SETS_MAX];

bool are_same(const OpcodeSet& left, const OpcodeSet& right) noexcept {
    for (int opcode = 0; opcode < 256; ++opcode) {
        const AddedOpcode &one = left.opcodes[opcode], &other = right.opcodes[opcode];
        if (one.is_there != other.is_there) return false;
        if (one.gas != other.gas || one.inputs != other.inputs || one.outputs != other.outputs) return false;
    }
    return true;
}

}  // namespace

uint16_t number_of_set(const OpcodeSet& set) noexcept {
    const std::lock_guard<ForkMutex> guard(lock);
    const uint16_t count = set_count.read_plain();  // changes under the lock only
    for (uint16_t place = 0; place < count; ++place) {
        if (are_same(sets[place], set)) return static_cast<uint16_t>(place + 1);
    }
    if (count == SETS_MAX) return 0;
    sets[count] = set;
    set_count.publish(static_cast<uint16_t>(count + 1));
    return static_cast<uint16_t>(count + 1);
}

// A number is handed to the workers with the block, after the set was there.
const OpcodeSet* opcode_set(uint16_t number) noexcept { return number == 0 ? nullptr : &sets[number - 1]; }

}  // namespace blockstm::evm
