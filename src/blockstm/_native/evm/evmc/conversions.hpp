// Words and addresses between the EVM and EVMC. Pure functions.
#pragma once

#include <cstring>

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "blockstm/evmc.h"

namespace blockstm::evm {

inline u256 from_evmc(const evmc_bytes32& word) noexcept { return load_be(word.bytes); }

inline evmc_bytes32 to_evmc(const u256& word) noexcept {
    evmc_bytes32 bytes;
    store_be(word, bytes.bytes);
    return bytes;
}

inline evmc_bytes32 to_evmc(const Hash32& hash) noexcept {
    evmc_bytes32 bytes;
    std::memcpy(bytes.bytes, hash.bytes, sizeof bytes.bytes);
    return bytes;
}

inline Address from_evmc(const evmc_address& address) noexcept {
    Address same;
    std::memcpy(same.bytes, address.bytes, sizeof same.bytes);
    return same;
}

inline evmc_address to_evmc(const Address& address) noexcept {
    evmc_address same;
    std::memcpy(same.bytes, address.bytes, sizeof same.bytes);
    return same;
}

}  // namespace blockstm::evm
