// How contracts are created (Yellow Paper, section 7; EIPs 2, 161, 170, 684, 1014, 3541, 7610,
// 8037). Used by the machine's loop and by transactions.
#pragma once

#include "evm/run/calls.hpp"

namespace blockstm::evm {

// The address of what an account creates when it has this nonce.
Address creation_address(const Address& creator, uint64_t nonce) noexcept;
// EIP-1014.
Address creation_address(const Address& creator, const u256& salt, Span initcode) noexcept;

// EIP-8037: whether what the topmost frame asks for in `machine.request` makes an account where there was none.
// That is asked before its gas is shared out; a creation that will be refused makes none.
bool is_made_by_creation(Machine& machine, bool& made) noexcept;

// Of `machine.request`, by the topmost frame.
Entry enter_creation(Machine& machine, ExecutionResult& result) noexcept;
// Of a transaction, at depth 0: its sender's nonce has moved on already.
Entry enter_first_creation(Machine& machine, const Message& message, ExecutionResult& result) noexcept;

// The initcode has ended well: its output becomes the account's code, if it may. False: the run is over.
bool deposit_code(Machine& machine, const Frame& frame, ExecutionResult& result) noexcept;

// The topmost frame goes on after its creation.
void resume_after_creation(Machine& machine, const Address& created, const ExecutionResult& result) noexcept;

}  // namespace blockstm::evm
