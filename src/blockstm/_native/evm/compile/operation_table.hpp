// The operation of each opcode that works on words.
#pragma once

#include "evm/compile/program.hpp"

namespace blockstm::evm {

// Opcodes that only move words have none.
inline constexpr struct OperationTable {
    Operation operations[256] = {};
    constexpr OperationTable() noexcept {
#define OPCODE(value, name, inputs, outputs, fork) operations[value] = Operation::name;
        BLOCKSTM_OPCODES_OF_WORK(OPCODE)
#undef OPCODE
    }
    constexpr Operation operator[](uint8_t opcode) const noexcept { return operations[opcode]; }
} OPERATIONS;

}  // namespace blockstm::evm
