// Appends JSON to bytes: quantities and data as Ethereum's JSON-RPC has them, strings, numbers.
//
// What does not fit in memory is left out and noted, so that it is asked once, at the end; likewise what is written
// after there are more bytes than there may be.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"

namespace blockstm::tracing {

class JsonWriter {
public:
    explicit JsonWriter(Bytes& out, uint64_t size_max = UINT64_MAX) noexcept : out_(out), size_max_(size_max) {}

    // A literal, as it is.
    template <uint64_t size>
    JsonWriter& text(const char (&literal)[size]) noexcept {
        return copy(literal, size - 1);
    }
    JsonWriter& copy(const void* bytes, uint64_t size) noexcept {
        is_full_ = is_full_ || is_over() || !out_.append(static_cast<const uint8_t*>(bytes), size);
        return *this;
    }

    JsonWriter& copy(Span span) noexcept { return copy(span.data, span.size); }

    // "0x" and two digits a byte.
    JsonWriter& data(const uint8_t* bytes, uint64_t size) noexcept {
        uint8_t* out = room(2 * size + 4);
        if (out == nullptr) return *this;
        *out++ = '"', *out++ = '0', *out++ = 'x';
        out = put_digits(out, bytes, size);
        *out = '"';
        return *this;
    }
    // Without "0x", nor marks around them.
    JsonWriter& bare_digits(Span span) noexcept {
        if (uint8_t* out = room(2 * span.size)) put_digits(out, span.data, span.size);
        return *this;
    }
    JsonWriter& data(Span span) noexcept { return data(span.data, span.size); }
    JsonWriter& data(const Address& address) noexcept { return data(address.bytes, sizeof address.bytes); }
    JsonWriter& data(const Hash32& hash) noexcept { return data(hash.bytes, sizeof hash.bytes); }
    // All of its digits.
    JsonWriter& word(const u256& number) noexcept {
        uint8_t bytes[32];
        store_be(number, bytes);
        return data(bytes, sizeof bytes);
    }

    // "0x" and digits without leading zeros.
    JsonWriter& quantity(uint64_t number) noexcept { return quantity(u256{number}); }
    JsonWriter& quantity(const u256& number) noexcept {
        uint8_t digits[QUANTITY_MAX];
        return copy(digits, static_cast<uint64_t>(put_quantity(digits, number) - digits));
    }
    // With a sign where it is negative, as refunds can be until a transaction ends.
    JsonWriter& quantity(int64_t number) noexcept {
        if (number >= 0) return quantity(static_cast<uint64_t>(number));
        uint8_t digits[QUANTITY_MAX + 1];
        const uint8_t* const end = put_quantity(digits + 1, u256{-static_cast<uint64_t>(number)});
        digits[0] = '"', digits[1] = '-';
        return copy(digits, static_cast<uint64_t>(end - digits));
    }
    // A list of quantities; words little-endian, not aligned.
    JsonWriter& quantities(const uint8_t* words, uint64_t count) noexcept;

    JsonWriter& decimal(uint64_t number) noexcept {
        char digits[20];
        int place = sizeof digits;
        do digits[--place] = static_cast<char>('0' + number % 10);
        while ((number /= 10) != 0);
        return copy(digits + place, sizeof digits - static_cast<uint64_t>(place));
    }
    JsonWriter& decimal(int64_t number) noexcept {
        if (number < 0) text("-");
        return decimal(number < 0 ? -static_cast<uint64_t>(number) : static_cast<uint64_t>(number));
    }

    // A string of bytes that should be UTF-8; what is none stands as replacement characters, one for each part that
    // begins a character and does not end it (Unicode 15, table 3-8).
    JsonWriter& string(Span utf8) noexcept;

    bool is_whole() const noexcept { return !is_full_ && !is_over(); }
    bool is_over() const noexcept { return out_.size() > size_max_; }  // more than there may be

private:
    static constexpr uint64_t QUANTITY_MAX = 2 * 32 + 4;

    static constexpr uint8_t digit(int value) noexcept {
        return static_cast<uint8_t>(value + '0' + (value > 9 ? 'a' - '0' - 10 : 0));
    }
    // Compilers make it work on 16 bytes at once, for which a table would be in the way: most of a pre-state is code.
    static uint8_t* put_digits(uint8_t* __restrict out, const uint8_t* __restrict bytes, uint64_t size) noexcept {
        for (uint64_t place = 0; place < size; ++place) {
            out[2 * place] = digit(bytes[place] >> 4);
            out[2 * place + 1] = digit(bytes[place] & 15);
        }
        return out + 2 * size;
    }
    static uint8_t* put_quantity(uint8_t* out, const u256& number) noexcept {
        uint8_t bytes[32];
        store_be(number, bytes);
        const uint32_t size = number.is_zero() ? 1 : byte_length(number);
        const uint8_t* first = bytes + sizeof bytes - size;
        *out++ = '"', *out++ = '0', *out++ = 'x';
        if (*first < 16) *out++ = digit(*first++);
        out = put_digits(out, first, static_cast<uint64_t>(bytes + sizeof bytes - first));
        *out++ = '"';
        return out;
    }

    // As many characters of a string as can be told without looking at those behind them: how many there were.
    uint64_t ascii(Span utf8) noexcept;

    uint8_t* room(uint64_t size) noexcept {
        uint8_t* const made = is_over() ? nullptr : out_.extend(size);
        is_full_ = is_full_ || made == nullptr;
        return made;
    }

    Bytes& out_;
    const uint64_t size_max_;
    bool is_full_ = false;
};

// An object that lasts as long as this does: its members are written one behind the other.
class JsonObject {
public:
    explicit JsonObject(JsonWriter& out) noexcept : out_(out) {}
    ~JsonObject() {
        if (is_empty_) out_.text("{");
        out_.text("}");
    }
    JsonObject(const JsonObject&) = delete;
    JsonObject& operator=(const JsonObject&) = delete;

    // What is written next is its value.
    template <uint64_t size>
    JsonWriter& member(const char (&name)[size]) noexcept {
        return begin().text("\"").text(name).text("\":");
    }
    JsonWriter& member(const Address& address) noexcept { return begin().data(address).text(":"); }
    JsonWriter& member(const u256& key) noexcept { return begin().word(key).text(":"); }

private:
    JsonWriter& begin() noexcept {
        if (is_empty_) out_.text("{");
        else out_.text(",");
        is_empty_ = false;
        return out_;
    }

    JsonWriter& out_;
    bool is_empty_ = true;
};

}  // namespace blockstm::tracing
