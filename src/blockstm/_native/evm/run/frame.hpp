// A frame: one running call or creation; and what a frame asks of the machine.
//
// The interpreter runs the topmost frame until it ends or asks for a call or a creation; the machine
// (machine.hpp) pushes and pops frames on a stack of its own, so that 1024 nested calls take no
// native stack at all.
#pragma once

#include "base/bytes.hpp"
#include "evm/block.hpp"
#include "evm/compile/code.hpp"
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

inline constexpr int CALL_DEPTH_MAX = 1024;
inline constexpr int STACK_SIZE_MAX = 1024;

// Words that a machine's stack must have room for: those of all frames, and what the interpreter keeps
// for itself above the topmost.
inline constexpr uint64_t STACK_WORDS = uint64_t{CALL_DEPTH_MAX + 1} * STACK_SIZE_MAX + 2 * STACK_SIZE_MAX;

enum class CallKind : uint8_t { Call, CallCode, DelegateCall, StaticCall, Create, Create2 };

// How the interpreter came back.
enum class Exit : uint8_t {
    Done,     // STOP, RETURN, SELFDESTRUCT, the end of the code: `machine.output` has the output
    Reverted, // REVERT: likewise; gas is left
    Failed,   // an exceptional halt: all gas of the frame is gone (Yellow Paper 9.4.2)
    Call,     // `machine.request` asks for a call or a creation; the frame goes on afterwards
    Over,     // the run is over: `journal.fault()` says why; unwind at once
};

// Why a frame failed; for traces, errors and tests. Does not change what a block means.
enum class Failure : uint8_t {
    None, OutOfGas, StackUnderflow, StackOverflow, InvalidJump, InvalidOpcode, WriteProtection,
    OutOfBounds,  // of the return data
    InvalidCode,  // EIP-3541
    CodeTooLarge, InitcodeTooLarge, AddressCollision, NonceOverflow, InsufficientBalance,
    DepthExceeded, PrecompileFailure, Reverted,
};

// A call or a creation, its gas already charged to the caller.
struct Request {
    CallKind kind;
    int64_t gas;           // for the callee, stipend included
    Address target;        // whose storage and balance; of a creation: found by the machine
    Account* account;      // of `code_address`, or to be created, where it is at hand; used once, then null
    Address code_address;  // whose code runs, before following a delegation
    const Code* code;      // what runs, a delegation followed (EIP-7702); null for a creation
    u256 value;            // transferred (Call, Create), or only reported (CallCode, DelegateCall)
    u256 salt;             // Create2
    uint64_t input_offset, input_size;    // in the caller's memory; of a creation: the initcode
    uint64_t output_offset, output_size;  // in the caller's memory
    bool made_account;     // EIP-8037: the caller has paid for a new account, and gets that back if this fails
};

// Where a gas block of code that runs as it stands begins (compile/first_tier.hpp).
struct GasBlock {
    const uint8_t* at;  // its first opcode; null where translated code runs
    int64_t gas;        // left before it
    int64_t height;     // of the stack
};

struct Frame {
    const Code* code;
    const void* resume;     // the interpreter's own: where to go on,
    const uint8_t* opcode;  // the opcode there, where code runs as it stands,
    GasBlock gas_block;     // and the gas block that this belongs to
    int64_t gas;            // left
    u256* stack;            // bottom of this frame's stack
    u256* top;              // of a suspended frame: one past its highest element
    uint64_t memory_base;   // where its memory begins in the machine's memory
    uint64_t memory_size;   // in bytes, a multiple of 32
    Account* self;          // whose storage and balance
    Address address;        // of self
    Address caller;
    u256 value;
    Span input;             // call data; at a depth above 0 it lies in the caller's memory, which moves:
    uint64_t input_offset;  // its place in the machine's memory, from which `input.data` is found again
    Code* initcode;         // of a creation: `code`, which the frame owns; null otherwise
    CallKind kind;
    bool is_static;
    bool made_account;      // as in Request
    int depth;              // 0 for the transaction's own
    Checkpoint checkpoint;  // taken before its value was transferred
    uint64_t output_offset, output_size;  // where the caller wants the output
};

}  // namespace blockstm::evm
