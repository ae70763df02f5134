// Borrowed bytes, as the tries and RLP read them. Plain data.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace blockstm {

// Bytes that someone else owns.
using ByteView = std::span<const uint8_t>;

inline constexpr uint64_t HASH_SIZE = 32;

inline uint8_t* put_bytes(uint8_t* out, ByteView bytes) noexcept {
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
}

inline bool equal(ByteView left, ByteView right) noexcept {
    if (left.size() != right.size()) return false;
    return left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace blockstm

namespace blockstm::trie {

using Bytes = ByteView;
using blockstm::equal;  // beside that of paths

}  // namespace blockstm::trie
