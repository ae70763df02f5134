// The stack as the translator follows it within a basic block: which word lies in which place, which is a
// constant, and what it takes to bring all of them where the stack machine would have them.
//
// Positions and places count in words from the height at the start of the basic block; below it they are
// negative. A *position* is where the stack machine has a word, a *place* is where the word really lies.
// Several positions may hold one place (DUP); a place that nothing holds is free. One thread.
#pragma once

#include <cstdint>

#include "evm/compile/ir_buffer.hpp"

namespace blockstm::evm {

// What a position holds: a place, or one of the basic block's constants by its number.
struct Operand {
    int16_t place;
    bool is_constant;
};

class VirtualStack {
public:
    static constexpr int REACH = 200;  // of the height within a basic block, either way

    explicit VirtualStack(IrBuffer& out) noexcept : out_(out) {}

    void begin() noexcept {
        ++epoch_;
        height_ = lowest_ = constant_count_ = 0;
        is_search_long_ = false;
    }
    int height() const noexcept { return height_; }
    // The basic block should end soon: there is room for one more opcode.
    bool is_full() const noexcept {
        return static_cast<unsigned>(height_ + REACH) > 2 * REACH || constant_count_ > CONSTANTS - 16 ||
               is_search_long_;
    }

    // -- what moves words
    void push(const u256& constant) noexcept {
        constants_[constant_count_] = constant;
        constant_places_[constant_count_] = NOWHERE;
        push(Operand{static_cast<int16_t>(constant_count_++), true});
    }
    void duplicate(int depth) noexcept {  // 1 is the topmost
        const Operand held = entry(height_ - depth).held;
        if (!held.is_constant) ++entry(held.place).references;
        push(held);
    }
    void exchange(int depth) noexcept { exchange(0, depth); }  // the topmost with what is `depth` below it
    void exchange(int near, int far) noexcept {                 // what is so much below the topmost
        const int position = height_ - 1 - far;
        std::swap(entry(height_ - 1 - near).held, entry(position).held);
        if (position < lowest_) lowest_ = position;
    }
    // Whether the word is in its place, nothing else holds that, and nothing in the basic block changed it: an
    // instruction may then write there, and materializing need not look so far down.
    bool is_untouched(int depth) noexcept {
        const int position = height_ - 1 - depth;
        return position < lowest_ && entry(position).references == 1;
    }
    int place_of(int depth) const noexcept { return height_ - 1 - depth; }  // of an untouched word
    void overwrite(int place) noexcept { define(place); }                   // by the next instruction
    void drop() noexcept { release(take()); }

    // -- operands. What is taken keeps its place until it is released.
    Operand take() noexcept { return entry(--height_).held; }
    const u256& constant(Operand held) const noexcept { return constants_[held.place]; }
    Operand in_place(Operand held) noexcept {  // a constant: written to a free place first
        return held.is_constant ? written(held) : held;
    }
    void release(Operand held) noexcept {
        if (!held.is_constant) --entry(held.place).references;
    }
    Operand hold(int place) noexcept {
        ++entry(place).references;
        return {static_cast<int16_t>(place), false};
    }
    bool is_held_once(Operand held) noexcept { return entry(held.place).references == 1; }
    // The next instruction reads it.
    void read(Operand held) noexcept { entry(held.place).used = next(); }

    // -- results
    int yield() noexcept {  // the place for a new topmost word, which the next instruction writes to its x
        const int place = free_place();
        define(place);
        push(Operand{static_cast<int16_t>(place), false});
        return place;
    }
    void push(Operand held) noexcept {  // one that was taken
        if (height_ < lowest_) lowest_ = height_;
        entry(height_++).held = held;
    }

    // Brings every word where the stack machine has it; false where memory ran out. The `kept`, which
    // the jump that follows reads, may be given other places.
    bool materialize(Operand* kept, int kept_count) noexcept;

private:
    static constexpr int CONSTANTS = 256;
    static constexpr int PLACES = 1024;
    static constexpr int ZERO = 448;          // the index of place 0: DUPN and SWAPN reach 235 words below
    static constexpr int16_t NOWHERE = INT16_MIN;
    static constexpr int SEARCH_STEPS = 16;   // for a free place, before the basic block should end

    // Of a position and of the place that has the same number.
    struct Entry {
        Operand held;            // by the position
        uint16_t references;  // to the place: positions that hold it, and what is taken
        int32_t defined;      // the instruction that wrote the place last; -1 before the basic block
        int32_t used;         // the last instruction that wrote or read it
    };

    int32_t next() const noexcept { return static_cast<int32_t>(out_.size()); }
    Entry& entry(int place) noexcept {
        const int index = place + ZERO;
        if (epochs_[index] != epoch_) [[unlikely]] prepare(place);
        return entries_[index];
    }
    // At the start of a basic block what is below its height lies in its place, and there is nothing above.
    void prepare(int place) noexcept {
        entries_[place + ZERO] = {{static_cast<int16_t>(place), false}, place < 0, -1, -1};
        epochs_[place + ZERO] = epoch_;
    }
    bool is_displaced(int position) noexcept {
        const Operand held = entry(position).held;
        return held.is_constant || held.place != position;
    }
    // The topmost position's own place if nothing holds it, or the nearest above.
    int free_place() noexcept {
        int place = height_;
        while (entry(place).references != 0) ++place;
        if (place - height_ > SEARCH_STEPS) is_search_long_ = true;
        return place;
    }
    void define(int place) noexcept {
        Entry& found = entry(place);
        found.references = 1;
        found.defined = found.used = next();
    }
    Operand written(Operand constant) noexcept;
    void find_displaced() noexcept;
    void retarget(int position) noexcept;
    void save_kept(Operand* kept, int kept_count) noexcept;
    void fill(int position) noexcept;
    void rotate(int position) noexcept;
    void fill_with_constant(int position) noexcept;
    void move(int to, int from) noexcept;
    void write_constant(int place, const u256& value) noexcept;

    IrBuffer& out_;
    uint32_t epoch_ = 0;
    int height_ = 0;
    int lowest_ = 0;  // no position below it was changed
    int constant_count_ = 0;
    bool is_search_long_ = false;
    int displaced_count_ = 0;
    int16_t displaced_[PLACES];  // positions that materializing has to fill
    uint32_t epochs_[PLACES] = {};
    Entry entries_[PLACES];
    u256 constants_[CONSTANTS];
    int16_t constant_places_[CONSTANTS];  // where materializing has written it already
};

}  // namespace blockstm::evm
