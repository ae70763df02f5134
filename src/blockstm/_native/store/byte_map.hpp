// Keys to values, for what was changed and is not on the disk yet: account by address, slots by address and slot.
//
// Slots of an address are linked, so that they can be listed. An entry never goes; its value may be empty, which
// is a value, too: that nothing is there. Many may read while none changes it.
#pragma once

#include <sys/random.h>

#include <utility>

#include "base/array.hpp"
#include "base/byte_view.hpp"

namespace blockstm::store {

inline constexpr uint64_t ADDRESS_SIZE = 20;
inline constexpr uint64_t SLOT_KEY_SIZE = 52;

class ByteMap {
public:
    static constexpr uint32_t NONE = UINT32_MAX;

    struct Entry {
        uint64_t key, value;  // where they begin among the bytes
        uint32_t hash;
        uint32_t value_size;  // NONE: it has no value
        uint32_t room;        // that the value has
        uint32_t linked;      // the entry of the slot before it of its address; of an address that of its last slot
        uint8_t key_size;
    };

    ByteMap() noexcept {
        if (getrandom(seed_, sizeof seed_, 0) != sizeof seed_) seed_[0] = reinterpret_cast<uintptr_t>(this);
    }

    uint32_t count() const noexcept { return static_cast<uint32_t>(entries_.size()); }
    uint64_t memory() const noexcept {
        return bytes_.size() + entries_.size() * sizeof(Entry) + cells_.size() * sizeof(uint32_t);
    }
    const Entry& at(uint32_t number) const noexcept { return entries_[number]; }
    ByteView key_of(const Entry& entry) const noexcept { return {bytes_.data() + entry.key, entry.key_size}; }
    ByteView value_of(const Entry& entry) const noexcept { return {bytes_.data() + entry.value, entry.value_size}; }

    // Whether the key has a value.
    bool find(ByteView key, ByteView& value) const noexcept {
        const uint32_t number = number_of(key);
        if (number == NONE || entries_[number].value_size == NONE) return false;
        value = value_of(entries_[number]);
        return true;
    }

    // Ask for what a search of a key is going to read, in two steps, the second some time after the first: a map is
    // large, and where its keys stand is in no order.
    [[gnu::always_inline]] void expect(ByteView key) const noexcept {
        if (!cells_.empty()) __builtin_prefetch(&cells_[hash_of(key) & (cells_.size() - 1)]);
    }
    [[gnu::always_inline]] void expect_entry(ByteView key) const noexcept {
        if (cells_.empty()) return;
        const uint32_t number = cells_[hash_of(key) & (cells_.size() - 1)];
        if (number != NONE) __builtin_prefetch(&entries_[number]);
    }

    // The last slot of an address, or NONE; `at(number).linked` leads to the others.
    uint32_t last_slot(ByteView address) const noexcept {
        const uint32_t number = number_of(address);
        return number == NONE ? NONE : entries_[number].linked;
    }

    // False: out of memory.
    bool put(ByteView key, ByteView value) noexcept {
        const uint32_t known = number_of(key);
        const uint32_t number = known == NONE ? add(key) : known;
        if (number == NONE) return false;
        if (known == NONE && key.size() == SLOT_KEY_SIZE && !link(number, key.first(ADDRESS_SIZE))) return false;
        Entry& entry = entries_[number];
        if (entry.room < value.size()) {
            entry.value = bytes_.size();
            if (bytes_.extend(value.size()) == nullptr) return false;
            entry.room = static_cast<uint32_t>(value.size());
        }
        put_bytes(bytes_.data() + entry.value, value);
        entry.value_size = static_cast<uint32_t>(value.size());
        return true;
    }

    // Has room to put all of another map, which holds the address of each slot, too. False: out of memory.
    bool make_room_for(const ByteMap& other) noexcept {
        const uint64_t wanted = entries_.size() + other.entries_.size();
        while (2 * wanted > cells_.size()) {
            if (!grow()) return false;
        }
        return entries_.reserve(wanted) && bytes_.reserve(bytes_.size() + other.bytes_.size());
    }

