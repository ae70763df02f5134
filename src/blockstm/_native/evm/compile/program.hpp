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

#include <algorithm>
#include <cstdint>

#include "base/atomics.hpp"
#include "base/u256/u256.hpp"
#include "evm/compile/code.hpp"
#include "evm/compile/jumpdests.hpp"
#include "evm/compile/place_table.hpp"
#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {

// Eight bytes. `x`, `y`, `z` name words of the stack: their place, counted from the height that the stack
// had at the start of the basic block, times WORD_SCALE. An instruction that yields a word writes `x`. Further
// operands stand in the eight bytes behind, four by four; so do constants and the distances of jumps.
struct alignas(8) Instruction {
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
    OPERATION(ADD_K16) OPERATION(AND_K16) /* z is the constant */ \
    OPERATION(AND_BYTES)                  /* z: how many of the lowest bytes stay */ \
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
    OPERATION(GO_FAR)    /* y and z: the place of a JUMPDEST, perhaps not translated yet, or the way there */ \
    OPERATION(GO_ON)     /* y and z: the place where the next chunk begins, or the way there */ \
    OPERATION(BAD_JUMP) \
    OPERATION(ADDED)     /* x: where its result goes; y: one past its topmost operand; z: the opcode */ \
    OPERATION(IF) OPERATION(IF_NOT) \
    OPERATION(IF_EQ) OPERATION(IF_NE) OPERATION(IF_EQ_K32) OPERATION(IF_NE_K32) \
    OPERATION(IF_LT) OPERATION(IF_GE) OPERATION(IF_LT_K32) OPERATION(IF_GE_K32) \
    OPERATION(IF_GT_K32) OPERATION(IF_LE_K32) \
    OPERATION(IF_SLT) OPERATION(IF_SGE)

#define BLOCKSTM_OPERATIONS_THAT_MOVE(OPERATION) \
    OPERATION(MOVE)    /* x = y */ \
    OPERATION(SET_K32) /* x = y and z, 32 bits */ \
    OPERATION(SET_TOP_K32) /* ... in its upper bits: a selector */ \
    OPERATION(SET_K64) OPERATION(SET_K256) \
    OPERATION(SET_IMMUTABLE) /* x = what a PUSH of the running code carries; y and z: where that stands */ \
    OPERATION(STEP)    /* x: the opcode; y and z: where it stands in the code */

// Of code that runs as it stands (first_tier.hpp): each goes on to the opcode behind, with the stack's top moved by x.
#define BLOCKSTM_OPERATIONS_OF_FIRST_TIER(OPERATION) \
    OPERATION(ON) \
    OPERATION(ON_BLOCK) /* a gas block begins there */ \
    OPERATION(ON_PUSH) OPERATION(ON_PUSH1) OPERATION(ON_PUSH2) \
    OPERATION(ON_DUP)   /* y */ \
    OPERATION(ON_SWAP)  /* y and z */ \
    OPERATION(ON_JUMP) OPERATION(ON_JUMPI) OPERATION(ON_JUMPDEST) \
    OPERATION(ON_PC) OPERATION(ON_CODESIZE) \
    OPERATION(ON_TRANSLATED) /* this one only the translator knows */

#define BLOCKSTM_OPERATIONS(OPERATION) \
    BLOCKSTM_OPERATIONS_WITH_CONSTANT(OPERATION) \
    BLOCKSTM_OPERATIONS_OF_FLOW(OPERATION) \
    BLOCKSTM_OPERATIONS_THAT_MOVE(OPERATION) \
    BLOCKSTM_OPERATIONS_OF_FIRST_TIER(OPERATION)

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

// How often a program is entered or comes to a JUMPDEST before it is worth translating: 0 and it is from the beginning,
// UINT32_MAX and it never is. No result depends on it. Any thread; a setting: any moment's will do.
// Each RUN_BYTES of straight code count as much, up to RUN_HEAT_MAX: to translate it costs what some ten runs of it do.
inline constexpr uint32_t HOT_AFTER = 1024;
inline constexpr int64_t RUN_BYTES = 64;
inline constexpr uint64_t RUN_HEAT_MAX = 64;
inline Atomic<uint32_t> hot_after{HOT_AFTER};

// Bytes of a code that differ between the codes that share a program: what one PUSH carries.
struct Immutable {
    uint32_t place;  // of the PUSH
    uint32_t size;   // of what it carries

