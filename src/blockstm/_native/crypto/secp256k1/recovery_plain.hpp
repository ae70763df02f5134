// One recovery at a time, on any processor, right in every case.
#pragma once

#include "crypto/secp256k1/curve.hpp"

namespace blockstm::secp256k1 {

// What is signed with, in numbers: r and s from 1 to N - 1, the message as a number below N.
struct Recovery {
    Limbs r, s, message;
    bool is_odd;  // the y of the point whose x is r
};

struct PublicKey {
    Limbs x, y;
};

// The key behind a signature; false if it belongs to none. Any thread may call it.
bool recover_plain(const Recovery& recovery, PublicKey& key) noexcept;

}  // namespace blockstm::secp256k1
