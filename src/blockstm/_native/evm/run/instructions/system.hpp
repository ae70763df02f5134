// Calls, creations, and how frames end (Yellow Paper, appendix H.2, 0xf0 to 0xff, and section 8).
//
// A call or a creation is charged for here and described in `machine.request`; the machine carries it out.
// These are too long and too rare to be inlined: see system.cpp.
#pragma once

#include "evm/run/instructions/running.hpp"

namespace blockstm::evm::instructions {

// CALL (0xf1), CALLCODE (0xf2), DELEGATECALL (0xf4), STATICCALL (0xfa): `operands` points one past the
// topmost, which is the gas.
int64_t call(Machine& machine, CallKind kind, const u256* operands, int64_t gas) noexcept;

// CREATE (0xf0), CREATE2 (0xf5).
int64_t create(Machine& machine, CallKind kind, const u256* operands, int64_t gas) noexcept;

// RETURN (0xf3), REVERT (0xfd): the range of memory becomes the output.
int64_t leave(Machine& machine, const u256& offset, const u256& size, int64_t gas) noexcept;

// SELFDESTRUCT (0xff): all that the account has, which is `amount`, goes to the beneficiary.
int64_t selfdestruct(Machine& machine, const u256& beneficiary, u256& amount, int64_t gas) noexcept;

// An opcode of the embedder's own: `operands` points one past the topmost; `result` may be one of them.
int64_t added(Machine& machine, uint8_t opcode, const u256* operands, u256& result, int64_t gas) noexcept;

}  // namespace blockstm::evm::instructions