    uint64_t begin() const noexcept { return uint64_t{place} + 1; }
    uint64_t end() const noexcept { return begin() + size; }
};

// The translated parts of a code, or of several that differ in immutables only; shared by all workers. Instructions
// never change once they are there, but for what jumps remember. A worker that finds a part missing translates
// it under a lock and publishes where it begins, by a release that the acquire of every reader pairs with.
//
// References are counted: each code that runs it has one. It keeps the code that it was made for.
class Program {
public:
    // With a reference; null where memory ran out.
    static Program* make(const Code& code, const Immutable* immutables, uint64_t count) noexcept;
    static void release(Program* program) noexcept;  // null is fine
    bool hold_if_used() noexcept;                    // false where it is on its way out

    // Whether it is worth translating by now; the code begins, or comes to a JUMPDEST. Counts are not exact
    // where workers share it: it may become hot a little later.
    bool is_hot() noexcept {
        const uint32_t heat = heat_.peek();
        if (heat >= hot_after.peek()) [[likely]] return true;
        heat_.suggest(heat + 1);
        return false;
    }
    // So many bytes of straight code have run.
    void add_run(uint64_t bytes) noexcept {
        const uint64_t heat = heat_.peek() + std::min(bytes / RUN_BYTES, RUN_HEAT_MAX);
        heat_.suggest(static_cast<uint32_t>(std::min(heat, uint64_t{UINT32_MAX} - 1)));
    }
    uint32_t heat() const noexcept { return heat_.peek(); }
    void set_heat(uint32_t heat) noexcept { heat_.suggest(heat); }
    // What runs opcodes as they stand.
    const Instruction* opcodes() const noexcept { return opcodes_; }
    // Whether a jump may lead there. What was found to be a JUMPDEST is remembered, one bit each.
    bool has_jumpdest(uint64_t place) noexcept {
        if (place >= code_.bytes.size) [[unlikely]] return false;
        // A fact about bytes that never change.
        if (jumped_to_[place / 64].peek() >> (place % 64) & 1) [[likely]] return true;
        return find_jumpdest(place);
    }

    // Where the code begins. Null where memory ran out, as from all that follow.
    const Instruction* begin() noexcept {
        const Instruction* found = begin_.observe();
        return found != nullptr ? found : translate_begin();
    }

    // Where to go on at what should be a JUMPDEST.
    const Instruction* target(uint64_t place) noexcept {
        if (place >= code_.bytes.size) [[unlikely]] return BAD_JUMP_PROGRAM;
        const Instruction* found = targets_[place >> PlaceTable::PLACE_BITS].find(place % PlaceTable::PLACES);
        return found != nullptr ? found : translate_target(place);
    }

    // Where a GO_FAR leads. It remembers that in place of the place, so that jumps to constants need no table: every
    // worker that finds the target stores the same way.
    const Instruction* far_target(const Instruction* jump) noexcept {
        const uint32_t way = observe_number(way_of(jump));
        return is_known(way) ? jump + distance_of(way) : remember(jump, target(place_of(way)));
    }
    // Where to go on at an opcode that is no JUMPDEST.
    const Instruction* middle(uint64_t place) noexcept {
        if (place == 0) return begin();
        const Instruction* found = known_rest(place);
        return found != nullptr ? found : translate_rest(place);
    }
    // Where a GO_ON leads: on behind the end of a chunk. It remembers that likewise.
    const Instruction* rest(const Instruction* jump) noexcept {
        const uint32_t way = observe_number(way_of(jump));
        return is_known(way) ? jump + distance_of(way) : remember(jump, middle(place_of(way)));
    }

