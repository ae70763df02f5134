// Hashes of 64 bytes that were computed lately. Contracts find a mapping's slot by the hash of key and place,
// and the same one again and again: to read it, to write it, for the next transfer. One thread at a time.
#pragma once

#include "crypto/keccak.hpp"
#include "base/bytes.hpp"

namespace blockstm::evm {

class HashMemo {
public:
    static constexpr uint64_t SIZE = 64;  // bytes hashed

    // Each entry is right from the start: the hash of zeros.
    HashMemo() noexcept {
        keccak256(entries_[0].bytes, SIZE, entries_[0].hash);
        for (Entry& each : entries_) each = entries_[0];
    }

    const uint8_t* hash(const uint8_t* bytes) noexcept {
        Entry& entry = entries_[place_of(bytes)];
        if (made_count_ < MADE) made_[made_count_++] = &entry;
        if (std::memcmp(entry.bytes, bytes, SIZE) != 0) {
            std::memcpy(entry.bytes, bytes, SIZE);
            keccak256(bytes, SIZE, entry.hash);
        }
        return entry.hash;
    }

    // The hash if it is remembered; null where it is not.
    const uint8_t* find(const uint8_t* bytes) const noexcept {
        const Entry& entry = entries_[place_of(bytes)];
        return std::memcmp(entry.bytes, bytes, SIZE) == 0 ? entry.hash : nullptr;
    }
    // Remembers one that was made elsewhere; it must be right.
    void put(const uint8_t* bytes, const uint8_t* hash) noexcept {
        Entry& entry = entries_[place_of(bytes)];
        std::memcpy(entry.bytes, bytes, SIZE);
        std::memcpy(entry.hash, hash, sizeof entry.hash);
    }

    // The first few that were asked for since `begin`, unless others have taken their places.
    void begin() noexcept { made_count_ = 0; }
    uint64_t made_count() const noexcept { return made_count_; }
    const uint8_t* made(uint64_t place) const noexcept { return made_[place]->bytes; }

private:
    struct Entry {
        uint8_t bytes[SIZE] = {};
        uint8_t hash[32];
    };

    static constexpr uint64_t COUNT = 512;
    static constexpr uint64_t MADE = 8;

    // By what differs between entries of mappings: the ends of key and place, the key's middle.
    static uint64_t place_of(const uint8_t* bytes) noexcept {
        uint64_t key, middle, place;
        std::memcpy(&key, bytes + 24, sizeof key);
        std::memcpy(&middle, bytes + 16, sizeof middle);
        std::memcpy(&place, bytes + 56, sizeof place);
        return ((key ^ middle >> 7) + __builtin_bswap64(place)) * 0x9E3779B97F4A7C15 >> (64 - 9);
    }

    Entry entries_[COUNT];
    const Entry* made_[MADE];
    uint64_t made_count_ = 0;
};

}  // namespace blockstm::evm
