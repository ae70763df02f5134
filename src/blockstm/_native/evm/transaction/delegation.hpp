// Accounts that run another account's code (EIP-7702), and from Amsterdam on what that costs when it happens
// (EIP-2780, 8037). Used by transactions.
#pragma once

#include "evm/run/machine.hpp"

namespace blockstm::evm {

// Carries out a transaction's authorizations in order; one that is no good is passed over. No frame undoes
// them. `gas` is less than none afterwards where it did not suffice: the caller undoes them then.
bool apply_authorizations(Machine& machine, const Transaction& transaction, int64_t& gas) noexcept;

// Where `code` is a delegation: the code it points to, whose account becomes warm. One step only. `gas` as above.
bool follow_delegation(Machine& machine, const Code*& code, int64_t& gas) noexcept;

}  // namespace blockstm::evm
