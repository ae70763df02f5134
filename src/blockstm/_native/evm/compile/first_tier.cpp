// The first tier; see the header.
#include "evm/compile/first_tier.hpp"

#include <algorithm>
#include <mutex>
#include <new>

#include "base/atomics.hpp"
#include "base/fork_locks.hpp"
#include "evm/compile/operation_table.hpp"
#include "evm/compile/translator.hpp"
#include "evm/forks/gas.hpp"

namespace blockstm::evm {
namespace {

struct OpcodePrograms {
    Instruction instructions[256 * OPCODE_INSTRUCTIONS];
};

// Writes the program of one opcode.
class Writer {
public:
    Writer(Instruction* out, uint8_t opcode, Fork fork) noexcept
        : out_(out), opcode_(opcode), traits_(OPCODES[opcode]), gas_(gas_table(fork).base[opcode]) {}

    void block(int words, int growth, int gas) noexcept {
        const int room = STACK_LIMIT - words - std::max(growth, 0);
        add(Operation::BLOCK, words, room, gas);
    }
    void block() noexcept { block(traits_.inputs, traits_.outputs - traits_.inputs, gas_); }
    void add(Operation operation, int x = 0, int y = 0, int z = 0) noexcept {
        *out_++ = {static_cast<uint16_t>(operation), static_cast<int16_t>(x), static_cast<int16_t>(y),
                   static_cast<int16_t>(z)};
    }
    // What works on words, as the translator would have it with all operands in their places.
    void work() noexcept {
        int16_t fields[8] = {};
        uint32_t count = 0;
        if (traits_.outputs != 0) fields[count++] = place(-traits_.inputs);
        for (int index = 1; index <= traits_.inputs; ++index) fields[count++] = place(-index);
        add(OPERATIONS[opcode_], fields[0], fields[1], fields[2]);
        if (count <= 3) return;
        std::memcpy(static_cast<void*>(out_++), fields + 3, sizeof(Instruction));
    }
    void on(Operation operation) noexcept { add(operation, place(traits_.outputs - traits_.inputs)); }
    static int16_t place(int words) noexcept { return static_cast<int16_t>(words * WORD_SCALE); }

private:
    Instruction* out_;
    uint8_t opcode_;
    const Opcode& traits_;
    int gas_;
};

bool begins_frame(uint8_t opcode) noexcept {
    switch (opcode) {
        case op::CREATE:
        case op::CREATE2:
        case op::CALL:
        case op::CALLCODE:
        case op::DELEGATECALL:
        case op::STATICCALL: return true;
        default: return false;
    }
}

bool ends_frame(uint8_t opcode) noexcept {
    switch (opcode) {
        case op::STOP:
        case op::RETURN:
        case op::REVERT:
        case op::INVALID:
        case op::SELFDESTRUCT: return true;
        default: return false;
    }
}

bool touches_state(uint8_t opcode) noexcept {
    switch (opcode) {
        case op::SLOAD:
        case op::SSTORE:
        case op::BALANCE:
        case op::EXTCODESIZE:
        case op::EXTCODECOPY:
        case op::EXTCODEHASH: return true;
        default: return false;
    }
}

// Behind them a gas block ends.
bool ends_gas_block(uint8_t opcode) noexcept {
    return opcode == op::JUMP || opcode == op::JUMPI || begins_frame(opcode) || ends_frame(opcode) ||
           touches_state(opcode);
}

// Opcodes that look at the code, or move words.
Operation of_first_tier(uint8_t opcode) noexcept {
    switch (opcode) {
        case op::POP: return Operation::ON;
        case op::PUSH1: return Operation::ON_PUSH1;
        case op::PUSH2: return Operation::ON_PUSH2;
        case op::PUSH0:
        case op::PUSH3 ... op::PUSH32: return Operation::ON_PUSH;
        case op::DUP1 ... op::DUP16: return Operation::ON_DUP;
        case op::SWAP1 ... op::SWAP16: return Operation::ON_SWAP;
        case op::JUMP: return Operation::ON_JUMP;
        case op::JUMPI: return Operation::ON_JUMPI;
        case op::JUMPDEST: return Operation::ON_JUMPDEST;
        case op::PC: return Operation::ON_PC;
        case op::CODESIZE: return Operation::ON_CODESIZE;
        case op::DUPN:
        case op::SWAPN:
        case op::EXCHANGE: return Operation::ON_TRANSLATED;
        default: return Operation::BLOCK;  // none of them
    }
}

void write(Instruction* out, uint8_t opcode, Fork fork) noexcept {
    Writer writer(out, opcode, fork);
    if (opcode == op::INVALID) {
        writer.block(0, 0, 0);
        return writer.add(Operation::INVALID);
    }
    if (!OPCODES[opcode].is_in(fork)) {  // it may be one of the embedder's own
        writer.block(0, 0, 0);
        return writer.add(Operation::ON_TRANSLATED);
    }
    const Operation own = of_first_tier(opcode);
    if (own == Operation::ON_TRANSLATED) {
        writer.block(0, 0, 0);
        return writer.add(own);
    }
    writer.block();
    if (own == Operation::ON_SWAP) return writer.add(own, 0, Writer::place(-1), Writer::place(op::SWAP1 - opcode - 2));
    if (own == Operation::ON_DUP) return writer.add(own, 0, Writer::place(op::DUP1 - opcode - 1));
    if (own != Operation::BLOCK) return writer.on(own);
    if (begins_frame(opcode)) {
        writer.add(OPERATIONS[opcode], Writer::place(-OPCODES[opcode].inputs));
        writer.block(0, 0, 0);
        return writer.add(Operation::ON_BLOCK);  // with the frame's result on the stack
    }
    writer.work();
    if (touches_state(opcode)) writer.block(0, 0, 0);
    if (!ends_frame(opcode)) writer.on(touches_state(opcode) ? Operation::ON_BLOCK : Operation::ON);
}

}  // namespace

// Not by `std::call_once`: it has memory of each thread, and where there is none for it the process ends.
const Instruction* opcode_programs(Fork fork) noexcept {
    struct Written {
        Atomic<bool> is_there{false};
        ForkMutex lock;
    };
    struct All {
        Written of_fork[FORK_COUNT];
    };
    // Never destroyed: workers may meet code when the process ends. The programs of forks that nobody asks for are
    // never touched.
    alignas(All) static unsigned char memory[sizeof(All)];
    static All* const all = new (memory) All;
    static OpcodePrograms programs[FORK_COUNT];
    Written& written = all->of_fork[static_cast<int>(fork)];
    Instruction* const begin = programs[static_cast<int>(fork)].instructions;
    if (written.is_there.observe()) return begin;
    const std::lock_guard<ForkMutex> guard(written.lock);
    if (!written.is_there.read_plain()) {  // published under the lock
        for (int opcode = 0; opcode < 256; ++opcode) {
            write(begin + static_cast<uint64_t>(opcode) * OPCODE_INSTRUCTIONS, static_cast<uint8_t>(opcode), fork);
        }
        written.is_there.publish(true);
    }
    return begin;
}

// As the translator counts (Translator::charge), up to where it would end the gas block. Straight code of more than
// these words or opcodes it cuts, depending on where it began.
GasBlockNeeds needs_of(const Code& code, const uint8_t* begin) noexcept {
    const GasTable& gas = gas_table(code.variant.fork);
    const uint8_t* const end = code.bytes.data + code.bytes.size;
    GasBlockNeeds needs;
    int64_t height = 0;
    uint32_t count = 0;
    for (const uint8_t* at = begin; at < end; at += 1 + immediate_size(*at)) {
        if (++count > OPCODES_MAX || height > VirtualStack::REACH || height < -VirtualStack::REACH) break;
        const Opcode& traits = OPCODES[*at];
        if (!traits.is_in(code.variant.fork) || (*at == op::JUMPDEST && at != begin)) break;
        if (needs.gas + gas.base[*at] > UINT16_MAX) break;
        needs.gas += gas.base[*at];
        height -= traits.inputs;
        needs.words = std::max(needs.words, -height);
        height += traits.outputs;
        needs.growth = std::max(needs.growth, height);
        if (ends_gas_block(*at)) break;
    }
    return needs;
}

}  // namespace blockstm::evm
