// What ether leaves in the log when it moves (EIP-7708). Used by one machine, from Amsterdam on.
#pragma once

#include "evm/journal/journal.hpp"

namespace blockstm::evm {

struct TransferLog {
    static const Address ADDRESS;  // whose log it is: the system's
    Hash32 topics[3];
    Hash32 data;
};

// Nothing is logged of no ether.
TransferLog transfer_log(const Address& payer, const Address& receiver, const u256& amount) noexcept;

}  // namespace blockstm::evm
