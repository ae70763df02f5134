// The form that code is translated into before it runs (translate.cpp) and that the interpreter runs.
//
// The stack machine's code becomes three-address code. Within a *scope* (a run of opcodes with one way
// in and one way on, that is, between jumps, JUMPDESTs and calls) the translator follows which word
// lies where, so PUSH, DUP, SWAP and POP vanish; an instruction names the stack places that it reads and
// writes. At the end of a scope every word lies where the stack machine would have it.
//
// A scope consists of *segments*. A BLOCK at the head of each checks the stack and charges the gas of all
// its opcodes at once. What looks at the gas left, or touches an account or a slot, ends its segment: a
// frame that runs out of gas has then touched exactly what a step-by-step machine would have touched.
//
// Programs are plain data, fixed once made, shared by all workers.
#pragma once

#include <cstdint>

#include "evm/opcodes.hpp"
#include "evm/u256.hpp"

namespace blockstm::evm {

// Eight bytes. `x`, `y`, `z` name words of the stack: their place, counted from the height that the stack
// had at the start of the scope, times WORD_SCALE. An instruction that yields a word writes `x`. Further
// operands stand in the eight bytes behind, four by four; so do constants and the distances of jumps.
struct Instruction {
    uint16_t operation;
    int16_t x, y, z;
};

static_assert(sizeof(Instruction) == 8);

// So that `base + 8 * x` is the address of a word: what an x86 addressing mode can do by itself.
inline constexpr int WORD_SCALE = sizeof(u256) / 8;

inline constexpr int STACK_LIMIT = 1024;  // words

// What there is besides the opcodes themselves. _K64: the last operand is a constant of 64 bits, in the
// next eight bytes; _K256: of 256 bits, in the next 32.
#define BLOCKSTM_OPERATIONS_WITH_CONSTANT(OPERATION) \
    OPERATION(ADD_K64) OPERATION(ADD_K256) OPERATION(MUL_K64) OPERATION(MUL_K256) \
    OPERATION(SUB_K64) OPERATION(SUB_FROM_K64) /* constant - word */ \
    OPERATION(DIV_K64) OPERATION(MOD_K64) \
    OPERATION(AND_K64) OPERATION(AND_K256) OPERATION(OR_K64) OPERATION(OR_K256) \
    OPERATION(XOR_K64) OPERATION(XOR_K256) OPERATION(EQ_K64) OPERATION(EQ_K256) \
    OPERATION(LT_K64) OPERATION(GT_K64) OPERATION(SLT_K64) OPERATION(SGT_K64) \
    OPERATION(SHL_K) OPERATION(SHR_K) OPERATION(SAR_K) /* z is the distance, below 256 */ \
    OPERATION(BYTE_K) OPERATION(SIGNEXTEND_K)          /* z is the index, below 32 */ \
    OPERATION(MLOAD_K) OPERATION(MSTORE_K)             /* y and z are the offset, 32 bits */ \
    OPERATION(CALLDATALOAD_K) \
    OPERATION(KECCAK256_K)                             /* offset and size follow, 32 bits each */

// Jumps to where the code says. x is by how much the stack's height changes in the scope. The distance
// follows, in instructions of eight bytes, counted from the jump; behind it, of the _K32, the constant.
#define BLOCKSTM_OPERATIONS_OF_FLOW(OPERATION) \
    OPERATION(BLOCK)     /* x: words that must be there; y: by how many there may be more; z: gas */ \
    OPERATION(FALL)      /* on to the next scope, which follows */ \
    OPERATION(GO)        /* y and z are the distance */ \
    OPERATION(BAD_JUMP)  /* where jumps lead that lead to no JUMPDEST */ \
    OPERATION(IF) OPERATION(IF_NOT) \
    OPERATION(IF_EQ) OPERATION(IF_NE) OPERATION(IF_EQ_K32) OPERATION(IF_NE_K32) \
    OPERATION(IF_LT) OPERATION(IF_GE) OPERATION(IF_LT_K32) OPERATION(IF_GE_K32) \
    OPERATION(IF_GT_K32) OPERATION(IF_LE_K32) \
    OPERATION(IF_SLT) OPERATION(IF_SGE)

#define BLOCKSTM_OPERATIONS_THAT_MOVE(OPERATION) \
    OPERATION(MOVE)    /* x = y */ \
    OPERATION(SET_K32) /* x = y and z, 32 bits */ \
    OPERATION(SET_K64) OPERATION(SET_K256) \
    OPERATION(TRACE)   /* x: the opcode; y and z: where it stands in the code */

#define BLOCKSTM_OPERATIONS(OPERATION) \
    BLOCKSTM_OPERATIONS_WITH_CONSTANT(OPERATION) \
    BLOCKSTM_OPERATIONS_OF_FLOW(OPERATION) \
    BLOCKSTM_OPERATIONS_THAT_MOVE(OPERATION)

enum class Operation : uint16_t {
#define OPCODE(value, name, inputs, outputs, fork) name,
    BLOCKSTM_OPCODES_OF_WORK(OPCODE)
#undef OPCODE
#define OPERATION(name) name,
    BLOCKSTM_OPERATIONS(OPERATION)
#undef OPERATION
};

struct Program {
    const Instruction* instructions;
    const uint32_t* targets;  // where a jump to a byte of the code goes on; null where all jumps are known
    uint64_t code_size;
    uint64_t footprint;  // bytes
};

// The first instructions of every program: where the targets that are no JUMPDEST lead, and the entry.
inline constexpr uint32_t BAD_JUMP_TARGET = 0;
inline constexpr uint32_t ENTRY = 2;

struct Code;

// Null where memory ran out. Free it with `free_program`.
const Program* translate(const Code& code) noexcept;
void free_program(const Program* program) noexcept;

}  // namespace blockstm::evm
