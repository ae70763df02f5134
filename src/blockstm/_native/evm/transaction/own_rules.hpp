// A chain's own rules at work: its functions on the state of a run, its fees.
#pragma once

#include "evm/own_rules.hpp"
#include "evm/run/machine.hpp"
#include "evm/transaction/validation_error.hpp"

namespace blockstm::evm {

// Runs a function that may change the state; false where the run is over.
bool run_own_function(Machine& machine, uint64_t function) noexcept;

// What the fees of a transaction come to, by the state before it.
struct OwnFees {
    u256 amounts[OWN_FEES_MAX];
    u256 total;
};

// Computes them, and checks that the sender can pay them beside all else; false where the run is over.
bool price_own_fees(Machine& machine, const Step& step, Account* sender, OwnFees& fees,
                    ValidationError& error) noexcept;

// Pays the recipients, and the sender what comes back; `gas_used` is what the base fee was paid for.
bool pay_own_fees(Machine& machine, const Step& step, Account* sender, const OwnFees& fees,
                  uint64_t gas_used) noexcept;

}  // namespace blockstm::evm
