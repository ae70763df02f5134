// The translator's parts: see program.hpp for what it makes. One chunk each; one thread.
//
// translate.cpp       the pass over the code; basic blocks and gas blocks; instructions
// translate_work.cpp  opcodes that work on words
// translate_constants.cpp  ... and the cheaper forms where one of two is a constant
// translate_jumps.cpp jumps, the comparisons that merge with them, and where they lead
#pragma once

#include "evm/compile/code.hpp"
#include "evm/forks/added_opcodes.hpp"
#include "evm/compile/ir_buffer.hpp"
#include "evm/compile/program.hpp"
#include "evm/compile/virtual_stack.hpp"
#include "evm/forks/gas.hpp"

namespace blockstm::evm {

// What an opcode works on where one operand is a constant.
struct WordAndConstant {
    Operand word;
    u256 constant;
    bool is_left;  // the constant was on top

    uint64_t low() const noexcept { return constant.limb[0]; }
    bool is_below(uint64_t bound) const noexcept { return constant.fits_u64() && low() < bound; }
};

// A jump's condition, and the words that it is about.
struct Branch {
    Operation operation = Operation::IF;
    Operand operands[2] = {};
    int operand_count = 1;
    uint32_t constant = 0;
};

// A jump whose distance is still to be written.
struct Jump {
    uint32_t at;      // its instruction
    uint32_t target;  // in the code
    uint32_t detour;  // the instructions that look for the target where it is not known
};

// A JUMPDEST of the chunk.
struct Landing {
    uint32_t place;  // in the code
    uint32_t at;     // its first instruction
};

// What translations on one thread use one after the other.
struct Workbench {
    IrBuffer out;
    Array<Jump> jumps;
    Array<Landing> landings;
};

// A chunk ends at the first chance after so many opcodes.
inline constexpr uint32_t OPCODES_MAX = 256;

inline constexpr int OPERANDS_MAX = 6;  // of LOG4; those of calls lie where the stack machine has them

class Translator {
public:
    Translator(Program& program, Workbench& bench) noexcept;

    // The chunk that begins at `place`; false where memory runs out. Called under the program's lock.
    bool run(uint64_t place) noexcept;

private:
    // It goes on past code that is not reached, if a jump of its own leads to no more than so far ahead.
    static constexpr uint64_t AHEAD_BYTES_MAX = 256;
    // From so many JUMPDESTs side by side on they are taken together, and so many at most.
    static constexpr uint32_t RUN_MIN = 4;
    static constexpr uint32_t RUN_MAX = 1024;
    // So many jumps that lead to jumps are followed at once.
    static constexpr int HOPS_MAX = 16;

    bool opcode_at(uint64_t place) noexcept;
    bool translate(uint8_t opcode, uint64_t place) noexcept;
    bool land(uint64_t place) noexcept;
    uint32_t jumpdests_from(uint64_t place) const noexcept;
    bool is_within_run(uint64_t place, uint32_t count) const noexcept;
    bool take_run(uint64_t place, uint32_t count) noexcept;
    bool is_translated(uint64_t place) const noexcept;
    bool end_at(uint64_t place) noexcept;
    bool end_of_code() noexcept;
    bool is_chunk_complete(uint64_t place) const noexcept;
    bool publish(uint64_t place) noexcept;
    bool make_room_to_publish(uint64_t place) noexcept;

    // -- basic blocks and gas blocks
    void begin_basic_block(uint8_t opcode, uint64_t place) noexcept;
    bool end_basic_block() noexcept;     // the next one follows
    void go_on_behind() noexcept;  // a jump or a call: a new basic block
    bool materialize(Operand* kept, int kept_count) noexcept;
    bool make_room() noexcept;
    void begin_gas_block() noexcept;
    void end_gas_block() noexcept;
    void charge(uint8_t opcode) noexcept;
    void charge(uint32_t cost, int inputs, int outputs) noexcept;

