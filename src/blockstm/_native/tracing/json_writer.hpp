// Appends JSON to bytes: quantities and data as Ethereum's JSON-RPC has them, strings, numbers.
//
// What does not fit in memory is left out and noted, so that it is asked once, at the end.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"

namespace blockstm::tracing {

class JsonWriter {
public:
    explicit JsonWriter(Bytes& out) noexcept : out_(out) {}

    // A literal, as it is.
    template <uint64_t size>
    JsonWriter& text(const char (&literal)[size]) noexcept {
        return copy(literal, size - 1);
    }
    JsonWriter& copy(const void* bytes, uint64_t size) noexcept {
        is_full_ = is_full_ || !out_.append(static_cast<const uint8_t*>(bytes), size);
        return *this;
    }

    // "0x" and two digits a byte.
    JsonWriter& data(const uint8_t* bytes, uint64_t size) noexcept {
        uint8_t* out = room(2 * size + 4);
        if (out == nullptr) return *this;
        *out++ = '"', *out++ = '0', *out++ = 'x';
        for (uint64_t place = 0; place < size; ++place) {
            out[2 * place] = digit(bytes[place] >> 4);
            out[2 * place + 1] = digit(bytes[place] & 15);
        }
        out[2 * size] = '"';
        return *this;
    }
    JsonWriter& data(Span span) noexcept { return data(span.data, span.size); }
    JsonWriter& data(const Address& address) noexcept { return data(address.bytes, sizeof address.bytes); }
    JsonWriter& data(const Hash32& hash) noexcept { return data(hash.bytes, sizeof hash.bytes); }

    // "0x" and digits without leading zeros.
    JsonWriter& quantity(uint64_t number) noexcept {
        uint8_t bytes[8];
        store_be64(number, bytes);
        return digits(bytes, sizeof bytes);
    }
    JsonWriter& quantity(const u256& number) noexcept {
        uint8_t bytes[32];
        store_be(number, bytes);
        return digits(bytes, sizeof bytes);
    }

    JsonWriter& decimal(uint64_t number) noexcept {
        char digits[20];
        int place = sizeof digits;
        do digits[--place] = static_cast<char>('0' + number % 10);
        while ((number /= 10) != 0);
        return copy(digits + place, sizeof digits - static_cast<uint64_t>(place));
    }

    // A string of bytes that should be UTF-8; what is none stands as replacement characters, one for each part that
    // begins a character and does not end it (Unicode 15, table 3-8).
    JsonWriter& string(Span utf8) noexcept;

    bool is_whole() const noexcept { return !is_full_; }

private:
    static uint8_t digit(int value) noexcept {
        return static_cast<uint8_t>(value + '0' + (value > 9 ? 'a' - '0' - 10 : 0));
    }

    uint8_t* room(uint64_t size) noexcept {
        uint8_t* const made = out_.extend(size);
        is_full_ = is_full_ || made == nullptr;
        return made;
    }

    JsonWriter& digits(const uint8_t* bytes, uint64_t size) noexcept {
        while (size > 1 && *bytes == 0) ++bytes, --size;
        char text[2 * 32 + 4] = {'"', '0', 'x'};
        uint64_t end = 3;
        if (*bytes > 15) text[end++] = static_cast<char>(digit(*bytes >> 4));
        text[end++] = static_cast<char>(digit(*bytes & 15));
        for (uint64_t place = 1; place < size; ++place) {
            text[end++] = static_cast<char>(digit(bytes[place] >> 4));
            text[end++] = static_cast<char>(digit(bytes[place] & 15));
        }
        text[end++] = '"';
        return copy(text, end);
    }

    Bytes& out_;
    bool is_full_ = false;
};

}  // namespace blockstm::tracing
