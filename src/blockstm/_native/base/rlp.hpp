// RLP (Yellow Paper, appendix B): a writer over memory whose size was asked before, and a strict reader: one
// value has one encoding, and nothing else is read. What is wrong with an encoding that it refuses,
// `blockstm.ethereum.codecs.rlp` says. Pure functions; any thread.
#pragma once

#include "base/byte_view.hpp"

namespace blockstm::rlp {

inline constexpr uint8_t STRING = 0x80;
inline constexpr uint8_t LIST = 0xc0;
inline constexpr uint64_t SHORT = 55;  // the longest payload whose size fits into the first byte

// How many bytes a number takes without leading zeros; none for zero.
inline uint32_t digits_of(uint64_t number) noexcept {
    return number == 0 ? 0 : (71 - static_cast<uint32_t>(__builtin_clzll(number))) / 8;
}

inline uint64_t header_size(uint64_t payload) noexcept {
    return payload <= SHORT ? 1 : 1 + digits_of(payload);
}

inline uint64_t list_size(uint64_t payload) noexcept { return header_size(payload) + payload; }

inline bool is_own_encoding(ByteView bytes) noexcept { return bytes.size() == 1 && bytes[0] < STRING; }

inline uint64_t string_size(ByteView bytes) noexcept {
    return is_own_encoding(bytes) ? 1 : header_size(bytes.size()) + bytes.size();
}

inline uint64_t number_size(uint64_t number) noexcept { return number < STRING ? 1 : 1 + digits_of(number); }

// The writers return the place behind what they wrote.
inline uint8_t* put_digits(uint8_t* out, uint64_t number, uint32_t count) noexcept {
    for (uint32_t left = count; left-- > 0;) *out++ = static_cast<uint8_t>(number >> 8 * left);
    return out;
}

inline uint8_t* put_header(uint8_t* out, uint64_t payload, uint8_t kind) noexcept {
    if (payload <= SHORT) {
        *out++ = static_cast<uint8_t>(kind + payload);
        return out;
    }
    const uint32_t digits = digits_of(payload);
    *out++ = static_cast<uint8_t>(kind + SHORT + digits);
    return put_digits(out, payload, digits);
}

inline uint8_t* put_list_header(uint8_t* out, uint64_t payload) noexcept {
    return put_header(out, payload, LIST);
}

inline uint8_t* put_string(uint8_t* out, ByteView bytes) noexcept {
    if (!is_own_encoding(bytes)) out = put_header(out, bytes.size(), STRING);
    return put_bytes(out, bytes);
}

inline uint8_t* put_number(uint8_t* out, uint64_t number) noexcept {
    if (number != 0 && number < STRING) {
        *out++ = static_cast<uint8_t>(number);
        return out;
    }
    const uint32_t digits = digits_of(number);
    *out++ = static_cast<uint8_t>(STRING + digits);
    return put_digits(out, number, digits);
}

// A big-endian word without its leading zeros.
inline ByteView trimmed(ByteView word) noexcept {
    while (!word.empty() && word[0] == 0) word = word.subspan(1);
    return word;
}

struct Item {
    bool is_list;
    ByteView payload;
    ByteView encoding;
};

// Reads the items that stand one behind the other in `rest`.
class Reader {
public:
    explicit Reader(ByteView bytes) noexcept : rest_(bytes) {}

    bool at_end() const noexcept { return rest_.empty(); }
    ByteView rest() const noexcept { return rest_; }

    // False: what comes next is nothing, runs past the end, or is not the one encoding of its value.
    bool next(Item& item) noexcept {
        if (rest_.empty()) return false;
        const uint8_t first = rest_[0];
        if (first < STRING) return take(item, false, 0, 1);
        const bool is_list = first >= LIST;
        const uint64_t size = first - (is_list ? LIST : STRING);
        if (size > SHORT) return next_long(item, is_list, size - SHORT);
        if (!take(item, is_list, 1, size)) return false;
        return is_list || !is_own_encoding(item.payload);
    }

    bool skip(uint64_t count) noexcept {
        Item item;
        while (count-- > 0) {
            if (!next(item)) return false;
        }
        return true;
    }

private:
    bool next_long(Item& item, bool is_list, uint64_t digits) noexcept {
        if (rest_.size() < 1 + digits || rest_[1] == 0) return false;
        uint64_t size = 0;
        for (uint64_t place = 1; place <= digits; ++place) size = size << 8 | rest_[place];
        return size > SHORT && take(item, is_list, 1 + digits, size);
    }

    bool take(Item& item, bool is_list, uint64_t header, uint64_t payload) noexcept {
        if (payload > rest_.size() - header) return false;
        item = {is_list, rest_.subspan(header, payload), rest_.first(header + payload)};
        rest_ = rest_.subspan(header + payload);
        return true;
    }

    ByteView rest_;
};

// The items of the one list that `bytes` are the encoding of.
inline bool read_list(ByteView bytes, ByteView& items) noexcept {
    Reader reader(bytes);
    Item item;
    if (!reader.next(item) || !item.is_list || !reader.at_end()) return false;
    items = item.payload;
    return true;
}

}  // namespace blockstm::rlp
