// Code by its hash, as a JSON string: contracts are shown by many transactions of a block.
#pragma once

#include <algorithm>

#include "tracing/json_writer.hpp"

namespace blockstm::tracing {

// Filled by one thread, then read by any.
class CodeTexts {
public:
    // Hashes ascend from one call to the next. False where memory ran out.
    bool add(const Hash32& hash, Span code) noexcept {
        JsonWriter writer(texts_);
        writer.data(code);
        return writer.is_whole() && entries_.push({hash, texts_.size()});
    }

    uint64_t size() const noexcept { return texts_.size(); }  // of all texts, in bytes

    // Null where there is none.
    Span find(const Hash32& hash) const noexcept {
        const Entry* const found = std::lower_bound(entries_.begin(), entries_.end(), hash, is_before);
        if (found == entries_.end() || !(found->hash == hash)) return {};
        const uint64_t begin = found == entries_.begin() ? 0 : found[-1].end;
        return {texts_.data() + begin, found->end - begin};
    }

private:
    struct Entry {
        Hash32 hash;
        uint64_t end;  // of its text
    };

    static bool is_before(const Entry& entry, const Hash32& hash) noexcept {
        return std::memcmp(entry.hash.bytes, hash.bytes, sizeof hash.bytes) < 0;
    }

    Array<Entry> entries_;
    Bytes texts_;
};

}  // namespace blockstm::tracing
