// The loop of the interpreter, included where it is instantiated: interpreter.cpp for machines that nobody
// watches, inspected.cpp for those that somebody does.
//
// One function with a label for each operation, because a jump from the end of each instruction straight
// to the next is what the processor predicts best. The labels stand in operations/, a file for each group,
// and say where operands come from; what the operations do with them stands in instructions/. The registers
// that matter are `ip` (the instruction), `base` (the word of the stack that places count from) and `gas`.
#pragma once

#include "evm/compile/first_tier.hpp"
#include "evm/compile/program.hpp"
#include "evm/run/inspector.hpp"
#include "evm/run/instructions/arithmetic.hpp"
#include "evm/run/instructions/bitwise.hpp"
#include "evm/run/instructions/chain.hpp"
#include "evm/run/instructions/environment.hpp"
#include "evm/run/instructions/log.hpp"
#include "evm/run/instructions/memory.hpp"
#include "evm/run/instructions/storage.hpp"
#include "evm/run/instructions/system.hpp"

#include <algorithm>

namespace blockstm::evm {
namespace {

// --- operands -------------------------------------------------------------------------------------

[[gnu::always_inline]] inline u256& word(u256* base, int16_t place) noexcept {
    return *reinterpret_cast<u256*>(reinterpret_cast<uint64_t*>(base) + place);
}

[[gnu::always_inline]] inline u256* moved(u256* base, int16_t places) noexcept { return &word(base, places); }

// The `index`-th eight bytes behind an instruction.
[[gnu::always_inline]] inline uint64_t behind(const Instruction* ip, int index = 1) noexcept {
    uint64_t data;
    std::memcpy(&data, ip + index, sizeof data);
    return data;
}

[[gnu::always_inline]] inline u256 constant(const Instruction* ip) noexcept {
    return {behind(ip, 1), behind(ip, 2), behind(ip, 3), behind(ip, 4)};
}

// So many of the lowest bytes of a word.
[[gnu::always_inline]] inline u256 lowest_bytes(uint64_t count) noexcept {
    alignas(64) static constexpr uint64_t ONES_THEN_ZEROS[8] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    u256 mask;
    const auto* from = reinterpret_cast<const uint8_t*>(ONES_THEN_ZEROS) + sizeof mask - count;
    std::memcpy(mask.limb, from, sizeof mask.limb);
    return mask;
}

// The 32 bits in `y` and `z`.
[[gnu::always_inline]] inline uint32_t number(const Instruction* ip) noexcept {
    uint32_t data;
    std::memcpy(&data, &ip->y, sizeof data);
    return data;
}

// What a PUSH carries that lies within the code.
[[gnu::always_inline]] inline u256 pushed(const uint8_t* push) noexcept {
    return load_be(push + 1, immediate_size(*push));
}

// A jump's distance and its constant.
[[gnu::always_inline]] inline int32_t distance(const Instruction* ip) noexcept {
    return static_cast<int32_t>(behind(ip));
}
[[gnu::always_inline]] inline u256 compared(const Instruction* ip) noexcept { return behind(ip) >> 32; }

[[gnu::always_inline]] inline uint16_t unsigned_of(int16_t field) noexcept { return static_cast<uint16_t>(field); }

// --- the way out ----------------------------------------------------------------------------------

template <bool INSPECTED>
Exit finish(Machine& machine, Frame& frame, Exit exit, int64_t gas) noexcept {
    frame.gas = gas;
    if constexpr (INSPECTED) {
        machine.inspector->end_step(machine, gas, exit == Exit::Failed ? machine.failure : Failure::None);
    }
    return exit;
}

// How code that runs as it stands has failed, had it been translated: that checks a gas block at once.
[[gnu::cold, gnu::noinline]] inline Failure failure_of_block(const Frame& frame, Failure failure) noexcept {
    const GasBlockNeeds needs = needs_of(*frame.code, frame.gas_block.at);
    if (frame.gas_block.height < needs.words) return Failure::StackUnderflow;
    if (frame.gas_block.height + needs.growth > STACK_LIMIT) return Failure::StackOverflow;
    return frame.gas_block.gas < needs.gas ? Failure::OutOfGas : failure;
}

// A JUMPDEST that cannot be paid for begins a gas block nevertheless: `gas` is what is left of it, less than none.
[[gnu::cold, gnu::noinline]] inline void begin_unpaid_block(Frame& frame, const uint8_t* opcode, int64_t gas,
                                                            int64_t height) noexcept {
    if (*opcode != op::JUMPDEST || opcode == frame.gas_block.at) return;
    const uint32_t cost = gas_table(frame.code->variant.fork).base[op::JUMPDEST];
    frame.gas_block = {opcode, gas + cost, height};
}

[[gnu::cold, gnu::noinline]] inline void count_run(Program& program, const Frame& frame,
                                                   const uint8_t* opcode) noexcept {
    program.add_run(static_cast<uint64_t>(opcode - frame.gas_block.at));
}

// `opcode`, and so many words on the stack: of code that runs as it stands.
template <bool INSPECTED>
[[gnu::cold, gnu::noinline]] Exit halted(Machine& machine, Frame& frame, int64_t gas, const uint8_t* opcode,
                                         int64_t height) noexcept {
    if (gas == OVER) return finish<INSPECTED>(machine, frame, Exit::Over, 0);
    if (machine.failure == Failure::None) machine.failure = Failure::OutOfGas;
    if (frame.gas_block.at != nullptr) {
        begin_unpaid_block(frame, opcode, gas, height);
        machine.failure = failure_of_block(frame, machine.failure);
    }
    machine.output.clear();
    return finish<INSPECTED>(machine, frame, Exit::Failed, 0);
}

// --- what the labels in operations/ are written in ------------------------------------------------

#define X word(base, ip->x)
#define Y word(base, ip->y)
#define Z word(base, ip->z)

#define NEXT(size)                        \
    do {                                  \
        ip += (size);                     \
        goto* labels[ip->operation];      \
    } while (false)

// A gas block begins: `ip` is at its BLOCK. Its need and its room are compared at once: what is below the
// need wraps to more than any room.
#define ENTER()                                                                                   \
    do {                                                                                          \
        const auto height = static_cast<uint32_t>(base - bottom);                                 \
        if (height - unsigned_of(ip->x) > unsigned_of(ip->y)) [[unlikely]] goto bad_stack;        \
        gas -= unsigned_of(ip->z);                                                                \
        if (gas < (POLLS ? machine.polled_below : 0)) [[unlikely]] goto poll;                     \
        NEXT(1);                                                                                  \
    } while (false)

// Where that is may have to be translated first, for which memory may run out.
#define GO_TO(where)                                  \
    do {                                              \
        ip = (where);                                 \
        if (ip == nullptr) [[unlikely]] goto no_room; \
        ENTER();                                      \
    } while (false)

#define CHARGED(expression)                   \
    do {                                      \
        gas = instructions::expression;       \
        if (gas < 0) [[unlikely]] goto halt;  \
    } while (false)

// On to the opcode so many bytes behind, in code that runs as it stands.
#define NEXT_OPCODE(bytes)                              \
    do {                                                \
        opcode += (bytes);                              \
        ip = opcodes + *opcode * OPCODE_INSTRUCTIONS;   \
        ENTER();                                        \
    } while (false)

#define BEGIN_GAS_BLOCK(where, left) frame.gas_block = {(where), (left), base - bottom}

// Code that runs as it stands has come straight from where its gas block began.
#define COUNT_RUN()                                                                                    \
    do {                                                                                               \
        if (opcode - frame.gas_block.at >= RUN_BYTES) [[unlikely]] count_run(*program, frame, opcode); \
    } while (false)

#define BINARY(name, function) \
    name:                      \
    X = instructions::function(Y, Z);        \
    NEXT(1)
#define BINARY_K64(name, function) \
    name:                          \
    X = instructions::function(Y, behind(ip));   \
    NEXT(2)
#define BINARY_K256(name, function) \
    name:                           \
    X = instructions::function(Y, constant(ip));  \
    NEXT(5)
// The constant, in z, was on top.
#define BINARY_K(name, function)                     \
    name:                                            \
    X = instructions::function(u256{unsigned_of(ip->z)}, Y);       \
    NEXT(1)
#define UNARY(name, function) \
    name:                     \
    X = instructions::function(Y);          \
    NEXT(1)
#define FIELD(name, value) \
    name:                  \
    X = (value);           \
    NEXT(1)
#define JUMP_WHERE(name, condition)       \
    name: {                               \
        const bool holds = (condition);   \
        base = moved(base, ip->x);        \
        if (holds) {                      \
            ip += distance(ip);           \
            ENTER();                      \
        }                                 \
        ip += 2;                          \
        ENTER();                          \
    }

// What an instruction has done, for the inspector.
#define TELL(event)                                         \
    do {                                                    \
        if constexpr (INSPECTED) machine.inspector->event;  \
    } while (false)

// The value may take the address's place.
#define OF_ACCOUNT(name, function)                                       \
    name: {                                                              \
        [[maybe_unused]] const u256 address = INSPECTED ? Y : u256{};    \
        CHARGED(function(machine, Y, X, gas));                           \
        TELL(account_read(to_address(address)));                         \
        ++ip;                                                            \
        ENTER();                                                         \
    }

#define LEAVE(exit)                                                    \
    do {                                                               \
        if (!INSPECTED && frame.gas_block.at != nullptr) COUNT_RUN();  \
        return finish<INSPECTED>(machine, frame, exit, gas);           \
    } while (false)

// --- the loop -------------------------------------------------------------------------------------

// `POLLS`: from time to time, between gas blocks, it asks whether the run still counts. `INSPECTED`: the
// machine has an inspector.
template <bool POLLS, bool INSPECTED>
[[gnu::noinline]] Exit run(Machine& machine) noexcept {
    static const void* const labels[] = {
#define OPCODE(value, name, inputs, outputs, fork) &&name,
        BLOCKSTM_OPCODES_OF_WORK(OPCODE)
#undef OPCODE
#define OPERATION(name) &&name,
            BLOCKSTM_OPERATIONS(OPERATION)
#undef OPERATION
    };

    Frame& frame = machine.frames.back();
    Program* const program = program_of(*frame.code);
    machine.failure = Failure::None;
    if (program == nullptr) return halted<INSPECTED>(machine, frame, no_memory(machine), frame.opcode, 0);
    find_input(machine, frame);

    u256* const bottom = frame.stack;
    u256* base = frame.top;
    int64_t gas = frame.gas;
    if constexpr (POLLS) machine.polled_below = std::max(gas - machine.until_poll, int64_t{0});
    const auto* ip = static_cast<const Instruction*>(frame.resume);

    [[maybe_unused]] const Instruction* const opcodes = program->opcodes();
    [[maybe_unused]] const uint8_t* opcode = frame.opcode;
    if (ip == nullptr) {
        // An inspector is told what one step after the other would have told.
        if (INSPECTED || program->is_hot()) GO_TO(program->begin());
        opcode = frame.code->bytes.data;
        BEGIN_GAS_BLOCK(opcode, gas);
        NEXT_OPCODE(0);
    }
    ENTER();

#include "evm/run/operations/arithmetic.inc"
#include "evm/run/operations/bitwise.inc"
#include "evm/run/operations/memory.inc"
#include "evm/run/operations/environment.inc"
#include "evm/run/operations/storage.inc"
#include "evm/run/operations/log.inc"
#include "evm/run/operations/flow.inc"
#include "evm/run/operations/first_tier.inc"
#include "evm/run/operations/system.inc"

PC:  // these four are constants or heads of basic blocks in programs
CODESIZE:
JUMPDEST:
INVALID:
    gas = fail(machine, Failure::InvalidOpcode);
    goto halt;
BAD_JUMP:
    gas = fail(machine, Failure::InvalidJump);
    goto halt;
bad_stack: {
    const bool is_short = base - bottom < unsigned_of(ip->x);
    gas = fail(machine, is_short ? Failure::StackUnderflow : Failure::StackOverflow);
    goto halt;
}
poll:  // at the beginning of a gas block that is paid for, or cannot be
    if (!POLLS || gas < 0) goto halt;
    if (!machine.poll()) {
        gas = OVER;
        goto halt;
    }
    machine.polled_below = std::max(gas - Machine::POLL_GAS, int64_t{0});
    NEXT(1);
no_room:
    gas = no_memory(machine);
halt:
    if (!INSPECTED && frame.gas_block.at != nullptr) COUNT_RUN();
    return halted<INSPECTED>(machine, frame, gas, opcode, base - bottom);
}

}  // namespace
}  // namespace blockstm::evm
