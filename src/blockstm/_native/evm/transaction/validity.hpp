// Whether a transaction belongs in a block (Yellow Paper, section 6.2, equation 65; the EIPs of its types).
//
// What depends on the block's other transactions (the gas and the blobs it has left) is checked where
// transactions become final, and the signature where transactions are decoded.
#pragma once

#include "evm/run/machine.hpp"
#include "evm/transaction/fees.hpp"
#include "evm/transaction/validation_error.hpp"

namespace blockstm::evm {

// By itself and in its block, without looking at the state.
ValidationError check_form(const Transaction& transaction, const BlockEnv& block, const IntrinsicGas& gas) noexcept;

// In the state before it; false where the run is over. `error.reason` is None where it belongs.
bool check_sender(Machine& machine, const Transaction& transaction, Account* sender, ValidationError& error) noexcept;

}  // namespace blockstm::evm
