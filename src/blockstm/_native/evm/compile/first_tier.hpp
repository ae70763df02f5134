// The first tier: code that was just met runs as it stands, opcode by opcode. Most code of a block runs a few times,
// and translating it takes as long as running it ten times so.
//
// The interpreter is the same. For each opcode of a fork there is a short program that does what it does, on a stack
// whose top is where places count from, and ends in an instruction that goes on to the opcode behind (ON...). When a
// program has become hot, the next JUMPDEST goes on in its translation: there both have the same words in the
// same places.
//
// What a frame comes to is the same in both, but for one thing to be looked after: translated code checks a gas block
// at once, so where several things are wrong with one, the first that it finds is another. `failure_of_block` says what
// that is.
#pragma once

#include "evm/compile/program.hpp"

namespace blockstm::evm {

inline constexpr uint64_t OPCODE_INSTRUCTIONS = 8;  // room for one opcode's

// Those of opcode `n` begin at `n * OPCODE_INSTRUCTIONS`.
const Instruction* opcode_programs(Fork fork) noexcept;

// What a gas block must have, as a BLOCK would check it.
struct GasBlockNeeds {
    int64_t gas = 0;
    int64_t words = 0;   // that must be there
    int64_t growth = 0;  // by how many words there may be more
};
GasBlockNeeds needs_of(const Code& code, const uint8_t* at) noexcept;

}  // namespace blockstm::evm
