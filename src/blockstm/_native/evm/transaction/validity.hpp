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

// Of a call what holds of a message without a signature: its fees (those that are zero stand beside any base fee unless
// it is validated), blobs and authorizations; then its gas, of which it may have more than a transaction or the block.
ValidationError check_call_form(const Transaction& transaction, const BlockEnv& block, bool is_validated) noexcept;
ValidationError check_call_gas(const Transaction& transaction, const BlockEnv& block,
                               const IntrinsicGas& gas) noexcept;

// Of a transaction that was paid for elsewhere: whether its block can hold it, and whether it comes to anything.
ValidationError check_block_gas(const Transaction& transaction, const BlockEnv& block) noexcept;
ValidationError check_prepaid_form(const Transaction& transaction, const BlockEnv& block,
                                   const IntrinsicGas& gas) noexcept;

// `nonce` is the sender's before it.
ValidationError check_nonce(const Transaction& transaction, uint64_t nonce) noexcept;

// Whether the sender can pay the most that it can cost; false where the run is over.
bool check_funds(Journal& journal, const Transaction& transaction, Account* sender, ValidationError& error) noexcept;

// In the state before it; false where the run is over. `error.reason` is None where it belongs.
bool check_sender(Machine& machine, const Transaction& transaction, Account* sender, ValidationError& error) noexcept;

}  // namespace blockstm::evm
