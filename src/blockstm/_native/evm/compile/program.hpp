// The form that code is translated into before it runs, and that the interpreter runs.
//
// The stack machine's code becomes three-address code. Within a *basic block* (a run of opcodes with one way
// in and one way on: between jumps, JUMPDESTs and calls) the translator follows which word lies where,
// so PUSH, DUP, SWAP and POP vanish; an instruction names the stack places that it reads and writes. At
// the end of a basic block every word lies where the stack machine would have it.
//
// A basic block consists of *gas blocks*. A BLOCK at the head of each checks the stack and charges the gas of all
// its opcodes at once. What looks at the gas left, or touches an account or a slot, ends its gas block: a
// frame that runs out of gas has then touched exactly what a step-by-step machine would have touched.
//
// Code is translated *chunk* by chunk, when it is first reached: most of a contract never runs, and what
// runs pays for its translation in gas.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/atomics.hpp"
#include "base/fork_locks.hpp"
#include "base/u256/u256.hpp"
#include "evm/compile/code.hpp"
#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {

// Eight bytes. `x`, `y`, `z` name words of the stack: their place, counted from the height that the stack
// had at the start of the basic block, times WORD_SCALE. An instruction that yields a word writes `x`. Further
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

// Jumps to where the code says. x is by how much the stack's height changes in the basic block. The distance
// follows, in instructions of eight bytes, counted from the jump; behind it, of the _K32, the constant.
#define BLOCKSTM_OPERATIONS_OF_FLOW(OPERATION) \
    OPERATION(BLOCK)     /* x: words that must be there; y: by how many there may be more; z: gas */ \
    OPERATION(FALL)      /* on to the next basic block, which follows */ \
    OPERATION(GO)        /* y and z are the distance */ \
    OPERATION(GO_FAR)    /* y and z: the place of a JUMPDEST, perhaps not translated yet; behind it is \
                            room for where that went */ \
    OPERATION(GO_ON)     /* y and z: the place where the next chunk begins */ \
    OPERATION(BAD_JUMP) \
    OPERATION(IF) OPERATION(IF_NOT) \
    OPERATION(IF_EQ) OPERATION(IF_NE) OPERATION(IF_EQ_K32) OPERATION(IF_NE_K32) \
    OPERATION(IF_LT) OPERATION(IF_GE) OPERATION(IF_LT_K32) OPERATION(IF_GE_K32) \
    OPERATION(IF_GT_K32) OPERATION(IF_LE_K32) \
    OPERATION(IF_SLT) OPERATION(IF_SGE)

#define BLOCKSTM_OPERATIONS_THAT_MOVE(OPERATION) \
    OPERATION(MOVE)    /* x = y */ \
    OPERATION(SET_K32) /* x = y and z, 32 bits */ \
    OPERATION(SET_K64) OPERATION(SET_K256) \
    OPERATION(STEP)    /* x: the opcode; y and z: where it stands in the code */

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

// A jump to what is no JUMPDEST.
extern const Instruction BAD_JUMP_PROGRAM[2];

// The translated parts of a code; shared by all workers. Instructions never change once they are there, but
// for what a GO_FAR remembers. A worker that finds a part missing translates it under a lock and publishes
// where it begins, by a release that the acquire of every reader pairs with.
class Program {
public:
    static Program* make(const Code& code) noexcept;  // null where memory ran out
    static void free(const Program* program) noexcept;

    // Where to go on: at a JUMPDEST, or (not asking for one) behind the end of a chunk, which place 0 counts
    // as. Null where memory ran out.
    const Instruction* target(uint64_t place) noexcept {
        if (place >= size_) [[unlikely]] return BAD_JUMP_PROGRAM;
        const Instruction* found = targets_[place].observe();
        return found != nullptr ? found : translate_target(place);
    }
    const Instruction* rest(uint64_t place) noexcept {
        const Instruction* found = rests_[place / CHUNK_BYTES_MIN].observe();
        return found != nullptr ? found : translate_rest(place);
    }

    // Where a GO_FAR leads. It remembers that beside itself, so that jumps to constants need no table: every
    // worker that finds the target stores the same pointer. Null where memory ran out.
    const Instruction* far_target(const Instruction* jump, uint64_t place) noexcept {
        const auto known = reinterpret_cast<const Instruction* const*>(jump + 1);
        const Instruction* found = observe_pointer(known);
        return found != nullptr ? found : find_far_target(jump, place);
    }

    uint64_t footprint() noexcept;

private:
    friend class Translator;

    // A chunk that ends in the middle of nowhere is at least as long, so there is one such end per cell.
    static constexpr uint64_t CHUNK_BYTES_MIN = 128;

    // Memory of chunks, one behind the other.
    struct Arena {
        Arena* next;
        uint32_t size, used;  // instructions
        Instruction instructions[];
    };

    static constexpr uint32_t ARENA_SIZE_MIN = 128;   // instructions; each arena is twice the one before,
    static constexpr uint32_t ARENA_SIZE_MAX = 2048;  // up to this, or as large as its first chunk

    Program(const Code& code, uint8_t* memory) noexcept;
    const Instruction* translate_target(uint64_t place) noexcept;
    const Instruction* translate_rest(uint64_t place) noexcept;
    const Instruction* find_far_target(const Instruction* jump, uint64_t place) noexcept;
    bool is_jumpdest(uint64_t place) noexcept;
    Instruction* take_room(uint32_t size) noexcept;  // null where memory ran out

    const Code& code_;
    const uint64_t size_;
    Atomic<const Instruction*>* targets_;  // for each byte of the code
    Atomic<const Instruction*>* rests_;

    ForkMutex lock_;  // of what follows
    Arena* arenas_ = nullptr;  // the one with room first
    uint64_t footprint_ = 0;
    uint64_t analysed_ = 0;  // up to there it is known which bytes are JUMPDESTs
    uint64_t* jumpdests_;    // one bit each
};

}  // namespace blockstm::evm
