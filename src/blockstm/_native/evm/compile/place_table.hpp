// Where the code at a place went, for places that were reached: a hash table whose cells are one word each, so
// that a reader needs no lock. A table as long as the code took eight times the code, and a page fault for each
// 512 bytes of it that ran.
//
// A cell holds the lower bits of the place and the address of the instruction. Codes longer than those bits can
// tell have a table for each PLACES of them. Writers hold the program's lock; readers are any threads: a table
// that was outgrown stays until the program goes.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/atomics.hpp"
#include "base/index.hpp"
#include "evm/compile/code_memory.hpp"

namespace blockstm::evm {

struct Instruction;

class PlaceTable {
public:
    static constexpr int PLACE_BITS = 19;
    static constexpr uint64_t PLACES = uint64_t{1} << PLACE_BITS;  // that a table can tell apart

    PlaceTable() noexcept = default;
    PlaceTable(const PlaceTable&) = delete;
    PlaceTable& operator=(const PlaceTable&) = delete;
    ~PlaceTable() {
        Cells* cells = cells_.read_plain();  // nobody else has it any more
        while (cells != nullptr) {
            Cells* outgrown = cells->outgrown;
            code_memory().give_back(cells, bytes_of(cells->mask + 1));
            cells = outgrown;
        }
    }

    // Null where the place is not known. `place` is below PLACES.
    const Instruction* find(uint64_t place) const noexcept {
        const Cells* cells = cells_.observe();
        if (cells == nullptr) return nullptr;
        for (uint64_t at = cells->home_of(place);; ++at) {
            const uint64_t cell = cells->cells[at & cells->mask].observe();
            // A free cell looks like place 0 without an address.
            if (cell >> ADDRESS_BITS == place) return instruction_in(cell);
            if (cell == 0) return nullptr;
        }
    }

    // Room for so many more; false where memory ran out. Only then may they be added.
    bool make_room(uint64_t count) noexcept { return is_empty() ? make_first(count) : make_more(count); }
    // The same of a table that has no room yet, and will get about so many: what it outgrew would stay beside it.
    bool make_first(uint64_t count) noexcept {
        uint64_t size = SIZE_MIN;
        while (size <= wanted_for(count)) size *= 2;
        return grow(nullptr, size);
    }
    bool is_empty() const noexcept { return cells_.read_plain() == nullptr; }
    void add(uint64_t place, const Instruction* instruction) noexcept {  // which has none yet
        ++count_;
        const uint64_t cell = place << ADDRESS_BITS | reinterpret_cast<uintptr_t>(instruction) >> 3;
        put(cells_.read_plain(), cell);
    }

    uint64_t bytes() const noexcept { return bytes_; }

private:
    static constexpr int ADDRESS_BITS = 64 - PLACE_BITS;  // of an address that is a multiple of 8, so 48 of it
    static constexpr uint64_t SIZE_MIN = 16;

    struct Cells {
        uint64_t mask;
        uint64_t factor;  // odd, drawn for this process: nobody can choose places that collide
        Cells* outgrown;
        Atomic<uint64_t> cells[];

        uint64_t home_of(uint64_t place) const noexcept { return place * factor >> 32; }
    };

    static const Instruction* instruction_in(uint64_t cell) noexcept {
        return reinterpret_cast<const Instruction*>(cell << PLACE_BITS >> (PLACE_BITS - 3));
    }
    static uint64_t bytes_of(uint64_t size) noexcept { return sizeof(Cells) + size * sizeof(uint64_t); }

    static void put(Cells* cells, uint64_t cell) noexcept {
        uint64_t at = cells->home_of(cell >> ADDRESS_BITS);
        while (cells->cells[at & cells->mask].read_plain() != 0) ++at;
        cells->cells[at & cells->mask].publish(cell);
    }

    static uint64_t wanted_for(uint64_t count) noexcept { return count * 4 / 3 + 1; }

    bool make_more(uint64_t count) noexcept {
        Cells* const cells = cells_.read_plain();
        const uint64_t wanted = wanted_for(count_ + count);
        if (cells->mask >= wanted) return true;
        uint64_t size = 2 * (cells->mask + 1);
        while (size <= wanted) size *= 2;
        return grow(cells, size);
    }

    bool grow(Cells* before, uint64_t size) noexcept {
        void* memory = code_memory().take(bytes_of(size));
        if (memory == nullptr) return false;
        std::memset(memory, 0, bytes_of(size));
        auto* cells = static_cast<Cells*>(memory);
        cells->mask = size - 1;
        cells->factor = table_seed().word[0] | 1;
        cells->outgrown = before;
        for (uint64_t at = 0; before != nullptr && at <= before->mask; ++at) {
            const uint64_t cell = before->cells[at].read_plain();
            if (cell != 0) put(cells, cell);
        }
        bytes_ += CodeMemory::size_of_block(bytes_of(size));
        cells_.publish(cells);
        return true;
    }

    Atomic<Cells*> cells_{nullptr};
    uint64_t count_ = 0;
    uint64_t bytes_ = 0;
};

}  // namespace blockstm::evm
