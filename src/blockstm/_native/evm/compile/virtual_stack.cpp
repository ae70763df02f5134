// Following the stack through a basic block, and setting it right at the end: see virtual_stack.hpp.

#include "evm/compile/virtual_stack.hpp"

namespace blockstm::evm {

namespace {

int16_t scaled(int place) noexcept { return static_cast<int16_t>(place * WORD_SCALE); }

}  // namespace

Operand VirtualStack::written(Operand constant) noexcept {
    const int place = free_place();
    define(place);
    write_constant(place, constants_[constant.place]);
    return {static_cast<int16_t>(place), false};
}

bool VirtualStack::materialize(Operand* kept, int kept_count) noexcept {
    find_displaced();
    if (displaced_count_ == 0) return true;
    if (!out_.make_room(5 * static_cast<uint64_t>(displaced_count_) + 16)) return false;
    const auto each = [&](auto&& act) {
        for (int index = 0; index < displaced_count_; ++index) act(displaced_[index]);
    };
    each([&](int position) { retarget(position); });
    save_kept(kept, kept_count);
    // A position whose place nobody needs can be filled, which may free another place, and so on. What is
    // left when no such position remains is rings of positions that hold each other's places.
    each([&](int position) { fill(position); });
    each([&](int position) {
        if (is_displaced(position) && !entry(position).held.is_constant) rotate(position);
    });
    each([&](int position) { fill_with_constant(position); });
    return true;
}

void VirtualStack::find_displaced() noexcept {
    displaced_count_ = 0;
    for (int position = lowest_; position < height_; ++position) {
        const int index = position + ZERO;
        if (epochs_[index] != epoch_) continue;  // nothing was done there
        const Operand held = entries_[index].held;
        if (held.is_constant || held.place != position) displaced_[displaced_count_++] = static_cast<int16_t>(position);
    }
}

// A constant that is needed again is copied: that takes a fifth of the room.
void VirtualStack::fill_with_constant(int position) noexcept {
    const Operand held = entry(position).held;
    if (!held.is_constant) return;
    int16_t& written = constant_places_[held.place];
    if (written == NOWHERE) {
        write_constant(position, constants_[held.place]);
        written = static_cast<int16_t>(position);
    } else {
        move(position, written);
    }
}

// Lets the instruction that made a word write it where it belongs, if nobody looked at either place since.
void VirtualStack::retarget(int position) noexcept {
    if (!is_displaced(position)) return;
    Entry& target = entry(position);
    if (target.held.is_constant || target.references != 0) return;
    Entry& source = entry(target.held.place);
    const bool is_only_written = source.defined >= 0 && source.used == source.defined;
    if (!is_only_written || source.references != 1 || target.used > source.defined) return;
    out_[static_cast<uint32_t>(source.defined)].x = scaled(position);
    source.references = 0;
    target.references = 1;
    target.defined = target.used = source.defined;
    target.held.place = static_cast<int16_t>(position);
}

// What the jump reads must not lie where another word will be put.
void VirtualStack::save_kept(Operand* kept, int kept_count) noexcept {
    for (int index = 0; index < kept_count; ++index) {
        const int place = kept[index].place;
        if (place < lowest_ || place >= height_ || !is_displaced(place)) continue;
        const int saved = free_place();
        entry(saved).references = 1;
        move(saved, place);
        --entry(place).references;
        kept[index].place = static_cast<int16_t>(saved);
    }
}

// Fills a position if its place is free, and then the positions that this frees.
void VirtualStack::fill(int position) noexcept {
    while (position >= lowest_ && position < height_ && is_displaced(position)) {
        Entry& target = entry(position);
        if (target.held.is_constant || target.references != 0) return;
        const int from = target.held.place;
        move(position, from);
        target.held.place = static_cast<int16_t>(position);
        target.references = 1;
        --entry(from).references;
        position = from;
    }
}

// A ring: the first word waits in a free place until the last position can take it.
void VirtualStack::rotate(int first) noexcept {
    const int saved = free_place();
    move(saved, first);
    int position = first;
    for (;;) {
        Entry& target = entry(position);
        const int from = target.held.place;
        move(position, from == first ? saved : from);
        target.held.place = static_cast<int16_t>(position);
        if (from == first) return;
        position = from;
    }
}

void VirtualStack::move(int to, int from) noexcept { out_.add(Operation::MOVE, scaled(to), scaled(from)); }

void VirtualStack::write_constant(int place, const u256& value) noexcept {
    if (value.fits_u64() && value.limb[0] <= UINT32_MAX) {
        const auto number = static_cast<uint32_t>(value.limb[0]);
        out_.add(Operation::SET_K32, scaled(place), static_cast<int>(number & 0xffff),
                 static_cast<int>(number >> 16));
    } else if (value.fits_u64()) {
        out_.add(Operation::SET_K64, scaled(place));
        out_.add_data(value.limb[0]);
    } else if ((value.limb[0] | value.limb[1] | value.limb[2] | (value.limb[3] & UINT32_MAX)) == 0) {
        const auto number = static_cast<uint32_t>(value.limb[3] >> 32);
        out_.add(Operation::SET_TOP_K32, scaled(place), static_cast<int>(number & 0xffff),
                 static_cast<int>(number >> 16));
    } else {
        out_.add(Operation::SET_K256, scaled(place));
        for (const uint64_t limb : value.limb) out_.add_data(limb);
    }
}

}  // namespace blockstm::evm
