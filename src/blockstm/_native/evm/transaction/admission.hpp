// Whether a block has room for one more transaction: the gas and the blobs that those before it have left
// (Yellow Paper, section 6.2; EIP-4844; EIP-8037).
//
// Asked where transactions become final, in block order, and so exact whatever ran ahead. Pure functions of
// a step, its block and what is used so far; any thread.
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/step_list.hpp"
#include "evm/transaction/validation_error.hpp"

namespace blockstm::evm {

// What is wrong with the transaction of a step by itself.
ValidationError form_of(const Step& step, const BlockEnv& block) noexcept;

// Why the block has no room for the step; None where it has. What is wrong with a transaction by itself, see `form_of`,
// is to be told first: that will not be better in another block.
ValidationError check_room(const AskedBy& step, const BlockEnv& block, const blockstm_tally& tally) noexcept;

// Adds what a step used, which is in its output (execute.hpp).
void count_use(const AskedBy& step, const BlockEnv& block, Span output, blockstm_tally& tally) noexcept;

}  // namespace blockstm::evm
