// Values as they stand in a table: the bytes, and behind them a checksum of the table, the key and the bytes.
//
// The pages of libmdbx have none, so a bit that the disk turned would be read as what was written. With it every
// value that is found is known to be the one that was put there; that a key is absent is known from its
// neighbours (see Reader::find).
// Pure functions; any thread.
#pragma once

#include "base/array.hpp"
#include "base/byte_view.hpp"

namespace blockstm::store {

inline constexpr uint64_t CHECKSUM_SIZE = 4;

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) inline uint32_t crc_by_instruction(uint32_t crc, ByteView bytes) noexcept {
    uint64_t wide = crc, word;
    const uint8_t* place = bytes.data();
    uint64_t left = bytes.size();
    for (; left >= 8; left -= 8, place += 8) {
        std::memcpy(&word, place, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = static_cast<uint32_t>(wide);
    for (; left != 0; --left) crc = __builtin_ia32_crc32qi(crc, *place++);
    return crc;
}
#endif

// CRC-32C, bit by bit: for machines without the instruction.
inline uint32_t crc_by_bits(uint32_t crc, ByteView bytes) noexcept {
    for (const uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    return crc;
}

inline uint32_t crc32c(uint32_t crc, ByteView bytes) noexcept {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2");
    if (has_instruction) return crc_by_instruction(crc, bytes);
#endif
    return crc_by_bits(crc, bytes);
}

inline uint32_t checksum_of(uint32_t table, ByteView key, ByteView value) noexcept {
    return ~crc32c(crc32c(~table, key), value);
}

// Writes a value and its checksum; `out` has room for both.
inline void put_checked(uint8_t* out, uint32_t table, ByteView key, ByteView value) noexcept {
    const uint32_t checksum = checksum_of(table, key, value);
    std::memcpy(put_bytes(out, value), &checksum, CHECKSUM_SIZE);
}

// Takes the checksum off; false: it is not that of the value.
inline bool read_checked(uint32_t table, ByteView key, ByteView stored, ByteView& value) noexcept {
    if (stored.size() < CHECKSUM_SIZE) return false;
    value = stored.first(stored.size() - CHECKSUM_SIZE);
    uint32_t checksum;
    std::memcpy(&checksum, stored.data() + value.size(), CHECKSUM_SIZE);
    return checksum == checksum_of(table, key, value);
}

}  // namespace blockstm::store
