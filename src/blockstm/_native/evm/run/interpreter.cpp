// The interpreter: runs the program of the topmost frame; program.hpp describes programs.
//
// One function with a label for each operation, because a jump from the end of each instruction straight
// to the next is what the processor predicts best. What the operations do stands in instructions/; here
// stands where their operands come from. The registers that matter are `ip` (the instruction), `base`
// (the word of the stack that places count from) and `gas`.

#include "evm/compile/program.hpp"
#include "evm/run/instructions/arithmetic.hpp"
#include "evm/run/instructions/bitwise.hpp"
#include "evm/run/instructions/environment.hpp"
#include "evm/run/instructions/log.hpp"
#include "evm/run/instructions/memory.hpp"
#include "evm/run/instructions/storage.hpp"
#include "evm/run/instructions/system.hpp"
#include "evm/run/trace.hpp"

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

// The 32 bits in `y` and `z`.
[[gnu::always_inline]] inline uint32_t number(const Instruction* ip) noexcept {
    uint32_t data;
    std::memcpy(&data, &ip->y, sizeof data);
    return data;
}

// A jump's distance and its constant.
[[gnu::always_inline]] inline int32_t distance(const Instruction* ip) noexcept {
    return static_cast<int32_t>(behind(ip));
}
[[gnu::always_inline]] inline u256 compared(const Instruction* ip) noexcept { return behind(ip) >> 32; }

[[gnu::always_inline]] inline uint16_t unsigned_of(int16_t field) noexcept { return static_cast<uint16_t>(field); }

// --- the way out ----------------------------------------------------------------------------------

Exit finish(Machine& machine, Frame& frame, Exit exit, int64_t gas) noexcept {
    frame.gas = gas;
    if (frame.code->is_traced) trace_end(machine, exit);
    return exit;
}

[[gnu::cold, gnu::noinline]] Exit halted(Machine& machine, Frame& frame, int64_t gas) noexcept {
    if (gas == OVER) return finish(machine, frame, Exit::Over, 0);
    if (machine.failure == Failure::None) machine.failure = Failure::OutOfGas;
    machine.output.clear();
    return finish(machine, frame, Exit::Failed, 0);
}

// `POLLS`: from time to time, between segments, it asks whether the run still counts.
template <bool POLLS>
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
    if (program == nullptr) return halted(machine, frame, no_memory(machine));
    find_input(machine, frame);

    u256* const bottom = frame.stack;
    u256* base = frame.top;
    int64_t gas = frame.gas;
    if constexpr (POLLS) machine.polled_below = std::max(gas - machine.until_poll, int64_t{0});
    const auto* ip = static_cast<const Instruction*>(frame.resume);

#define X word(base, ip->x)
#define Y word(base, ip->y)
#define Z word(base, ip->z)

#define NEXT(size)                        \
    do {                                  \
        ip += (size);                     \
        goto* labels[ip->operation];      \
    } while (false)

// A segment begins: `ip` is at its BLOCK. Its need and its room are compared at once: what is below the
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

    if (ip == nullptr) GO_TO(program->rest(0));
    ENTER();

    // --- arithmetic
    BINARY(ADD, add);
    BINARY_K64(ADD_K64, add);
    BINARY_K256(ADD_K256, add);
    BINARY(MUL, mul);
    BINARY_K64(MUL_K64, mul);
    BINARY_K256(MUL_K256, mul);
    BINARY(SUB, sub);
    BINARY_K64(SUB_K64, sub);
SUB_FROM_K64:
    X = instructions::sub(behind(ip), Y);
    NEXT(2);
    BINARY(DIV, div);
    BINARY_K64(DIV_K64, div);
    BINARY(SDIV, sdiv);
    BINARY(MOD, mod);
    BINARY_K64(MOD_K64, mod);
    BINARY(SMOD, smod);
ADDMOD:
    X = instructions::addmod(Y, Z, word(base, ip[1].operation));
    NEXT(2);
MULMOD:
    X = instructions::mulmod(Y, Z, word(base, ip[1].operation));
    NEXT(2);
EXP:
    CHARGED(exp(machine, Y, Z, X, gas));
    NEXT(1);
    BINARY(SIGNEXTEND, signextend);
    BINARY_K(SIGNEXTEND_K, signextend);

    // --- comparison and bits
    BINARY(LT, lt);
    BINARY_K64(LT_K64, lt);
    BINARY(GT, gt);
    BINARY_K64(GT_K64, gt);
    BINARY(SLT, slt);
    BINARY_K64(SLT_K64, slt);
    BINARY(SGT, sgt);
    BINARY_K64(SGT_K64, sgt);
    BINARY(EQ, eq);
    BINARY_K64(EQ_K64, eq);
    BINARY_K256(EQ_K256, eq);
    UNARY(ISZERO, iszero);
    BINARY(AND, bit_and);
    BINARY_K64(AND_K64, bit_and);
    BINARY_K256(AND_K256, bit_and);
    BINARY(OR, bit_or);
    BINARY_K64(OR_K64, bit_or);
    BINARY_K256(OR_K256, bit_or);
    BINARY(XOR, bit_xor);
    BINARY_K64(XOR_K64, bit_xor);
    BINARY_K256(XOR_K256, bit_xor);
    UNARY(NOT, bit_not);
    BINARY(BYTE, byte);
    BINARY_K(BYTE_K, byte);
    BINARY(SHL, shl);
    BINARY_K(SHL_K, shl);
    BINARY(SHR, shr);
    BINARY_K(SHR_K, shr);
    BINARY(SAR, sar);
    BINARY_K(SAR_K, sar);
    UNARY(CLZ, clz);

    // --- memory
