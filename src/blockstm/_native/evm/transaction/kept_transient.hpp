// Transient storage that calls leave to each other, as if they were all one transaction.
#pragma once

#include "evm/journal/journal.hpp"

namespace blockstm::evm {

// Both are false where the run is over.
bool restore_transient(Journal& journal, const Bytes& kept) noexcept;
bool keep_transient(Journal& journal, Bytes& kept) noexcept;

}  // namespace blockstm::evm
