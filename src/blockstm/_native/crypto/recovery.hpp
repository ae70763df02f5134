// Who signed: the address behind a secp256k1 signature (Yellow Paper appendix F), one recovery by
// libsecp256k1 and one Keccak. Needs the library loaded (`can_recover`); any thread may
// call it.
#pragma once

#include <cstdint>
#include <cstring>

#include "crypto/keccak.hpp"
#include "crypto/libraries.hpp"

namespace blockstm {

inline bool can_recover() noexcept { return libraries().secp256k1.loaded; }

// `signature` is r and s, 32 bytes each, big-endian; `parity` is 0 or 1. False if the signature belongs
// to no key: r or s is zero or not below the curve's order, or there is no such point. Whether a high s
// is allowed is the caller's to say.
inline bool recover_address(const uint8_t hash[32], const uint8_t signature[64], int parity,
                            uint8_t address[20]) noexcept {
    constexpr unsigned UNCOMPRESSED = 2;  // SECP256K1_EC_UNCOMPRESSED: a byte 4, then x and y
    const Secp256k1& secp256k1 = libraries().secp256k1;
    SecpSignature parsed;
    SecpPublicKey key;
    if (!secp256k1.parse_compact(secp256k1.context, &parsed, signature, parity) ||
        !secp256k1.recover(secp256k1.context, &key, &parsed, hash)) {
        return false;
    }
    uint8_t point[65], digest[32];
    size_t size = sizeof point;
    secp256k1.serialize(secp256k1.context, point, &size, &key, UNCOMPRESSED);
    keccak256(point + 1, 64, digest);
    std::memcpy(address, digest + 12, 20);
    return true;
}

}  // namespace blockstm
