// The forks of Ethereum's mainnet, oldest first: `fork >= Fork::Berlin` asks "has Berlin happened?".
// Names are those of the Ethereum execution specifications. Forks that change no rule of execution
// (the difficulty bombs, the blob-parameter forks) share the entry of the fork they follow: what they
// change reaches the EVM as a field of the block.
#pragma once

#include <cstdint>

namespace blockstm::evm {

enum class Fork : uint8_t {
    Frontier,
    Homestead,
    TangerineWhistle,
    SpuriousDragon,
    Byzantium,
    Constantinople,
    Petersburg,
    Istanbul,
    Berlin,
    London,
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
    Amsterdam,
};

inline constexpr int FORK_COUNT = static_cast<int>(Fork::Amsterdam) + 1;

}  // namespace blockstm::evm