MLOAD:
    CHARGED(mload(machine, saturate(Y), X, gas));
    NEXT(1);
MLOAD_K:
    CHARGED(mload(machine, number(ip), X, gas));
    NEXT(1);
MSTORE:
    CHARGED(mstore(machine, saturate(X), Y, gas));
    NEXT(1);
MSTORE_K:
    CHARGED(mstore(machine, number(ip), X, gas));
    NEXT(1);
MSTORE8:
    CHARGED(mstore8(machine, saturate(X), Y, gas));
    NEXT(1);
    FIELD(MSIZE, frame.memory_size);
MCOPY:
    CHARGED(mcopy(machine, X, Y, Z, gas));
    NEXT(1);
KECCAK256:
    CHARGED(keccak(machine, saturate(Y), saturate(Z), X, gas));
    NEXT(1);
KECCAK256_K:
    CHARGED(keccak(machine, static_cast<uint32_t>(behind(ip)), behind(ip) >> 32, X, gas));
    NEXT(2);

    // --- the frame
    FIELD(ADDRESS, from_address(frame.address));
    FIELD(CALLER, from_address(frame.caller));
    FIELD(CALLVALUE, frame.value);
    FIELD(CALLDATALOAD, instructions::calldataload(frame.input, saturate(Y)));
    FIELD(CALLDATALOAD_K, instructions::calldataload(frame.input, number(ip)));
    FIELD(CALLDATASIZE, frame.input.size);
CALLDATACOPY:
    CHARGED(copy(machine, frame.input, X, Y, Z, gas));
    NEXT(1);
CODECOPY:
    CHARGED(copy(machine, frame.code->bytes, X, Y, Z, gas));
    NEXT(1);
    FIELD(RETURNDATASIZE, machine.return_data.size());
RETURNDATACOPY:
    CHARGED(returndatacopy(machine, X, Y, Z, gas));
    NEXT(1);
    FIELD(GAS, static_cast<uint64_t>(gas) + unsigned_of(ip->y));
SELFBALANCE:
    CHARGED(selfbalance(machine, X, gas));
    NEXT(1);

    // --- the transaction and the block
    FIELD(ORIGIN, from_address(machine.transaction.origin));
    FIELD(GASPRICE, machine.transaction.gas_price);
    FIELD(BLOBHASH, instructions::blobhash(machine.transaction, Y));
BLOCKHASH:
    CHARGED(blockhash(machine, Y, X, gas));
    NEXT(1);
    FIELD(COINBASE, from_address(machine.block->coinbase));
    FIELD(TIMESTAMP, machine.block->timestamp);
    FIELD(NUMBER, machine.block->number);
    FIELD(PREVRANDAO, machine.block->fork >= Fork::Paris ? machine.block->prev_randao : machine.block->difficulty);
    FIELD(GASLIMIT, machine.block->gas_limit);
    FIELD(CHAINID, machine.block->chain_id);
    FIELD(BASEFEE, machine.block->base_fee);
    FIELD(BLOBBASEFEE, machine.block->blob_base_fee);
    FIELD(SLOTNUM, machine.block->slot_number);

    // --- accounts and storage; each is the last of its segment
BALANCE:
    CHARGED(balance(machine, Y, X, gas));
    ++ip;
    ENTER();
EXTCODESIZE:
    CHARGED(extcodesize(machine, Y, X, gas));
    ++ip;
    ENTER();
EXTCODEHASH:
    CHARGED(extcodehash(machine, Y, X, gas));
    ++ip;
    ENTER();
EXTCODECOPY:
    CHARGED(extcodecopy(machine, X, Y, Z, word(base, ip[1].operation), gas));
    ip += 2;
    ENTER();
SLOAD:
    CHARGED(sload(machine, Y, X, gas));
    ++ip;
    ENTER();
SSTORE:
    CHARGED(sstore(machine, X, Y, gas));
    ++ip;
    ENTER();
TLOAD:
    CHARGED(tload(machine, Y, X, gas));
    NEXT(1);
TSTORE:
    CHARGED(tstore(machine, X, Y, gas));
    NEXT(1);

    // --- logs
LOG0:
    CHARGED(log(machine, X, Y, nullptr, 0, gas));
    NEXT(1);
