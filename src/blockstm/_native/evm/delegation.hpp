// Accounts that run another account's code (EIP-7702). Used by transactions.
#pragma once

#include "evm/machine.hpp"

namespace blockstm::evm {

// Carries out a transaction's authorizations in order; one that is no good is passed over. Nothing that
// happens later in the transaction undoes them.
bool apply_authorizations(Machine& machine, const Transaction& transaction) noexcept;

// Where `code` is a delegation: the code it points to, whose account becomes warm. One step only.
bool follow_delegation(Machine& machine, const Code*& code) noexcept;

}  // namespace blockstm::evm
