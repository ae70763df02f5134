// Hashes of 64 bytes that were computed lately. Contracts find a mapping's slot by the hash of key and place,
// and the same one again and again: to read it, to write it, for the next transfer. What holds no hash yet is not
// touched: a memo takes no more pages than its block fills. One thread at a time.
#pragma once

#include "crypto/keccak.hpp"
#include "base/bytes.hpp"

namespace blockstm::evm {

class HashMemo {
public:
    static constexpr uint64_t SIZE = 64;  // bytes hashed
    static constexpr uint64_t MADE = 12;  // of those that were asked for, the first that are told

    const uint8_t* hash(const uint8_t* bytes) noexcept {
        Entry* entry = entry_of(bytes);
        if (entry == nullptr) {
            entry = &replaced(bytes);
            keccak256(bytes, SIZE, entry->hash);
        }
        if (made_count_ < MADE) made_[made_count_++] = entry;
        return entry->hash;
    }

    // The hash if it is remembered; null where it is not.
    const uint8_t* find(const uint8_t* bytes) noexcept {
        const Entry* entry = entry_of(bytes);
        return entry == nullptr ? nullptr : entry->hash;
    }
    // Remembers one that was made elsewhere; it must be right.
    void put(const uint8_t* bytes, const uint8_t* hash) noexcept {
        std::memcpy(replaced(bytes).hash, hash, sizeof(Entry::hash));
    }

    // The first few that were asked for since `begin`, unless others have taken their places.
    void begin() noexcept { made_count_ = 0; }
    uint64_t made_count() const noexcept { return made_count_; }
    const uint8_t* made(uint64_t place) const noexcept { return made_[place]->bytes; }
    const uint8_t* hash_made(uint64_t place) const noexcept { return made_[place]->hash; }

private:
    struct Entry {
        uint8_t bytes[SIZE];
        uint8_t hash[32];
    };

    static constexpr uint64_t SETS = 256;
    static constexpr uint64_t WAYS = 2;  // a hash made ahead is not lost to the next one in its place

    // The one of two entries that has these bytes, or null. It becomes the one that is replaced last.
    Entry* entry_of(const uint8_t* bytes) noexcept {
        const uint64_t set = set_of(bytes);
        for (uint64_t way = 0; way < WAYS; ++way) {
            Entry& entry = entries_[WAYS * set + way];
            if ((filled_[set] >> way & 1) == 0) continue;
            if (std::memcmp(entry.bytes, bytes, SIZE) != 0) continue;
            used_last_[set] = static_cast<uint8_t>(way);
            return &entry;
        }
        return nullptr;
    }

    // The other one of the two, with these bytes.
    Entry& replaced(const uint8_t* bytes) noexcept {
        const uint64_t set = set_of(bytes);
        used_last_[set] ^= 1;
        filled_[set] |= static_cast<uint8_t>(1 << used_last_[set]);
        Entry& entry = entries_[WAYS * set + used_last_[set]];
        std::memcpy(entry.bytes, bytes, SIZE);
        return entry;
    }

    // By what differs between entries of mappings: the ends of key and place, the key's middle.
    static uint64_t set_of(const uint8_t* bytes) noexcept {
        uint64_t key, middle, place;
        std::memcpy(&key, bytes + 24, sizeof key);
        std::memcpy(&middle, bytes + 16, sizeof middle);
        std::memcpy(&place, bytes + 56, sizeof place);
        return ((key ^ middle >> 7) + __builtin_bswap64(place)) * 0x9E3779B97F4A7C15 >> (64 - 8);
    }

    uint8_t used_last_[SETS] = {};
    uint8_t filled_[SETS] = {};  // a bit for each way
    const Entry* made_[MADE];
    uint64_t made_count_ = 0;
    Entry entries_[SETS * WAYS];
};

}  // namespace blockstm::evm
