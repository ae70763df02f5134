// Following the stack through a scope, and setting it right at the end: see scope.hpp.

#include "evm/scope.hpp"

namespace blockstm::evm {

namespace {

int16_t scaled(int place) noexcept { return static_cast<int16_t>(place * WORD_SCALE); }

}  // namespace

void Scope::push(const u256& constant) noexcept {
    constants_[constant_count_] = constant;
    constant_places_[constant_count_] = NOWHERE;
    push(Held{static_cast<int16_t>(constant_count_++), true});
}

void Scope::duplicate(int depth) noexcept {
    const Held held = entry(height_ - depth).held;
    if (!held.is_constant) ++entry(held.place).references;
    push(held);
}

void Scope::exchange(int depth) noexcept {
    const int position = height_ - 1 - depth;
    std::swap(entry(height_ - 1).held, entry(position).held);
    if (position < lowest_) lowest_ = position;
}

Held Scope::in_place(Held held) noexcept {
    if (!held.is_constant) return held;
    const int place = free_place();
    Entry& found = entry(place);
    found.references = 1;
    found.defined = found.used = next();
    write_constant(place, constants_[held.place]);
    return {static_cast<int16_t>(place), false};
}

int Scope::yield() noexcept {
    const int place = free_place();
    Entry& found = entry(place);
    found.references = 1;
    found.defined = found.used = next();
    push(Held{static_cast<int16_t>(place), false});
    return place;
}

// The topmost position's own place if nothing holds it, or the nearest above.
int Scope::free_place() noexcept {
    int place = height_;
    while (entry(place).references != 0) ++place;
    if (place - height_ > SEARCH_STEPS) is_crowded_ = true;
    return place;
}

bool Scope::settle(Held* kept, int kept_count) noexcept {
    const auto positions = static_cast<uint64_t>(height_ > lowest_ ? height_ - lowest_ : 0);
    if (!out_.reserve(out_.size() + 5 * positions + 16)) return false;
    for (int position = lowest_; position < height_; ++position) retarget(position);
    save_kept(kept, kept_count);
    // A position whose place nobody needs can be filled, which may free another place, and so on. What is
    // left when no such position remains is rings of positions that hold each other's places.
    for (int position = lowest_; position < height_; ++position) fill(position);
    for (int position = lowest_; position < height_; ++position) {
        if (is_displaced(position) && !entry(position).held.is_constant) rotate(position);
    }
    for (int position = lowest_; position < height_; ++position) {
        const Held held = entry(position).held;
        if (!held.is_constant) continue;
        int16_t& written = constant_places_[held.place];
        if (written == NOWHERE) {
            write_constant(position, constants_[held.place]);
            written = static_cast<int16_t>(position);
        } else {
            move(position, written);  // it takes a fifth of the room
        }
    }
    return true;
}

// Lets the instruction that made a word write it where it belongs, if nobody looked at either place since.
void Scope::retarget(int position) noexcept {
    if (!is_displaced(position)) return;
    Entry& target = entry(position);
    if (target.held.is_constant || target.references != 0) return;
    Entry& source = entry(target.held.place);
    const bool is_only_written = source.defined >= 0 && source.used == source.defined;
    if (!is_only_written || source.references != 1 || target.used > source.defined) return;
    out_[static_cast<uint64_t>(source.defined)].x = scaled(position);
    source.references = 0;
    target.references = 1;
    target.defined = target.used = source.defined;
    target.held.place = static_cast<int16_t>(position);
}

// What the jump reads must not lie where another word will be put.
void Scope::save_kept(Held* kept, int kept_count) noexcept {
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
void Scope::fill(int position) noexcept {
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
void Scope::rotate(int first) noexcept {
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

void Scope::move(int to, int from) noexcept {
    out_.push({static_cast<uint16_t>(Operation::MOVE), scaled(to), scaled(from), 0});
}

void Scope::write_constant(int place, const u256& value) noexcept {
    const auto emit = [&](Operation operation, int16_t y, int16_t z) {
        out_.push({static_cast<uint16_t>(operation), scaled(place), y, z});
    };
    const auto emit_limb = [&](uint64_t limb) {
        Instruction data;
        std::memcpy(&data, &limb, sizeof data);
        out_.push(data);
    };
    if (value.fits_u64() && value.limb[0] <= UINT32_MAX) {
        emit(Operation::SET_K32, static_cast<int16_t>(value.limb[0] & 0xffff),
             static_cast<int16_t>(value.limb[0] >> 16));
    } else if (value.fits_u64()) {
        emit(Operation::SET_K64, 0, 0);
        emit_limb(value.limb[0]);
    } else {
        emit(Operation::SET_K256, 0, 0);
        for (const uint64_t limb : value.limb) emit_limb(limb);
    }
}

}  // namespace blockstm::evm
