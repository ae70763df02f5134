// How calls begin, and how a caller goes on after one (Yellow Paper, section 8). Used by the machine's loop
// only.
#pragma once

#include "evm/run/machine.hpp"

namespace blockstm::evm {

// What a call or creation came to when it was asked for.
enum class Entry : uint8_t {
    Running,  // there is a frame to run
    Ended,    // there was nothing to run, or it may not be: see its result
    Over,     // the run is over
};

// Of `machine.request`, by the topmost frame.
Entry enter_call(Machine& machine, ExecutionResult& result) noexcept;
// Of a transaction, at depth 0.
Entry enter_first_call(Machine& machine, const Message& message, ExecutionResult& result) noexcept;

// The topmost frame goes on after its call: output, and one word on its stack.
void resume_after_call(Machine& machine, uint64_t output_offset, uint64_t output_size,
                       const ExecutionResult& result) noexcept;

// Room for the next frame, on top of all others and not yet one of them: its stack, memory and depth are set,
// the rest is zero. Null where the run is over. References to other frames are no good after it.
Frame* next_frame(Machine& machine) noexcept;
// The same, filled for what a transaction itself calls or creates, and the account that pays its value; null where
// the run is over.
Frame* first_frame(Machine& machine, const Message& message, Account*& payer) noexcept;
// Makes it the topmost.
Entry push_frame(Machine& machine, const Frame& next) noexcept;

// Moves `amount`, which `payer` can pay.
bool transfer(Machine& machine, Account* payer, Account* receiver, const u256& amount) noexcept;

// SELFDESTRUCT: `amount`, all that an account has, goes to the beneficiary; whether the account goes, too, is the
// fork's: from Cancun on only one that was created in this transaction does (EIP-6780). `is_first`: it goes, and has
// not been registered for that before.
bool leave_all(Machine& machine, Account* self, Account* beneficiary, const u256& amount, bool& is_first) noexcept;

// A call that came to nothing before it began: its gas goes back to the caller.
Entry refuse(Machine& machine, int64_t gas, Failure failure, ExecutionResult& result) noexcept;

// Frees what frames that will not run any further own.
void free_initcodes(Machine& machine) noexcept;

}  // namespace blockstm::evm
