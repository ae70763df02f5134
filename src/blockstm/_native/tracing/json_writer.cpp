// Strings in JSON; see json_writer.hpp.
#include "tracing/json_writer.hpp"

namespace blockstm::tracing {
namespace {

// Of a character in UTF-8: how many bytes it has, or how many begin one that goes on otherwise.
struct Character {
    uint64_t size;
    bool is_valid;
};

bool is_between(uint8_t byte, uint8_t least, uint8_t most) noexcept { return byte >= least && byte <= most; }

// The second byte says most: which are too long, surrogates, or beyond the last character (RFC 3629).
bool may_follow(uint8_t first, uint8_t second) noexcept {
    switch (first) {
        case 0xE0: return is_between(second, 0xA0, 0xBF);
        case 0xED: return is_between(second, 0x80, 0x9F);
        case 0xF0: return is_between(second, 0x90, 0xBF);
        case 0xF4: return is_between(second, 0x80, 0x8F);
        default: return is_between(second, 0x80, 0xBF);
    }
}

Character character_at(const uint8_t* at, uint64_t left) noexcept {
    const uint8_t first = at[0];
    if (first < 0x80) return {1, true};
    if (!is_between(first, 0xC2, 0xF4)) return {1, false};
    const uint64_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (uint64_t place = 1; place < size; ++place) {
        const bool is_second = place == 1;
        if (place >= left) return {place, false};
        if (!(is_second ? may_follow(first, at[1]) : is_between(at[place], 0x80, 0xBF))) return {place, false};
    }
    return {size, true};
}

}  // namespace

JsonWriter& JsonWriter::quantities(const uint8_t* words, uint64_t count) noexcept {
    constexpr uint64_t EACH_MAX = QUANTITY_MAX + 1;
    uint8_t* out = room(count * EACH_MAX + 2);
    if (out == nullptr) return *this;
    *out++ = '[';
    for (uint64_t place = 0; place < count; ++place) {
        u256 word;
        std::memcpy(word.limb, words + place * sizeof word, sizeof word);
        if (place != 0) *out++ = ',';
        out = put_quantity(out, word);
    }
    *out++ = ']';
    out_.truncate(static_cast<uint64_t>(out - out_.data()));
    return *this;
}

uint64_t JsonWriter::ascii(Span utf8) noexcept {
    uint8_t* const begin = room(2 * utf8.size);
    if (begin == nullptr) return utf8.size;
    uint8_t* out = begin;
    uint64_t place = 0;
    for (; place < utf8.size; ++place) {
        const uint8_t character = utf8.data[place];
        if (character == '"' || character == '\\') {
            *out++ = '\\', *out++ = character;
        } else if (character == '\n') {
            *out++ = '\\', *out++ = 'n';
        } else if (is_between(character, ' ', 0x7F)) {
            *out++ = character;
        } else {
            break;
        }
    }
    out_.truncate(static_cast<uint64_t>(out - out_.data()));
    return place;
}

JsonWriter& JsonWriter::string(Span utf8) noexcept {
    text("\"");
    for (uint64_t place = 0; place < utf8.size;) {
        const uint8_t* const at = utf8.data + place;
        if (const uint64_t copied = ascii({at, utf8.size - place})) {
            place += copied;
            continue;
        }
        const Character found = character_at(at, utf8.size - place);
        place += found.size;
        if (!found.is_valid) {
            text("\xEF\xBF\xBD");
        } else if (*at < ' ') {
            const uint8_t escaped[6] = {'\\', 'u', '0', '0', digit(*at >> 4), digit(*at & 15)};
            copy(escaped, sizeof escaped);
        } else {
            copy(at, found.size);
        }
    }
    return text("\"");
}

}  // namespace blockstm::tracing
