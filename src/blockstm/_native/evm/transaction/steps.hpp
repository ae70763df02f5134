// The kinds of steps, and what they report. Called by execute_step only, on a machine that has begun.
//
// Each returns false where the run is over. A validation error is a result: nothing has been written then.
#pragma once

#include "evm/run/machine.hpp"
#include "evm/transaction/validation_error.hpp"

namespace blockstm::evm {

// transaction.cpp
bool run_transaction(Machine& machine, const Transaction& transaction, ValidationError& error) noexcept;
// Without a signature, and unless it is validated without a nonce; where its fees are zero, whatever the base fee is.
bool run_call(Machine& machine, const Step& step, ValidationError& error) noexcept;
// A transaction that pays the fees of a chain's own rules, too.
bool run_charged(Machine& machine, const Step& step, ValidationError& error) noexcept;
// A transaction that was paid for elsewhere. It belongs in the block whatever it comes to: where it breaks a rule, it
// has failed, used all its gas, and its sender keeps what was minted.
bool run_prepaid(Machine& machine, const Step& step, ValidationError& error) noexcept;
// system.cpp
bool run_block_start(Machine& machine, const Step& step, ValidationError& error) noexcept;
bool run_block_end(Machine& machine, const Step& step, ValidationError& error) noexcept;
// overrides.cpp
bool run_overrides(Machine& machine, const Step& step) noexcept;

}  // namespace blockstm::evm
