// The kinds of steps, and what they report. Called by execute_step only, on a machine that has begun.
//
// Each returns false where the run is over. A refusal is a result: nothing has been written then.
#pragma once

#include "evm/run/machine.hpp"
#include "evm/transaction/invalidity.hpp"

namespace blockstm::evm {

bool run_transaction(Machine& machine, const Transaction& transaction, Refusal& refusal) noexcept;  // transaction.cpp
bool run_block_start(Machine& machine, const Step& step) noexcept;                                   // system.cpp
bool run_block_end(Machine& machine, const Step& step, Refusal& refusal) noexcept;

}  // namespace blockstm::evm
