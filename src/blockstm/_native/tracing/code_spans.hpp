// Code by its hash: contracts are shown by many transactions of a block.
#pragma once

#include <algorithm>

#include "base/bytes.hpp"

namespace blockstm::tracing {

// Filled by one thread, then read by any. The bytes are others', who keep them.
class CodeSpans {
public:
    // Hashes ascend from one call to the next. False where memory ran out.
    bool add(const Hash32& hash, Span code) noexcept {
        size_ += code.size;
        return entries_.push({hash, code});
    }

    uint64_t size() const noexcept { return size_; }  // of all code, in bytes

    // Of nothing where there is none.
    Span find(const Hash32& hash) const noexcept {
        const Entry* const found = std::lower_bound(entries_.begin(), entries_.end(), hash, is_before);
        return found == entries_.end() || !(found->hash == hash) ? Span{} : found->code;
    }

private:
    struct Entry {
        Hash32 hash;
        Span code;
    };

    static bool is_before(const Entry& entry, const Hash32& hash) noexcept {
        return std::memcmp(entry.hash.bytes, hash.bytes, sizeof hash.bytes) < 0;
    }

    Array<Entry> entries_;
    uint64_t size_ = 0;
};

}  // namespace blockstm::tracing
