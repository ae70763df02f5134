// Where straight reading of a code comes to, block by block: an instruction after the other, each as long as its opcode
// says. Code of which each byte may belong to a PUSH before it cannot be read otherwise, and one step waits for the
// byte that the step before it found. Where the processor has tables of 64 bytes in registers (AVX-512 VBMI) all
// beginnings within a block are followed at once, in six steps that double, and only from block to block one waits.
// Any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace blockstm::evm {

inline constexpr uint64_t STRIDE_BLOCK = 64;  // bytes of code

// Writes into `entries[first + 1]` to `entries[last]` where in a block of the code the first instruction begins, given
// `entries[first]`. All blocks before the last are whole.
void follow_instructions(Span code, uint8_t* entries, uint64_t first, uint64_t last) noexcept;

// The same one by one, as processors without such tables do.
void follow_instructions_plainly(Span code, uint8_t* entries, uint64_t first, uint64_t last) noexcept;

}  // namespace blockstm::evm
