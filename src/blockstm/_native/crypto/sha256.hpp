// SHA-256 (FIPS 180-4), the precompile at address 2. Pure; any thread may call it. The processor's own
// instructions for it are used where it has them.
#pragma once

#include <cstdint>

namespace blockstm {

void sha256(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept;

// The same without them, for tests.
void sha256_portable(const uint8_t* data, uint64_t size, uint8_t out[32]) noexcept;

}  // namespace blockstm
