// The entry point of the EVM: runs one step of a block on the view of one of the engine's workers.
//
// What it returns is what `execute` of a VM returns (vm_abi.h). What it leaves as the step's output, all
// numbers little-endian:
//
//   SUCCESS, a transaction     u8 succeeded; u8 Failure; u64 gas used (the receipt's); u64 gas before refunds
//                              (the block's from Amsterdam on, EIP-7778); u64 state gas (0 before Amsterdam,
//                              EIP-8037; not part of the one before it); u32 size of the return data; u32 size
//                              of the accesses; return data; accesses (accesses.hpp);
//                              u32 count, logs: 20 bytes address, u8 count, topics, u32 size, data
//                              of a call that creates: the new code in place of return data
//                              of a prepaid one: 4 more in the first byte, and behind the logs u64 nonce of the
//                              sender before it
//   SUCCESS, a block's end     u8 2; u8 count, of each list of requests u32 size and the list: withdrawals,
//                              consolidations, builders' deposits and exits (the latter from Amsterdam on,
//                              EIP-8282); accesses
//   SUCCESS, a block's start   nothing; where accesses are recorded, as a block's end without lists
//   INVALID                    u16 Violation; 32 bytes have; 32 bytes want
//   FAILED                     u8 kind: 1 the state has no code for this hash: 32 bytes; 2 the block came
//                              without the hash of this block: u64; 3 a library is not loaded; 4 a value in
//                              the state has a wrong size; 5 memory has run out; 6 the state gave another
//                              code for this hash: 32 bytes; 7 a function of the embedder's own left this
//                              error: u64; 8 an EVM by EVMC broke the interface, an EvmcFault: u64; 9 there is
//                              no more room for what is recorded
#pragma once

#include "blockstm/vm_abi.h"
#include "evm/run/machine.hpp"
#include "evm/transaction/validation_error.hpp"

namespace blockstm::evm {

inline constexpr uint64_t VALIDATION_ERROR_BYTES = 2 + 32 + 32;

// The output of an invalid step.
void encode_validation_error(const ValidationError& error, uint8_t out[VALIDATION_ERROR_BYTES]) noexcept;

// What a run comes to where memory has run out for what stands around it.
int32_t fail_for_memory(blockstm_view* view) noexcept;
// And where the room for recordings has.
int32_t fail_for_recording(blockstm_view* view) noexcept;

int32_t execute_step(Machine& machine, const BlockEnv& block, const Step& step, blockstm_view* view) noexcept;

}  // namespace blockstm::evm
