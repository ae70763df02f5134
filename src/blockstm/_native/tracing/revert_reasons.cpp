// Reasons of reverts; see revert_reasons.hpp.
#include "tracing/revert_reasons.hpp"

#include <cstdio>

namespace blockstm::tracing {
namespace {

constexpr uint64_t SELECTOR = 4, WORD = 32;
constexpr uint8_t ERROR[SELECTOR] = {0x08, 0xc3, 0x79, 0xa0};
constexpr uint8_t PANIC[SELECTOR] = {0x4e, 0x48, 0x7b, 0x71};

const char* words_of_panic(uint64_t code) noexcept {
    switch (code) {
        case 0x00: return "generic panic";
        case 0x01: return "assert(false)";
        case 0x11: return "arithmetic underflow or overflow";
        case 0x12: return "division or modulo by zero";
        case 0x21: return "enum overflow";
        case 0x22: return "invalid encoded storage byte array accessed";
        case 0x31: return "out-of-bounds array access; popping on an empty array";
        case 0x32: return "out-of-bounds access of an array or bytesN";
        case 0x41: return "out of memory";
        case 0x51: return "uninitialized function";
        default: return nullptr;
    }
}

Span panic_reason(const u256& code, RevertRoom& room) noexcept {
    const bool is_small = !(code >= u256{256});
    const char* const words = is_small ? words_of_panic(code.limb[0]) : nullptr;
    int size = std::snprintf(room.text, sizeof room.text, "%s", words != nullptr ? words : "unknown panic code: 0x");
    if (words == nullptr) {
        uint64_t digits = 1;
        while (digits < 2 * WORD && !shr(code, uint64_t{4 * digits}).is_zero()) ++digits;
        for (uint64_t digit = digits; digit-- > 0;) {
            room.text[size++] = "0123456789abcdef"[shr(code, uint64_t{4 * digit}).limb[0] & 15];
        }
    }
    return {reinterpret_cast<const uint8_t*>(room.text), static_cast<uint64_t>(size)};
}

// The number in a word of the arguments, if it says where something in them is, or how long that is.
bool place_in(Span arguments, uint64_t at, uint64_t& place) noexcept {
    if (at > arguments.size || arguments.size - at < WORD) return false;
    const u256 number = load_be(arguments.data + at);
    place = number.limb[0];
    return !(number >= u256{arguments.size + 1});
}

// The one argument, a string; nothing where the bytes are no encoding of one.
Span string_in(Span arguments) noexcept {
    uint64_t place = 0, size = 0;
    if (arguments.size < 2 * WORD || !place_in(arguments, 0, place) || !place_in(arguments, place, size)) return {};
    const uint64_t begin = place + WORD;
    if (size > arguments.size - begin) return {};
    return {arguments.data + begin, size};
}

}  // namespace

Span revert_reason(Span output, RevertRoom& room) noexcept {
    if (output.size < SELECTOR) return {};
    const Span arguments{output.data + SELECTOR, output.size - SELECTOR};
    if (std::memcmp(output.data, PANIC, SELECTOR) == 0 && arguments.size >= WORD) {
        return panic_reason(load_be(arguments.data), room);
    }
    return std::memcmp(output.data, ERROR, SELECTOR) == 0 ? string_in(arguments) : Span{};
}

}  // namespace blockstm::tracing