    // The keys of one are hashed as those of the other then.
    void swap(ByteMap& other) noexcept {
        entries_.swap(other.entries_);
        bytes_.swap(other.bytes_);
        cells_.swap(other.cells_);
        std::swap(seed_, other.seed_);
    }

    void clear() noexcept {
        entries_.clear();
        bytes_.clear();
        cells_.clear();
        entries_.release_above(KEPT);
        bytes_.release_above(KEPT);
        cells_.release_above(KEPT);
    }

private:
    static constexpr uint64_t KEPT = 16 << 20;
    static constexpr uint64_t CELLS_MIN = 256;

    static uint64_t fold(uint64_t left, uint64_t right) noexcept {
        const unsigned __int128 product = static_cast<unsigned __int128>(left) * right;
        return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    }

    // Keyed, as contracts choose their slots; see base/hashing.pxd.
    uint32_t hash_of(ByteView key) const noexcept {
        uint64_t hash = seed_[0] ^ key.size(), word[2];
        uint64_t place = 0;
        for (; place + 16 <= key.size(); place += 16) {
            std::memcpy(word, key.data() + place, 16);
            hash = fold(word[0] ^ hash, word[1] ^ seed_[1]);
        }
        if (place != key.size()) {
            word[0] = word[1] = 0;
            std::memcpy(word, key.data() + place, key.size() - place);
            hash = fold(word[0] ^ hash, word[1] ^ seed_[1]);
        }
        return static_cast<uint32_t>(fold(hash ^ seed_[2], seed_[3] | 1));
    }

    uint32_t number_of(ByteView key) const noexcept {
        if (cells_.empty()) return NONE;
        const uint32_t hash = hash_of(key);
        const uint64_t mask = cells_.size() - 1;
        for (uint64_t place = hash & mask; cells_[place] != NONE; place = (place + 1) & mask) {
            const Entry& entry = entries_[cells_[place]];
            if (entry.hash == hash && equal(key_of(entry), key)) return cells_[place];
        }
        return NONE;
    }

    uint32_t add(ByteView key) noexcept {
        if (2 * (entries_.size() + 1) > cells_.size() && !grow()) return NONE;
        const uint64_t begin = bytes_.size();
        uint8_t* place = bytes_.extend(key.size());
        const uint32_t number = count();
        if (place == nullptr || number == NONE - 1) return NONE;
        put_bytes(place, key);
        const Entry entry{begin, 0, hash_of(key), NONE, 0, NONE, static_cast<uint8_t>(key.size())};
        if (!entries_.push(entry)) return NONE;
        put_cell(number);
        return number;
    }

    bool link(uint32_t slot, ByteView address) noexcept {
        const uint32_t known = number_of(address);
        const uint32_t number = known == NONE ? add(address) : known;
        if (number == NONE) return false;
        entries_[slot].linked = entries_[number].linked;
        entries_[number].linked = slot;
        return true;
    }

    void put_cell(uint32_t number) noexcept {
        const uint64_t mask = cells_.size() - 1;
        uint64_t place = entries_[number].hash & mask;
        while (cells_[place] != NONE) place = (place + 1) & mask;
        cells_[place] = number;
    }

    bool grow() noexcept {
        const uint64_t size = cells_.empty() ? CELLS_MIN : 2 * cells_.size();
        if (!cells_.resize(size)) return false;
        std::memset(static_cast<void*>(cells_.data()), 0xff, size * sizeof(uint32_t));
        for (uint32_t number = 0; number < count(); ++number) put_cell(number);
        return true;
    }

    Array<Entry> entries_;
    Array<uint8_t> bytes_;
    Array<uint32_t> cells_;  // entries by the low bits of their hash; a power of two of them
    uint64_t seed_[4];
};

}  // namespace blockstm::store