LOG1: {
    const Hash32 topics[] = {to_hash(Z)};
    CHARGED(log(machine, X, Y, topics, 1, gas));
    NEXT(1);
}
LOG2: {
    const Hash32 topics[] = {to_hash(Z), to_hash(word(base, ip[1].operation))};
    CHARGED(log(machine, X, Y, topics, 2, gas));
    NEXT(2);
}
LOG3: {
    const Hash32 topics[] = {to_hash(Z), to_hash(word(base, ip[1].operation)), to_hash(word(base, ip[1].x))};
    CHARGED(log(machine, X, Y, topics, 3, gas));
    NEXT(2);
}
LOG4: {
    const Hash32 topics[] = {to_hash(Z), to_hash(word(base, ip[1].operation)), to_hash(word(base, ip[1].x)),
                             to_hash(word(base, ip[1].y))};
    CHARGED(log(machine, X, Y, topics, 4, gas));
    NEXT(2);
}

    // --- flow
BLOCK:
    ENTER();
FALL:
    base = moved(base, ip->x);
    ++ip;
    ENTER();
GO:
    base = moved(base, ip->x);
    ip += static_cast<int32_t>(number(ip));
    ENTER();
GO_FAR:
    base = moved(base, ip->x);
    GO_TO(program->far_target(ip, number(ip)));
GO_ON:
    base = moved(base, ip->x);
    GO_TO(program->rest(number(ip)));
JUMP: {
    const uint64_t target = saturate(Y);
    base = moved(base, ip->x);
    GO_TO(program->target(target));
}
JUMPI: {
    const uint64_t target = saturate(Y);
    const bool holds = !Z.is_zero();
    base = moved(base, ip->x);
    if (holds) GO_TO(program->target(target));
    ++ip;
    ENTER();
}
    JUMP_WHERE(IF, !Y.is_zero());
    JUMP_WHERE(IF_NOT, Y.is_zero());
    JUMP_WHERE(IF_EQ, Y == Z);
    JUMP_WHERE(IF_NE, !(Y == Z));
    JUMP_WHERE(IF_EQ_K32, Y == compared(ip));
    JUMP_WHERE(IF_NE_K32, !(Y == compared(ip)));
    JUMP_WHERE(IF_LT, Y < Z);
    JUMP_WHERE(IF_GE, Y >= Z);
    JUMP_WHERE(IF_LT_K32, Y < compared(ip));
    JUMP_WHERE(IF_GE_K32, Y >= compared(ip));
    JUMP_WHERE(IF_GT_K32, Y > compared(ip));
    JUMP_WHERE(IF_LE_K32, Y <= compared(ip));
    JUMP_WHERE(IF_SLT, evm::slt(Y, Z));
    JUMP_WHERE(IF_SGE, !evm::slt(Y, Z));

    // --- words
    FIELD(MOVE, Y);
    FIELD(SET_K32, number(ip));
SET_K64:
    X = behind(ip);
    NEXT(2);
SET_K256:
    X = constant(ip);
    NEXT(5);
TRACE:
    trace_begin(machine, static_cast<uint8_t>(ip->x), number(ip), base, gas);
    NEXT(1);

    // --- calls and ends
CREATE:
    CHARGED(create(machine, CallKind::Create, moved(base, ip->y), gas));
    goto ask;
CREATE2:
    CHARGED(create(machine, CallKind::Create2, moved(base, ip->y), gas));
    goto ask;
CALL:
    CHARGED(call(machine, CallKind::Call, moved(base, ip->y), gas));
    goto ask;
CALLCODE:
    CHARGED(call(machine, CallKind::CallCode, moved(base, ip->y), gas));
    goto ask;
DELEGATECALL:
    CHARGED(call(machine, CallKind::DelegateCall, moved(base, ip->y), gas));
    goto ask;
STATICCALL:
    CHARGED(call(machine, CallKind::StaticCall, moved(base, ip->y), gas));
    goto ask;
ask:
    frame.top = moved(base, ip->x);
    frame.resume = ip + 1;
    return finish(machine, frame, Exit::Call, gas);
STOP:
    machine.output.clear();
    return finish(machine, frame, Exit::Done, gas);
RETURN:
    CHARGED(leave(machine, X, Y, gas));
    return finish(machine, frame, Exit::Done, gas);
REVERT:
    CHARGED(leave(machine, X, Y, gas));
    return finish(machine, frame, Exit::Reverted, gas);
SELFDESTRUCT:
    CHARGED(selfdestruct(machine, X, gas));
    machine.output.clear();
    return finish(machine, frame, Exit::Done, gas);

PC:  // these four are constants or heads of scopes in programs
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
poll:  // at the beginning of a segment that is paid for, or cannot be
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
    return halted(machine, frame, gas);
}

}  // namespace

// What ends soon by its gas need not ask.
Exit interpret(Machine& machine) noexcept {
    return machine.frames.back().gas > Machine::SOON_GAS ? run<true>(machine) : run<false>(machine);
}

}  // namespace blockstm::evm
