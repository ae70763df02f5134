// What test_place_table.py runs: tables of jump targets that grow while somebody looks into them, or for which memory
// runs out. Where the reader stands when its table grows is chosen, not left to threads. A reader that goes round
// without end is ended by a clock.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/atomics.hpp"
#include "evm/compile/code_memory.hpp"

namespace blockstm {

static int steps_left = 0;  // of the reader, until another thread comes between
static void (*come_between)() = nullptr;

template <class T>
struct Watched : Atomic<T> {
    using Atomic<T>::Atomic;
    T observe() const noexcept {
        const T seen = Atomic<T>::observe();
        if (steps_left != 0 && --steps_left == 0) come_between();
        return seen;
    }
};

}  // namespace blockstm

#define Atomic Watched
#include "evm/compile/place_table.hpp"
#undef Atomic

namespace blockstm::evm {
namespace {

int takes_left = -1;  // until memory runs out; less than none: it does not

}  // namespace

struct alignas(8) Instruction {
    uint64_t word;
};

CodeMemory& code_memory() noexcept {
    static CodeMemory memory;
    return memory;
}
void* CodeMemory::take(uint64_t size) noexcept {
    if (takes_left == 0) return nullptr;
    if (takes_left > 0) --takes_left;
    return std::malloc(size);
}
void CodeMemory::give_back(void* block, uint64_t) noexcept { std::free(block); }
uint64_t CodeMemory::size_of_block(uint64_t size) noexcept { return size; }

namespace {

constexpr uint64_t COUNT = 1500;
constexpr uint64_t KNOWN = 8;  // before somebody comes between
Instruction instructions[COUNT];
uint64_t places[COUNT];
PlaceTable* table = nullptr;

void expect(bool holds, const char* what) {
    if (holds) return;
    std::puts(what);
    std::exit(1);
}

void draw_places(uint64_t seed) {
    for (uint64_t each = 0; each < COUNT; ++each) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        places[each] = each * 300 + (seed >> 40) % 300;
    }
}

bool add(uint64_t first, uint64_t end) {
    for (uint64_t each = first; each < end; ++each) {
        if (!table->make_room(1)) return false;
        table->add(places[each], instructions + each);
    }
    return true;
}

void expect_all_there(uint64_t end) {
    for (uint64_t each = 0; each < end; ++each) {
        expect(table->find(places[each]) == instructions + each, "a place was lost");
    }
    for (uint64_t each = end; each < COUNT; ++each) {
        expect(table->find(places[each]) == nullptr, "a place was found that is not there");
    }
}

// A reader asks for what is there and for what is not; the table grows at each of its steps.
void read_while_it_grows() {
    come_between = [] { expect(add(KNOWN, COUNT), "there was memory"); };
    for (uint64_t seed = 0; seed < 200; ++seed) {
        draw_places(seed);
        PlaceTable own;
        table = &own;
        expect(add(0, KNOWN), "there was memory");
        const bool is_known = seed % 2 == 0;
        steps_left = 1 + static_cast<int>(seed / 2 % 3);
        const Instruction* found = own.find(is_known ? places[seed % KNOWN] : PlaceTable::PLACES - 1);
        expect(found == nullptr || (is_known && found == instructions + seed % KNOWN), "another's instruction");
        steps_left = 0;
        expect(add(own.find(places[KNOWN]) == nullptr ? KNOWN : COUNT, COUNT), "there was memory");
        expect_all_there(COUNT);
    }
}

// Wherever it runs out, what was there stays, and goes on growing.
void run_out_of_memory() {
    for (int takes = 0; takes < 20; ++takes) {
        draw_places(static_cast<uint64_t>(takes));
        PlaceTable own;
        table = &own;
        takes_left = takes;
        uint64_t count = 0;
        while (count < COUNT && add(count, count + 1)) ++count;
        expect_all_there(count);
        takes_left = -1;
        expect(add(count, COUNT), "there was memory");
        expect_all_there(COUNT);
    }
}

}  // namespace
}  // namespace blockstm::evm

int main() {
    alarm(10);
    blockstm::evm::run_out_of_memory();
    blockstm::evm::read_while_it_grows();
    return 0;
}
