// What ether leaves in the log when it moves or is burnt (EIP-7708). Used by one machine, from Amsterdam on.
#pragma once

#include "evm/world.hpp"

namespace blockstm::evm {

// Nothing is logged of no ether. False where the run is over.
bool log_transfer(World& world, const Address& payer, const Address& receiver, const u256& amount) noexcept;
bool log_burn(World& world, const Address& account, const u256& amount) noexcept;

// Of what is deleted with ether left, by ascending address; at the end of a transaction.
bool log_burnt_balances(World& world) noexcept;

}  // namespace blockstm::evm
