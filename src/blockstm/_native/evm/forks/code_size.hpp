// How large code may be in each fork (EIP-170, EIP-3860, EIP-7954). Constant; any thread may ask.
#pragma once

#include <cstdint>

#include "evm/forks/amsterdam.hpp"
#include "evm/forks/forks.hpp"

namespace blockstm::evm {

constexpr uint64_t code_size_max(Fork fork) noexcept {
    if (fork >= Fork::Amsterdam) return amsterdam_gas::CODE_SIZE_MAX;
    return fork >= Fork::SpuriousDragon ? 0x6000 : UINT64_MAX;
}

constexpr uint64_t initcode_size_max(Fork fork) noexcept {
    return fork >= Fork::Shanghai ? 2 * code_size_max(fork) : UINT64_MAX;
}

}  // namespace blockstm::evm
