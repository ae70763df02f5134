// RIPEMD-160 (Dobbertin, Bosselaers, Preneel 1996), the precompile at address 3. Pure; any thread may
// call it.
#pragma once

#include <cstdint>

namespace blockstm {

void ripemd160(const uint8_t* data, uint64_t size, uint8_t out[20]) noexcept;

}  // namespace blockstm
