// Writing a step's output: little-endian numbers and bytes, one behind the other. The layouts are in
// execute.hpp. False where memory ran out.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"

namespace blockstm::evm {

template <class Number>
inline bool write_number(Bytes& encoded, Number number) noexcept {
    uint8_t bytes[sizeof(Number)];
    for (uint64_t place = 0; place < sizeof(Number); ++place) {
        bytes[place] = static_cast<uint8_t>(static_cast<uint64_t>(number) >> (8 * place));
    }
    return encoded.append(bytes, sizeof bytes);
}

inline bool write_word(Bytes& encoded, const u256& word) noexcept {
    for (const uint64_t limb : word.limb) {
        if (!write_number(encoded, limb)) return false;
    }
    return true;
}

inline bool write_sized(Bytes& encoded, Span bytes) noexcept {
    return write_number(encoded, static_cast<uint32_t>(bytes.size)) && encoded.append(bytes.data, bytes.size);
}

}  // namespace blockstm::evm