    // -- opcodes
    void move_words(uint8_t opcode, uint64_t place) noexcept;
    bool move_far_words(uint8_t opcode, uint64_t place) noexcept;
    void swap_far(int depth) noexcept;
    void work(uint8_t opcode) noexcept;
    bool fold(uint8_t opcode, const Operand* operands, int count) noexcept;
    bool with_constant(uint8_t opcode, Operand left, Operand right) noexcept;
    bool multiply(const WordAndConstant& pair) noexcept;
    bool subtract(const WordAndConstant& pair) noexcept;
    bool divide(const WordAndConstant& pair) noexcept;
    bool take_remainder(const WordAndConstant& pair) noexcept;
    bool shift(const WordAndConstant& pair, Operation operation) noexcept;
    bool mask(const WordAndConstant& pair) noexcept;
    bool take_byte(const WordAndConstant& pair) noexcept;
    bool extend_sign(const WordAndConstant& pair) noexcept;
    bool becomes_zero(const WordAndConstant& pair) noexcept;
    bool at_constant(uint8_t opcode) noexcept;
    void gas_left() noexcept;
    bool halt(uint8_t opcode) noexcept;
    bool call(uint8_t opcode) noexcept;
    bool added(uint8_t opcode, const AddedOpcode& traits) noexcept;
    bool jump() noexcept;
    u256 follow_jumps(u256 target) noexcept;
    bool is_jump_at(const u256& target, uint64_t& next) noexcept;
    uint32_t jump_gas() const noexcept;
    bool jump_if() noexcept;
    bool go(const u256& constant) noexcept;
    bool jump_if_to(Operand condition, const u256& target) noexcept;
    Branch branch_on(Operand condition) noexcept;
    bool take_apart(Operand& condition, bool& is_negated) noexcept;
    bool compare(Operand condition, bool is_negated, Branch& branch) noexcept;

    // -- where jumps lead
    bool note_jump(uint32_t at, const u256& target) noexcept;
    bool lead_out() noexcept;
    void write_distances(Instruction* chunk) noexcept;
    bool is_go(uint32_t at) noexcept;
    int64_t distance_to(uint32_t place, const Instruction* chunk, const Instruction* from) noexcept;
    const Landing* find_landing(uint32_t place) const noexcept;

    // -- instructions
    uint32_t emit(Operation operation, int x = 0, int y = 0, int z = 0) noexcept;
    uint32_t emit_to(Operation operation, int x, uint32_t number) noexcept;
    void emit_operands(Operation operation, const Operand* operands, int count, bool yields) noexcept;
    void emit_k64(Operation operation, Operand left, uint64_t right) noexcept;
    void emit_k256(Operation operation, Operand left, const u256& right) noexcept;
    bool emit_k16(const WordAndConstant& pair, Operation operation) noexcept;             // if it fits
    bool emit_k64(const WordAndConstant& pair, Operation operation) noexcept;             // likewise
    bool emit_k(const WordAndConstant& pair, Operation narrow, Operation wide) noexcept;  // whichever fits
    bool emit_k(const WordAndConstant& pair, Operation operation, uint64_t small) noexcept;
    void take_from(const Operand* operands, int count) noexcept;
    int16_t yield_from(const Operand* operands, int count) noexcept;
    void forget_last() noexcept;

    Program& program_;
    const Code& code_;
    const GasTable& gas_;
    const bool is_stepped_;
    const OpcodeSet* const added_;  // null for none
    const uint8_t* bytes_;
    const uint64_t size_;
    IrBuffer& out_;
    Array<Jump>& jumps_;
    Array<Landing>& landings_;
    VirtualStack stack_;

    bool is_first_ = true;      // the opcode at hand is the chunk's first
    bool is_reached_ = true;    // the opcode at hand: whether anything but a jump leads there
    uint64_t place_ = 0;        // ... and where it stands
    uint32_t bytes_behind_ = 0;  // that belong to it, besides what a PUSH carries
    uint32_t opcode_count_ = 0;
    uint64_t farthest_ = 0;     // place that a jump of this chunk leads to, not far ahead

    // The instructions emitted last, the last first: what jumps may merge with.
    uint32_t recent_[3] = {};

    // The gas block at hand.
    uint32_t block_ = 0;
    uint32_t block_gas_ = 0;
    int need_ = 0;
    int growth_ = 0;
    struct {
        uint32_t instruction;
        uint32_t charged;
    } gas_readers_[16];
    int gas_reader_count_ = 0;
};

// The chunk of the program that begins at `place`; false where memory runs out. Under the program's lock.
bool translate(Program& program, uint64_t place) noexcept;

inline int scaled(int place) noexcept { return place * WORD_SCALE; }

inline bool fits_u32(const u256& value) noexcept { return value.fits_u64() && value.limb[0] <= UINT32_MAX; }

}  // namespace blockstm::evm
