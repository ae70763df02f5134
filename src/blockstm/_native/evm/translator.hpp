// The translator's parts: see program.hpp for what it makes. One translation each; one thread.
//
// translate.cpp       the pass over the code; scopes and segments; instructions
// translate_work.cpp  opcodes that work, and the cheaper forms for constants
// translate_jumps.cpp jumps, and the comparisons that merge with them
#pragma once

#include "evm/code.hpp"
#include "evm/gas.hpp"
#include "evm/program.hpp"
#include "evm/scope.hpp"

namespace blockstm::evm {

// A jump's condition, and the words that it is about.
struct Branch {
    Operation operation = Operation::IF;
    Held operands[2] = {};
    int operand_count = 1;
    uint32_t constant = 0;
};

inline constexpr int OPERANDS_MAX = 6;  // of LOG4; those of calls lie where the stack machine has them

class Translator {
public:
    explicit Translator(const Code& code) noexcept
        : code_(code),
          gas_(gas_table(code.fork)),
          bytes_(code.bytes.data),
          size_(code.bytes.size),
          scope_(out_) {}
    ~Translator() { std::free(targets_); }

    const Program* run() noexcept;

private:
    // A distance still to be written, once it is known where the code at `target` went.
    struct Jump {
        uint32_t from;     // the jump's own instruction
        uint32_t byte_at;  // of the distance, in the program
        uint64_t target;   // in the code
    };

    bool opcode_at(uint64_t place) noexcept;
    bool translate(uint8_t opcode, uint64_t place) noexcept;
    bool end_of_code() noexcept;
    void resolve_jumps() noexcept;
    const Program* finish() noexcept;

    // -- scopes and segments
    void begin_scope(uint8_t opcode, uint64_t place) noexcept;
    bool end_scope() noexcept;         // the next one follows
    void go_on_behind() noexcept;      // a jump or a call: a new scope
    bool settle(Held* kept, int kept_count) noexcept;
    bool make_room() noexcept;
    void begin_segment() noexcept;
    void end_segment() noexcept;
    void charge(uint8_t opcode) noexcept;

    // -- opcodes
    void move_words(uint8_t opcode, uint64_t place) noexcept;
    void work(uint8_t opcode) noexcept;
    bool fold(uint8_t opcode, const Held* operands, int count) noexcept;
    bool with_constant(uint8_t opcode, Held left, Held right) noexcept;
    bool at_constant(uint8_t opcode) noexcept;
    void gas_left() noexcept;
    bool halt(uint8_t opcode) noexcept;
    bool call(uint8_t opcode) noexcept;
    bool jump() noexcept;
    bool jump_if() noexcept;
    bool go(const u256& target) noexcept;
    bool jump_if_to(Held condition, const u256& target) noexcept;
    Branch branch_on(Held condition) noexcept;
    bool take_apart(Held& condition, bool& is_negated) noexcept;
    bool compare(Held condition, bool is_negated, Branch& branch) noexcept;

    // -- instructions
    uint32_t emit(Operation operation, int x = 0, int y = 0, int z = 0) noexcept;
    void emit_data(uint64_t data) noexcept;
    void emit_operands(Operation operation, const Held* operands, int count, bool yields) noexcept;
    void emit_k64(Operation operation, Held left, uint64_t right) noexcept;
    void emit_k256(Operation operation, Held left, const u256& right) noexcept;
    void take_from(const Held* operands, int count) noexcept;
    int16_t yield_from(const Held* operands, int count) noexcept;
    void forget_last() noexcept;
    Instruction& at(uint32_t index) noexcept { return out_[index]; }

    const Code& code_;
    const GasTable& gas_;
    const uint8_t* bytes_;
    const uint64_t size_;
    Array<Instruction> out_;
    Array<Jump> jumps_;
    uint32_t* targets_ = nullptr;
    Scope scope_;
    bool is_reached_ = true;  // the opcode at hand: whether anything but a jump leads there
    bool jumps_anywhere_ = false;

    // The instructions emitted last, the last first; what jumps may merge with.
    uint32_t recent_[4] = {};

    // The segment at hand.
    uint32_t block_ = 0;
    uint32_t segment_gas_ = 0;
    int need_ = 0;
    int growth_ = 0;
    struct {
        uint32_t instruction;
        uint32_t charged;
    } gas_readers_[16];
    int gas_reader_count_ = 0;
};

inline int16_t scaled(int place) noexcept { return static_cast<int16_t>(place * WORD_SCALE); }

inline bool fits_u32(const u256& value) noexcept { return value.fits_u64() && value.limb[0] <= UINT32_MAX; }

}  // namespace blockstm::evm
