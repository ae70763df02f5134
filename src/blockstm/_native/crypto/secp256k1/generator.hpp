// Multiples of the generator, one table for each digit of a scalar (`write_generator_digits`), so that
// scalar * G is a sum of one point from each and takes no doublings. 256 KiB, made when it is first asked for.
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

// Any thread may ask for it; it never changes. Null where there is no memory for it.
const GeneratorTable* generator_table() noexcept;

// An extension module that has this code, too, says once, when it is imported, whose table it reads.
using TableSource = const GeneratorTable* (*)();  // which throws nothing
void use_generator_table(TableSource source) noexcept;

}  // namespace blockstm::secp256k1
