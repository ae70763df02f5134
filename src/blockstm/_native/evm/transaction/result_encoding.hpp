// Writing a step's output: little-endian numbers and bytes, one behind the other. The layouts are in
// execute.hpp. False where memory ran out.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"

namespace blockstm::evm {

template <class Number>
inline void put_number(uint8_t* out, Number number) noexcept {
    for (uint64_t place = 0; place < sizeof(Number); ++place) {
        out[place] = static_cast<uint8_t>(static_cast<uint64_t>(number) >> (8 * place));
    }
}

template <class Number>
inline bool write_number(Bytes& encoded, Number number) noexcept {
    uint8_t bytes[sizeof(Number)];
    put_number(bytes, number);
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

// What the output of a transaction begins with.
struct ResultHead {
    bool succeeded;
    uint8_t failure;
    uint64_t gas_used;
    uint64_t before_refund;
    uint64_t state_gas;
    uint32_t output_size;
    uint32_t accesses_size;
};

inline constexpr uint64_t GAS_USED_AT = 2, BEFORE_REFUND_AT = 10, STATE_GAS_AT = 18, SIZES_AT = 26;
inline constexpr uint64_t RESULT_HEAD_BYTES = SIZES_AT + 2 * sizeof(uint32_t);

// In the first byte, beside whether it succeeded: behind the logs stands the sender's nonce. (2 is a block's end.)
inline constexpr uint8_t TELLS_NONCE = 4;

inline void encode_head(const ResultHead& head, uint8_t out[RESULT_HEAD_BYTES]) noexcept {
    out[0] = head.succeeded ? 1 : 0;
    out[1] = head.failure;
    put_number(out + GAS_USED_AT, head.gas_used);
    put_number(out + BEFORE_REFUND_AT, head.before_refund);
    put_number(out + STATE_GAS_AT, head.state_gas);
    put_number(out + SIZES_AT, head.output_size);
    put_number(out + SIZES_AT + sizeof head.output_size, head.accesses_size);
}

}  // namespace blockstm::evm
