// What was read from the disk lately, or written: fixed in size, read without locks.
//
// A set of four entries has a version, odd while one of them is written. A reader that sees it odd, or change,
// has a miss; a writer that finds it odd leaves, as a cache need not have everything. What is changed and not
// only filled (`update`) must come through: there is no other writer of that moment then, nor a reader that could
// take the old value for the new.
// A set begins with a few bits of the hash of each key, so that a search reads one cache line where it misses, and
// those of one entry where it hits.
#pragma once

#include <memory>
#include <new>

#include "base/array.hpp"
#include "base/atomics.hpp"
#include "base/byte_view.hpp"
#include "base/pages.hpp"

namespace blockstm::store {

template <uint32_t key_size, uint32_t value_size_max>
class CacheTable {
public:
    // As many entries as fit into so many bytes. False: out of memory.
    bool open(uint64_t bytes) noexcept {
        count_ = bytes / sizeof(Set) + 1;
        auto* const place = static_cast<Set*>(pages_take(count_ * sizeof(Set)));
        sets_.reset(place);
        if (place != nullptr) std::uninitialized_value_construct_n(place, count_);
        return place != nullptr;
    }

    // Asks for what a search of a key is going to read first.
    [[gnu::always_inline]] void expect(ByteView key) const noexcept {
        uint64_t words[KEY_WORDS];
        __builtin_prefetch(&sets_[place_of(load_key(key, words))]);
    }

    // `value` has room for value_size_max bytes.
    bool find(ByteView key, uint8_t* value, uint32_t& size) const noexcept {
        uint64_t words[KEY_WORDS];
        const uint64_t hash = load_key(key, words);
        const Set& set = sets_[place_of(hash)];
        const uint32_t version = set.version.observe();
        if ((version & 1) != 0) return false;
        for (uint32_t way = 0; way < WAYS; ++way) {
            if (!set.has(way, hash, words)) continue;
            const Entry& entry = set.entries[way];
            uint64_t read[VALUE_WORDS];
            // Observed: if it is what a writer put there meanwhile, the version is seen to be another.
            for (uint32_t place = 0; place < VALUE_WORDS; ++place) {
                read[place] = entry.value[place].observe();
            }
            const uint32_t known = set.sizes[way].observe();
            if (set.version.peek() != version) return false;
            size = known - 1;
            std::memcpy(value, read, value_size_max);
            return known != 0;
        }
        return false;
    }

    void fill(ByteView key, ByteView value) noexcept {
        uint64_t words[KEY_WORDS];
        const uint64_t hash = load_key(key, words);
        Set& set = sets_[place_of(hash)];
        uint32_t version = set.version.peek();
        if ((version & 1) != 0) return;
        if (!set.version.replace(version, version + 1)) return;
        write(set, hash, words, value);
        set.version.publish(version + 2);
    }

    void update(ByteView key, ByteView value) noexcept { fill(key, value); }

private:
    static constexpr uint32_t KEY_WORDS = (key_size + 7) / 8;
    static constexpr uint32_t VALUE_WORDS = (value_size_max + 7) / 8;
    static constexpr uint32_t WAYS = 4;
    static_assert(value_size_max < UINT8_MAX);

    struct Entry {
        Atomic<uint64_t> key[KEY_WORDS];
        Atomic<uint64_t> value[VALUE_WORDS];
    };

    struct Set {
        Atomic<uint32_t> version;
        uint32_t next = 0;            // the entry that goes next; written under an odd version
        Atomic<uint16_t> tags[WAYS];  // of the hash of each key: others that have the same are only slower
        Atomic<uint8_t> sizes[WAYS];  // of each value, plus 1; 0 where the entry is free
        Entry entries[WAYS];

        bool has(uint32_t way, uint64_t hash, const uint64_t* words) const noexcept {
            // An old tag is a miss at worst: the key behind it is observed.
            if (tags[way].peek() != static_cast<uint16_t>(hash)) return false;
            for (uint32_t place = 0; place < KEY_WORDS; ++place) {
                if (entries[way].key[place].observe() != words[place]) return false;
            }
            return sizes[way].observe() != 0;
        }
    };

    struct Free {
        void operator()(Set* sets) const noexcept { std::free(sets); }
    };

    // The keys are hashes and addresses, and where they collide a cache is only slower.
    static uint64_t load_key(ByteView key, uint64_t* words) noexcept {
        words[KEY_WORDS - 1] = 0;
        std::memcpy(words, key.data(), key_size);
        uint64_t hash = 0x9e3779b97f4a7c15;
        for (uint32_t place = 0; place < KEY_WORDS; ++place) {
            hash = (hash ^ words[place]) * 0xff51afd7ed558ccd;
            hash ^= hash >> 32;
        }
        return hash;
    }

    // By the upper bits, so that there may be any number of sets.
    uint64_t place_of(uint64_t hash) const noexcept {
        return static_cast<uint64_t>(static_cast<unsigned __int128>(hash) * count_ >> 64);
    }

    static void write(Set& set, uint64_t hash, const uint64_t* words, ByteView value) noexcept {
        uint32_t way = 0;
        while (way < WAYS && !set.has(way, hash, words)) ++way;
        if (way == WAYS) way = set.next++ % WAYS;
        Entry& entry = set.entries[way];
        // Published behind the odd version: a reader that observes one of them sees that, too.
        uint64_t written[VALUE_WORDS] = {};
        put_bytes(reinterpret_cast<uint8_t*>(written), value);
        for (uint32_t place = 0; place < KEY_WORDS; ++place) {
            entry.key[place].publish(words[place]);
        }
        for (uint32_t place = 0; place < VALUE_WORDS; ++place) {
            entry.value[place].publish(written[place]);
        }
        set.sizes[way].publish(static_cast<uint8_t>(value.size() + 1));
        set.tags[way].publish(static_cast<uint16_t>(hash));
    }

    uint64_t count_ = 0;
    std::unique_ptr<Set[], Free> sets_;
};

}  // namespace blockstm::store
