// The root of a list: the trie over index -> item, the index as its RLP. A block commits to transactions,
// receipts and withdrawals by such roots. Pure; any thread.
#pragma once

#include "trie/builder.hpp"

namespace blockstm::trie {

// Empty items are none; `threads` share what is much. Out of memory or Ok.
inline Status ordered_root(const Bytes* items, uint64_t count, uint32_t threads,
                           uint8_t out[HASH_SIZE]) noexcept {
    constexpr uint64_t INDEX_SIZE_MAX = 9;
    Builder builder;
    Array<uint8_t> keys;
    if (!builder.reserve(count) || !keys.reserve(INDEX_SIZE_MAX * count)) return Status::OutOfMemory;
    const auto add = [&](uint64_t index) noexcept {
        uint8_t* key = keys.extend(rlp::number_size(index));
        const uint8_t* end = rlp::put_number(key, index);
        builder.add({key, end}, items[index]);
    };
    // In the order of the keys: 1 to 127 are their own encoding, 0 is 0x80, longer ones begin with 0x81.
    for (uint64_t index = 1; index < count && index < rlp::STRING; ++index) add(index);
    if (count != 0) add(0);
    for (uint64_t index = rlp::STRING; index < count; ++index) add(index);
    return builder.root(out, threads);
}

}  // namespace blockstm::trie
