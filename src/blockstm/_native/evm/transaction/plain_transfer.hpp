// Transfers of ether to an account without code: nothing can run, so nothing can be undone, and each account is met
// once. Such a transaction goes straight to the view, without journal and frames.
//
// It asks and writes there what the general way (transaction.cpp) would, in the same order. Whatever is special in
// any respect, or goes wrong, is left to the general way, which then asks again and finds the same. Called by
// execute_step only.
#pragma once

#include "base/atomics.hpp"
#include "evm/block.hpp"
#include "evm/journal/shared_balance.hpp"

namespace blockstm::evm {

// 0: all transactions go the general way. Used by tests; results are the same.
inline Atomic<uint32_t> plain_transfers_apart{1};

// Whether it may be one, by its form alone.
bool may_be_plain_transfer(const Transaction& transaction, const BlockEnv& block) noexcept;

// Runs it. False: the general way has to, nothing was written. Otherwise `status` is what `execute` of a VM returns.
bool run_plain_transfer(const Transaction& transaction, const BlockEnv& block, blockstm_view* view,
                        SharedBalance& coinbase, int32_t& status) noexcept;

}  // namespace blockstm::evm
