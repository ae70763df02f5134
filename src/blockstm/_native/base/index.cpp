#include "base/index.hpp"

#include <sys/random.h>

namespace blockstm {
namespace {

TableSeed draw_seed() noexcept {
    TableSeed seed{};
    // Where the system has no randomness to give, addresses of this process have to do.
    if (getentropy(seed.word, sizeof seed.word) != 0) {
        for (uint64_t& word : seed.word) word ^= reinterpret_cast<uintptr_t>(&seed) * 0x9e3779b97f4a7c15;
    }
    return seed;
}

}  // namespace

const TableSeed& table_seed() noexcept {
    static const TableSeed seed = draw_seed();
    return seed;
}

}  // namespace blockstm
