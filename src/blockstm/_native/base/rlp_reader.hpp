// Reads the items of an RLP list, one after another, strictly: an encoding that is not the only one of its
// value is refused. What is wrong with it, `blockstm.ethereum.rlp` says. Pure; any thread.
#pragma once

#include "base/bytes.hpp"

namespace blockstm::evm {

struct RlpItem {
    Span payload;
    bool is_list = false;
};

class RlpReader {
public:
    explicit RlpReader(Span items) noexcept : at_(items.data), end_(items.data + items.size) {}

    bool is_at_end() const noexcept { return at_ == end_; }
    const uint8_t* at() const noexcept { return at_; }

    // The next item; false where there is none, or it reaches beyond the end, or has a shorter encoding.
    bool next(RlpItem& item) noexcept {
        if (at_ == end_) return false;
        const uint8_t first = *at_;
        if (first < STRING) return take(item, at_, 1, false);
        const bool is_list = first >= LIST;
        uint64_t size = first - (is_list ? LIST : STRING);
        const uint8_t* start = at_ + 1;
        if (size > SHORT) {
            const uint64_t digits = size - SHORT;
            if (digits > left(start) || start[0] == 0) return false;
            size = 0;
            for (uint64_t place = 0; place < digits; ++place) size = size << 8 | start[place];
            start += digits;
            if (size <= SHORT) return false;
        }
        if (size == 1 && !is_list && left(start) != 0 && *start < STRING) return false;
        return take(item, start, size, is_list);
    }

    bool skip(uint64_t count) noexcept {
        RlpItem item;
        while (count-- > 0) {
            if (!next(item)) return false;
        }
        return true;
    }

private:
    static constexpr uint8_t STRING = 0x80, LIST = 0xC0;
    static constexpr uint64_t SHORT = 55;  // the longest payload whose length fits into the first byte

    uint64_t left(const uint8_t* from) const noexcept { return static_cast<uint64_t>(end_ - from); }

    bool take(RlpItem& item, const uint8_t* start, uint64_t size, bool is_list) noexcept {
        if (size > left(start)) return false;
        item = {{start, size}, is_list};
        at_ = start + size;
        return true;
    }

    const uint8_t* at_;
    const uint8_t* end_;
};

}  // namespace blockstm::evm
