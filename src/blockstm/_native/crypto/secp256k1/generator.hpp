// Multiples of the generator, one table for each digit of a scalar (`write_generator_digits`), so that
// scalar * G is a sum of one point from each and takes no doublings. 256 KiB, which the compiler makes.
#pragma once

#include <cstdint>

#include "crypto/secp256k1/curve.hpp"
#include "crypto/secp256k1/scalars.hpp"

namespace blockstm::secp256k1 {

// A point as numbers, in one cache line.
struct alignas(64) TablePoint {
    Limbs x, y;
};

struct GeneratorTable {
    static constexpr int ODD_MULTIPLES = 128;

    // (2 * i + 1) * 256 ** digit * G.
    TablePoint multiple[GENERATOR_DIGITS][ODD_MULTIPLES];
};

extern const GeneratorTable GENERATOR_TABLE;

}  // namespace blockstm::secp256k1
