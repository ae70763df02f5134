// Where the code at a place went, for places that were reached: a hash table whose cells are one word each, so
// that a reader needs no lock. A table as long as the code took eight times the code, and a page fault for each
// 512 bytes of it that ran.
//
// A cell holds the lower bits of the place and the address of the instruction. Codes longer than those bits can
// tell have a table for each PLACES of them. Writers hold the program's lock; readers are any threads.
//
// A table grows where it is: a segment as long as all before it is added, and the cells are put anew. The segment is
// published with the mask that leads to it, after its cells and its address. Segments stay
// until the program goes, as somebody may be reading them. A reader that comes meanwhile may not find what is there,
// and asks again under the lock; what it finds is right, as that is one word.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>

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
        if (cells == nullptr) return;
        const int last = cells->segment_of(cells->mask.read_plain());
        for (int number = 1; number <= last; ++number) {
            code_memory().give_back(cells->segment(number), cells->size_of(number) * sizeof(Cell));
        }
        code_memory().give_back(cells, bytes_of(cells->size_of(0)));
    }

    // Null where the place is not known. `place` is below PLACES.
    const Instruction* find(uint64_t place) const noexcept {
        const Cells* cells = cells_.observe();
        if (cells == nullptr) return nullptr;
        for (uint64_t at = cells->home_of(place);; ++at) {
            // Each time: there is a free cell in the table as it is, but perhaps none in the part that it was.
            const uint64_t mask = cells->mask.observe();  // and the segments that it takes
            const uint64_t cell = cells->cell(at & mask).observe();
            // A free cell looks like place 0 without an address.
            if (cell >> ADDRESS_BITS == place) return instruction_in(cell);
            if (cell == 0) return nullptr;
        }
    }

    // Room for so many more; false where memory ran out. Only then may they be added.
    bool make_room(uint64_t count) noexcept {
        if (is_empty()) return make_first(count);
        while (cells_.read_plain()->mask.read_plain() < wanted_for(count_ + count)) {
            if (!grow()) return false;
        }
        return true;
    }
    // The same of a table that has no room yet, and will get about so many.
    bool make_first(uint64_t count) noexcept {
        const int bits = std::max(static_cast<int>(std::bit_width(wanted_for(count))), BITS_MIN);
        const uint64_t bytes = bytes_of(uint64_t{1} << bits);
        void* memory = code_memory().take(bytes);
        if (memory == nullptr) return false;
        std::memset(memory, 0, bytes);
        auto* cells = new (memory) Cells(bits);
        cells->add(0, reinterpret_cast<Cell*>(cells + 1));
        bytes_ = CodeMemory::size_of_block(bytes);
        cells_.publish(cells);
        return true;
    }
    bool is_empty() const noexcept { return cells_.read_plain() == nullptr; }
    void add(uint64_t place, const Instruction* instruction) noexcept {  // which has none yet
        ++count_;
        const uint64_t cell = place << ADDRESS_BITS | reinterpret_cast<uintptr_t>(instruction) >> 3;
        put(cells_.read_plain(), cell);
    }

    uint64_t bytes() const noexcept { return bytes_; }

private:
    using Cell = Atomic<uint64_t>;

    static constexpr int ADDRESS_BITS = 64 - PLACE_BITS;  // of an address that is a multiple of 8, so 48 of it
    static constexpr int BITS_MIN = 4;
    static constexpr int SEGMENTS = PLACE_BITS + 2 - BITS_MIN;

    struct Cells {
        explicit Cells(int bits) noexcept : bits(bits), mask((uint64_t{1} << bits) - 1) {}

        // The first is followed by one as long, and each that follows is twice as long as the one before it.
        uint64_t size_of(int number) const noexcept { return uint64_t{1} << (bits + number - (number > 0)); }
        uint64_t home_of(uint64_t place) const noexcept { return place * factor >> 32; }
        uint64_t first_of(int number) const noexcept { return number == 0 ? 0 : size_of(number); }
        int segment_of(uint64_t at) const noexcept {  // of an odd number, as that has a highest bit
            return static_cast<int>(std::bit_width(at >> bits << 1 | 1)) - 1;
        }
        Cell& cell(uint64_t at) const noexcept {
            return *reinterpret_cast<Cell*>(segments[segment_of(at)] + at * sizeof(Cell));
        }
        void add(int number, Cell* segment) noexcept {
            segments[number] = reinterpret_cast<uintptr_t>(segment) - first_of(number) * sizeof(Cell);
        }
        Cell* segment(int number) const noexcept { return &cell(first_of(number)); }

        // Drawn for this process: nobody can choose places that collide.
        const uint64_t factor = table_seed().word[0] | 1;
        const int bits;  // of places in the first segment
        Atomic<uint64_t> mask;
        uintptr_t segments[SEGMENTS];  // where each would begin if the places before its first were its own
    };

    static const Instruction* instruction_in(uint64_t cell) noexcept {
        return reinterpret_cast<const Instruction*>(cell << PLACE_BITS >> (PLACE_BITS - 3));
    }
    static uint64_t bytes_of(uint64_t size) noexcept { return sizeof(Cells) + size * sizeof(Cell); }

    static void put(Cells* cells, uint64_t cell) noexcept {
        const uint64_t mask = cells->mask.read_plain();
        uint64_t at = cells->home_of(cell >> ADDRESS_BITS);
        while (cells->cell(at & mask).read_plain() != 0) ++at;
        cells->cell(at & mask).publish(cell);
    }

    static uint64_t wanted_for(uint64_t count) noexcept { return count * 4 / 3 + 1; }

    bool grow() noexcept {
        Cells* const cells = cells_.read_plain();
        const uint64_t size = cells->mask.read_plain() + 1;
        const uint64_t bytes = size * sizeof(Cell);
        auto* kept = static_cast<uint64_t*>(code_memory().take(bytes));
        void* segment = kept == nullptr ? nullptr : code_memory().take(bytes);
        if (segment != nullptr) {
            std::memset(segment, 0, bytes);
            bytes_ += CodeMemory::size_of_block(bytes);
            put_anew(cells, size, kept, static_cast<Cell*>(segment));
        }
        code_memory().give_back(kept, bytes);
        return segment != nullptr;
    }

    static void put_anew(Cells* cells, uint64_t size, uint64_t* kept, Cell* segment) noexcept {
        for (uint64_t at = 0; at < size; ++at) {
            kept[at] = cells->cell(at).read_plain();
            cells->cell(at).publish(0);
        }
        cells->add(cells->segment_of(size), segment);
        cells->mask.publish(2 * size - 1);
        for (uint64_t at = 0; at < size; ++at) {
            if (kept[at] != 0) put(cells, kept[at]);
        }
    }

    Atomic<Cells*> cells_{nullptr};
    uint64_t count_ = 0;
    uint64_t bytes_ = 0;
};

}  // namespace blockstm::evm
