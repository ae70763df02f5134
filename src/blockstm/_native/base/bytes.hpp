// Bytes as Ethereum has them: addresses, hashes, borrowed spans, and arrays that grow. Plain data.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/array.hpp"

namespace blockstm {

struct Address {
    uint8_t bytes[20];

    friend bool operator==(const Address& left, const Address& right) noexcept {
        return std::memcmp(left.bytes, right.bytes, sizeof left.bytes) == 0;
    }
};

struct Hash32 {
    uint8_t bytes[32];

    friend bool operator==(const Hash32& left, const Hash32& right) noexcept {
        return std::memcmp(left.bytes, right.bytes, sizeof left.bytes) == 0;
    }
};

// Bytes that someone else owns.
struct Span {
    const uint8_t* data = nullptr;
    uint64_t size = 0;
};

using Bytes = Array<uint8_t>;

}  // namespace blockstm