    const Code& code() const noexcept { return code_; }
    const Array<Immutable>& immutables() const noexcept { return immutables_; }
    uint64_t footprint() noexcept;    // bytes, the kept code not included
    uint64_t users() const noexcept;  // codes that run it, at this moment

private:
    friend class Translator;

    // Memory of chunks, one after the other.
    struct Piece {
        Piece* before;
        uint64_t size;  // instructions
        uint64_t used;
        uint64_t unused;  // keeps what follows aligned
        Instruction instructions[];

        uint64_t left() const noexcept { return size - used; }
        static uint64_t bytes_of(uint64_t size) noexcept { return sizeof(Piece) + size * sizeof(Instruction); }
    };
    static constexpr uint64_t PIECE_MIN = 60;  // instructions, so that with its head it fills a block
    static constexpr uint64_t PIECE_MAX = 508;
    static constexpr uint64_t PIECE_SHARE = 8;  // a piece may be this part of the program
    static constexpr int PIECES_SEARCHED = 16;

    explicit Program(const Code& code) noexcept;
    ~Program();
    bool make_tables() noexcept;
    uint64_t table_bytes() const noexcept {
        return 2 * table_count() * sizeof(PlaceTable) + word_count() * sizeof(uint64_t);
    }
    uint64_t word_count() const noexcept { return code_.bytes.size / 64 + 1; }
    uint64_t table_count() const noexcept { return code_.bytes.size / PlaceTable::PLACES + 1; }

    // What y and z of a GO_FAR or GO_ON hold: a place, or once that is known the distance from there, in instructions.
    static constexpr int64_t DISTANCE_END = int64_t{1} << 30;
    static const uint32_t* way_of(const Instruction* jump) noexcept {
        return reinterpret_cast<const uint32_t*>(&jump->y);
    }
    static uint32_t way_to(uint32_t place) noexcept { return place << 1; }
    static bool is_known(uint32_t way) noexcept { return (way & 1) != 0; }
    static uint32_t place_of(uint32_t way) noexcept { return way >> 1; }
    static int32_t distance_of(uint32_t way) noexcept { return static_cast<int32_t>(way) >> 1; }
    static const Instruction* remember(const Instruction* jump, const Instruction* found) noexcept;

    bool find_jumpdest(uint64_t place) noexcept;
    const Instruction* translate_begin() noexcept;
    const Instruction* translate_target(uint64_t place) noexcept;
    const Instruction* translate_rest(uint64_t place) noexcept;
    Instruction* take_room(uint32_t size) noexcept;  // null where memory ran out
    Piece* make_piece(uint64_t size) noexcept;       // likewise
    bool make_room_for_targets(uint64_t number, uint64_t count) noexcept;  // in one of the tables; likewise
    uint64_t jumpdests_found(uint64_t number) const noexcept;              // of its places
    const Immutable* immutable_at(uint64_t place) const noexcept;

    // From any thread; under the lock, all that is there is found.
    const Instruction* known_target(uint64_t place) const noexcept {
        return targets_[place >> PlaceTable::PLACE_BITS].find(place % PlaceTable::PLACES);
    }
    const Instruction* known_rest(uint64_t place) const noexcept {
        return rests_[place >> PlaceTable::PLACE_BITS].find(place % PlaceTable::PLACES);
    }

    const Code& code_;
    const Instruction* const opcodes_;
    Atomic<uint32_t> heat_{0};
    Atomic<uint64_t>* jumped_to_ = nullptr;
    Array<Immutable> immutables_;  // by ascending place; fixed when it is made
    Atomic<uint64_t> references_{1};
    Atomic<const Instruction*> begin_{nullptr};
    PlaceTable* targets_ = nullptr;  // a table for each PLACES of the code
    PlaceTable* rests_ = nullptr;    // behind those, likewise; where chunks begin that no JUMPDEST begins
    // Of what follows there is a lock, one for many programs.
    Piece* pieces_ = nullptr;
    uint64_t footprint_ = 0;
    Jumpdests jumpdests_;
};

}  // namespace blockstm::evm
