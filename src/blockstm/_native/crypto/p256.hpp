// Signatures over the curve P-256, also called secp256r1 (FIPS 186-4, section 6.4). Pure; any thread may
// call it. It handles public numbers only.
#pragma once

#include <cstdint>

namespace blockstm {

// Whether a signature is right: `input` is five big-endian words, the message's hash, r, s, and the public
// key's x and y. False also for numbers out of range and for a key that is no point of the curve.
bool p256_verify(const uint8_t input[160]) noexcept;

}  // namespace blockstm
