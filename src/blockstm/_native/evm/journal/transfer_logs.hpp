// What ether leaves in the log when it moves (EIP-7708). Used by one machine, from Amsterdam on.
#pragma once

#include "evm/journal/journal.hpp"

namespace blockstm::evm {

// Nothing is logged of no ether. False where the run is over.
bool log_transfer(Journal& journal, const Address& payer, const Address& receiver, const u256& amount) noexcept;

}  // namespace blockstm::evm
