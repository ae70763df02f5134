#include "base/index.hpp"

#include <random>

namespace blockstm {
namespace {

TableSeed draw_seed() noexcept {
    TableSeed seed{};
    for (uint64_t& word : seed.word) {
        // Where the system has no randomness to give, addresses of this process have to do.
        word = reinterpret_cast<uintptr_t>(&seed) * 0x9e3779b97f4a7c15;
        try {
            std::random_device device;
            word ^= static_cast<uint64_t>(device()) << 32 | device();
        } catch (...) {
        }
    }
    return seed;
}

}  // namespace

const TableSeed& table_seed() noexcept {
    static const TableSeed seed = draw_seed();
    return seed;
}

}  // namespace blockstm
