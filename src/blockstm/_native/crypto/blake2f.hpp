// The compression function F of BLAKE2b (RFC 7693, section 3.2) with a number of rounds, the precompile at
// address 9 (EIP-152). Pure; any thread may call it.
#pragma once

#include <cstdint>

namespace blockstm {

// `state` is changed in place. `message` and `offset` (low word first) are words, not bytes.
void blake2f(uint32_t rounds, uint64_t state[8], const uint64_t message[16], const uint64_t offset[2],
             bool final_block) noexcept;

}  // namespace blockstm
