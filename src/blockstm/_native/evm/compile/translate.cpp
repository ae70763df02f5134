// Code into programs: one pass over the bytes of a chunk; program.hpp says what comes out, virtual_stack.hpp how the
// stack is followed. Its time and memory are linear in the bytes, whatever they are, and a chunk is short:
// anybody can deploy code that is nothing but JUMPDESTs or SWAP16s, and call it with little gas.

#include <algorithm>
#include <utility>

#include "evm/compile/translator.hpp"

#include "base/per_thread.hpp"

namespace blockstm::evm {
namespace {

constexpr uint64_t ROOM = 64;  // instructions that one opcode may take, besides materializing the basic block

}  // namespace

Translator::Translator(Program& program, Workbench& bench) noexcept
    : program_(program),
      code_(program.code_),
      gas_(gas_table(code_.variant.fork)),
      is_stepped_(code_.variant.tier == Tier::Stepped),
      added_(opcode_set(code_.variant.opcodes)),
      bytes_(code_.bytes.data),
      size_(code_.bytes.size),
      out_(bench.out),
      jumps_(bench.jumps),
      landings_(bench.landings),
      stack_(out_) {
    out_.clear();
    jumps_.clear();
    landings_.clear();
}

// --- the pass -------------------------------------------------------------------------------------

bool Translator::run(uint64_t begin) noexcept {
    if (!make_room()) return false;
    go_on_behind();
    uint64_t place = begin;
    while (place < size_ && !is_chunk_complete(place)) {
        if (!opcode_at(place)) return false;
        place += 1 + immediate_size(bytes_[place]) + std::exchange(bytes_behind_, 0);
    }
    if (is_reached_ && !(place < size_ ? end_at(place) : end_of_code())) return false;
    return lead_out() && publish(begin);
}

// Whether to stop before this place.
bool Translator::is_chunk_complete(uint64_t place) const noexcept {
    if (opcode_count_ >= OPCODES_MAX) return true;
    if (!is_reached_ && farthest_ < place) return true;
    return bytes_[place] == op::JUMPDEST && is_translated(place);
}

bool Translator::is_translated(uint64_t place) const noexcept {
    return program_.known_target(place) != nullptr;
}

// The code goes on there, in another chunk.
bool Translator::end_at(uint64_t place) noexcept {
    if (!materialize(nullptr, 0)) return false;
    const int delta = scaled(stack_.height());
    end_gas_block();
    if (bytes_[place] != op::JUMPDEST) {
        emit_to(Operation::GO_ON, delta, Program::way_to(static_cast<uint32_t>(place)));
        return true;
    }
    return note_jump(emit(Operation::GO, delta), u256{place});
}

// Behind the code's last byte there are STOPs without end.
bool Translator::end_of_code() noexcept {
    if (!make_room()) return false;
    if (is_stepped_) {
        if (!end_basic_block()) return false;
        begin_basic_block(op::STOP, size_);
    }
    emit(Operation::STOP);
    end_gas_block();
    return true;
}

bool Translator::opcode_at(uint64_t place) noexcept {
    const uint8_t opcode = bytes_[place];
    if (opcode != op::JUMPDEST && !is_reached_) return true;
    ++opcode_count_;
    place_ = place;
    if (!make_room()) return false;
    if (opcode == op::JUMPDEST || is_stepped_ || stack_.is_full()) {
        if (is_reached_ && !end_basic_block()) return false;
        if (opcode == op::JUMPDEST && !land(place)) return false;
        begin_basic_block(opcode, place);
    }
    if (opcode == op::JUMPDEST) {
        const uint32_t run = jumpdests_from(place);
        if (run >= RUN_MIN || is_within_run(place, run)) return take_run(place, run);
    }
    is_first_ = false;
    return translate(opcode, place);
}

bool Translator::land(uint64_t place) noexcept {
    is_reached_ = true;
    return landings_.push({static_cast<uint32_t>(place), out_.size()});
}

// How many JUMPDESTs stand there side by side that are taken at once.
uint32_t Translator::jumpdests_from(uint64_t place) const noexcept {
    if (is_stepped_) return 1;
    const uint64_t end = std::min(size_, place + RUN_MAX);
    uint64_t at = place + 1;
    while (at < end && bytes_[at] == op::JUMPDEST && !is_translated(at)) ++at;
    return static_cast<uint32_t>(at - place);
}

// Whether so many, or fewer with those before them, are a run that is entered behind its beginning.
bool Translator::is_within_run(uint64_t place, uint32_t count) const noexcept {
    if (is_stepped_ || count == 1 || place == 0 || bytes_[place - 1] != op::JUMPDEST) return false;
    uint32_t before = 1;
    while (before < RUN_MIN && before < place && bytes_[place - 1 - before] == op::JUMPDEST) ++before;
    return before + count >= RUN_MIN;
}

// A gas block charges for all but the last, which begins the gas block of what stands behind, as if they were taken one
// by one: where that fails, it fails by the same name. A jump to one within the run gets a chunk that charges for those
// from there on and goes on at the last: what stands behind is not translated for each of them.
bool Translator::take_run(uint64_t place, uint32_t count) noexcept {
    const uint32_t gas = gas_.base[op::JUMPDEST];
    charge(gas * (count - 1), 0, 0);
    opcode_count_ += count / RUN_MIN;
    bytes_behind_ = count - 1;
    if (is_first_ && is_within_run(place, count)) {
        if (!end_at(place + count - 1)) return false;
        is_reached_ = false;
        return true;
    }
    end_gas_block();
    begin_gas_block();
    charge(gas, 0, 0);
    return true;
}

bool Translator::translate(uint8_t opcode, uint64_t place) noexcept {
    const Opcode& traits = OPCODES[opcode];
    if (!traits.is_in(code_.variant.fork)) {
        const bool is_added = added_ != nullptr && added_->opcodes[opcode].is_there;
        return is_added ? added(opcode, added_->opcodes[opcode]) : halt(op::INVALID);
    }
    charge(opcode);
    switch (opcode) {
        case op::JUMPDEST: return true;
        case op::POP:
        case op::PC:
        case op::CODESIZE:
        case op::PUSH0 ... op::SWAP16: move_words(opcode, place); return true;
        case op::DUPN:
        case op::SWAPN:
        case op::EXCHANGE: return move_far_words(opcode, place);
        case op::JUMP: return jump();
        case op::JUMPI: return jump_if();
        case op::GAS: gas_left(); return true;
        case op::CREATE:
        case op::CREATE2:
        case op::CALL:
        case op::CALLCODE:
        case op::DELEGATECALL:
        case op::STATICCALL: return call(opcode);
        case op::STOP:
        case op::RETURN:
        case op::REVERT:
        case op::INVALID:
        case op::SELFDESTRUCT: return halt(opcode);
        case op::SLOAD:
        case op::SSTORE:
        case op::BALANCE:
        case op::EXTCODESIZE:
        case op::EXTCODECOPY:
        case op::EXTCODEHASH:
            work(opcode);
            end_gas_block();
            begin_gas_block();
            return true;
        default: work(opcode); return true;
    }
}

// Puts the chunk where it will stay, and then lets others see it.
bool Translator::publish(uint64_t begin) noexcept {
    if (!make_room_to_publish(begin)) return false;
    Instruction* chunk = program_.take_room(out_.size());
    if (chunk == nullptr) return false;
    std::memcpy(chunk, out_.data(), out_.size() * sizeof(Instruction));
    write_distances(chunk);
    for (const Landing& landing : landings_) {
        PlaceTable& table = program_.targets_[landing.place >> PlaceTable::PLACE_BITS];
        table.add(landing.place % PlaceTable::PLACES, chunk + landing.at);
    }
    if (begin == 0) {
        program_.begin_.publish(chunk);
    } else if (landings_.empty() || landings_[0].place != begin) {
        program_.rests_[begin >> PlaceTable::PLACE_BITS].add(begin % PlaceTable::PLACES, chunk);
    }
    return true;
}

// In the tables, before anything is added to one.
bool Translator::make_room_to_publish(uint64_t begin) noexcept {
    for (uint64_t at = 0; at < landings_.size();) {
        const uint64_t number = landings_[at].place >> PlaceTable::PLACE_BITS;
        const uint64_t first = at;
        while (at < landings_.size() && landings_[at].place >> PlaceTable::PLACE_BITS == number) ++at;
        if (!program_.make_room_for_targets(number, at - first)) return false;
    }
    return begin == 0 || program_.rests_[begin >> PlaceTable::PLACE_BITS].make_room(1);
}

// --- basic blocks and gas blocks -------------------------------------------------------------------------

bool Translator::make_room() noexcept { return out_.make_room(ROOM); }

void Translator::begin_basic_block(uint8_t opcode, uint64_t place) noexcept {
    stack_.begin();
    if (is_stepped_) {
        emit(Operation::BLOCK, 0, STACK_LIMIT);
        emit_to(Operation::STEP, opcode, static_cast<uint32_t>(place));
    }
    begin_gas_block();
}

void Translator::go_on_behind() noexcept {
    stack_.begin();
    begin_gas_block();
}

bool Translator::end_basic_block() noexcept {
    if (!materialize(nullptr, 0)) return false;
    if (stack_.height() != 0) emit(Operation::FALL, scaled(stack_.height()));
    end_gas_block();
    return true;
}

bool Translator::materialize(Operand* kept, int kept_count) noexcept {
    return stack_.materialize(kept, kept_count) && make_room();
}

void Translator::begin_gas_block() noexcept {
    block_ = emit(Operation::BLOCK);
    block_gas_ = 0;
    need_ = 0;
    growth_ = stack_.height();
    gas_reader_count_ = 0;
}

// Now that all of the gas block is known, its head can be written.
void Translator::end_gas_block() noexcept {
    Instruction& block = out_[block_];
    const int room = STACK_LIMIT - growth_ - need_;
    const bool is_possible = need_ <= STACK_LIMIT && room >= 0;
    block.x = static_cast<int16_t>(is_possible ? need_ : UINT16_MAX);
    block.y = static_cast<int16_t>(is_possible ? room : 0);
    block.z = static_cast<int16_t>(block_gas_);
    for (int index = 0; index < gas_reader_count_; ++index) {
        const auto& reader = gas_readers_[index];
        out_[reader.instruction].y = static_cast<int16_t>(block_gas_ - reader.charged);
    }
}

void Translator::charge(uint8_t opcode) noexcept {
    charge(gas_.base[opcode], OPCODES[opcode].inputs, OPCODES[opcode].outputs);
}

void Translator::charge(uint32_t cost, int inputs, int outputs) noexcept {
    if (block_gas_ + cost > UINT16_MAX) {
        end_gas_block();
        begin_gas_block();
    }
    block_gas_ += cost;
    const int lowest = stack_.height() - inputs;
    if (-lowest > need_) need_ = -lowest;
    if (lowest + outputs > growth_) growth_ = lowest + outputs;
}

// --- opcodes that move words ---------------------------------------------------------------------

void Translator::move_words(uint8_t opcode, uint64_t place) noexcept {
    if (opcode == op::POP) {
        stack_.drop();
    } else if (opcode == op::PC) {
        stack_.push(u256{place});
    } else if (opcode == op::CODESIZE) {
        stack_.push(u256{size_});
    } else if (opcode <= op::PUSH32) {
        const uint32_t size = immediate_size(opcode);
        if (program_.immutable_at(place) != nullptr) {
            emit_to(Operation::SET_IMMUTABLE, scaled(stack_.yield()), static_cast<uint32_t>(place));
            return;
        }
        const uint64_t there = size_ - place - 1;  // the code ends in zeros without end
        const uint64_t held = there < size ? there : size;
        stack_.push(shl(load_be(bytes_ + place + 1, held), 8 * (size - held)));
    } else if (opcode <= op::DUP16) {
        stack_.duplicate(opcode - op::DUP1 + 1);
    } else {
        stack_.exchange(opcode - op::SWAP1 + 1);
    }
}

// EIP-8024. The byte behind the opcode says which words; code ends in zeros without end.
bool Translator::move_far_words(uint8_t opcode, uint64_t place) noexcept {
    const uint8_t byte = place + 1 < size_ ? bytes_[place + 1] : 0;
    const bool is_pair = opcode == op::EXCHANGE;
    if (!(is_pair ? is_depth_pair(byte) : is_depth(byte))) return halt(op::INVALID);
    bytes_behind_ = 1;
    if (is_pair) {
        const DepthPair depths = depths_of(byte);
        charge(0, depths.far + 1, depths.far + 1);
        stack_.exchange(depths.near, depths.far);
        return true;
    }
    const int depth = depth_of(byte);
    const bool is_dup = opcode == op::DUPN;
    charge(0, depth + !is_dup, depth + 1);
    if (is_dup) {
        stack_.duplicate(depth);
    } else {
        swap_far(depth);
    }
    return true;
}

// The topmost with what lies far below it. Where that was left alone it is done at once, so that materializing,
// which takes time by the words between the lowest that changed and the highest, need not go down there.
void Translator::swap_far(int depth) noexcept {
    if (!stack_.is_untouched(depth)) return stack_.exchange(depth);
    const int far = stack_.place_of(depth);
    const Operand top = stack_.in_place(stack_.take());
    stack_.read({static_cast<int16_t>(far), false});
    const int place = stack_.yield();
    emit(Operation::MOVE, scaled(place), scaled(far));
    stack_.read(top);
    stack_.release(top);
    stack_.overwrite(far);
    emit(Operation::MOVE, scaled(far), scaled(top.place));
}

// --- instructions --------------------------------------------------------------------------------

uint32_t Translator::emit(Operation operation, int x, int y, int z) noexcept {
    recent_[2] = recent_[1];
    recent_[1] = recent_[0];
    recent_[0] = out_.size();
    return out_.add(operation, x, y, z);
}

// With a number of 32 bits.
uint32_t Translator::emit_to(Operation operation, int x, uint32_t number) noexcept {
    return emit(operation, x, static_cast<int>(number & 0xffff), static_cast<int>(number >> 16));
}

void Translator::forget_last() noexcept {
    out_.truncate(recent_[0]);
    recent_[0] = recent_[1];
    recent_[1] = recent_[2];
    recent_[2] = 0;  // a BLOCK, which nothing merges with
}

// An instruction whose operands are words, wherever they are.
void Translator::emit_operands(Operation operation, const Operand* operands, int count, bool yields) noexcept {
    Operand placed[OPERANDS_MAX];
    for (int index = 0; index < count; ++index) placed[index] = stack_.in_place(operands[index]);
    int16_t fields[OPERANDS_MAX + 1] = {};
    int field_count = 0;
    if (yields) {
        fields[field_count++] = yield_from(placed, count);
    } else {
        take_from(placed, count);
    }
    for (int index = 0; index < count; ++index) {
        fields[field_count++] = static_cast<int16_t>(scaled(placed[index].place));
    }
    emit(operation, fields[0], fields[1], fields[2]);
    if (field_count <= 3) return;
    uint64_t more = 0;
    std::memcpy(&more, fields + 3, sizeof more);
    out_.add_data(more);
}

void Translator::emit_k64(Operation operation, Operand left, uint64_t right) noexcept {
    const int16_t place = yield_from(&left, 1);
    emit(operation, place, scaled(left.place));
    out_.add_data(right);
}

void Translator::emit_k256(Operation operation, Operand left, const u256& right) noexcept {
    const int16_t place = yield_from(&left, 1);
    emit(operation, place, scaled(left.place));
    for (const uint64_t limb : right.limb) out_.add_data(limb);
}

// The operands of the next instruction are read by it and then needed no more.
void Translator::take_from(const Operand* operands, int count) noexcept {
    for (int index = 0; index < count; ++index) stack_.read(operands[index]);
    for (int index = 0; index < count; ++index) stack_.release(operands[index]);
}

// ... and there is a place for its result.
int16_t Translator::yield_from(const Operand* operands, int count) noexcept {
    take_from(operands, count);
    return static_cast<int16_t>(scaled(stack_.yield()));
}

bool translate(Program& program, uint64_t place) noexcept {
    static PerThread<Workbench> benches;
    Workbench* bench = benches.get();
    if (bench == nullptr) return false;
    const bool is_done = Translator(program, *bench).run(place);
    bench->out.trim();
    return is_done;
}

}  // namespace blockstm::evm
