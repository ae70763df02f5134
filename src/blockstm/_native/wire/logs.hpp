// Logs as flat bytes, as the EVM puts them out, and the Bloom filter over them (Yellow Paper 4.3.1).
//
//   log count       4   all numbers little-endian
//   for each log:
//     address      20
//     topic count   1   at most 4
//     topics       32 each
//     data size     4
//     data
//
// A LogReader and a BloomFilter belong to one thread.
#pragma once

#include "base/array.hpp"
#include "base/byte_view.hpp"
#include "crypto/keccak.hpp"

namespace blockstm {

inline constexpr uint64_t LOG_ADDRESS_SIZE = 20;
inline constexpr uint64_t TOPIC_SIZE = 32;
inline constexpr uint32_t TOPICS_MAX = 4;

struct LogView {
    ByteView address;
    ByteView topics;  // of TOPIC_SIZE each
    ByteView data;
};

class LogReader {
public:
    explicit LogReader(ByteView bytes) noexcept : rest_(bytes) {
        ByteView count;
        is_good_ = take(4, count);
        if (is_good_) left_ = number(count);
    }

    // False at the end, which is a good one only if `is_good` says so.
    bool next(LogView& log) noexcept {
        if (!is_good_ || left_ == 0) {
            is_good_ = is_good_ && rest_.empty();
            return false;
        }
        --left_;
        ByteView count, size;
        is_good_ = take(LOG_ADDRESS_SIZE, log.address) && take(1, count) && count[0] <= TOPICS_MAX &&
                   take(TOPIC_SIZE * count[0], log.topics) && take(4, size) && take(number(size), log.data);
        return is_good_;
    }

    bool is_good() const noexcept { return is_good_; }

private:
    static uint32_t number(ByteView bytes) noexcept {
        return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
    }

    bool take(uint64_t size, ByteView& taken) noexcept {
        if (rest_.size() < size) return false;
        taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return true;
    }

    ByteView rest_;
    uint32_t left_ = 0;
    bool is_good_ = false;
};

inline constexpr uint64_t BLOOM_SIZE = 256;

// Three of 2,048 bits for each address and topic. It remembers the bits of what it met lately: a block names
// the same contracts and events over and over. What it did not meet waits, to be hashed side by side.
class BloomFilter {
public:
    // Sets bits of a filter, some of them now, the others until `finish`; both stay where they are until then.
    void add(const LogView& log, uint8_t bloom[BLOOM_SIZE]) noexcept {
        add(log.address, bloom);
        for (uint64_t place = 0; place < log.topics.size(); place += TOPIC_SIZE) {
            add(log.topics.subspan(place, TOPIC_SIZE), bloom);
        }
    }

    void finish() noexcept {
        if (waiting_count_ == 0) return;
        uint8_t hashes[WAITING_MAX][HASH_SIZE];
        KeccakTask tasks[WAITING_MAX];
        for (uint64_t place = 0; place < waiting_count_; ++place) {
            const ByteView element = waiting_[place].element;
            tasks[place] = {element.data(), element.size(), hashes[place]};
        }
        keccak256_many(tasks, waiting_count_);
        for (uint64_t place = 0; place < waiting_count_; ++place) {
            set_bits(learn(waiting_[place].element, hashes[place]), waiting_[place].bloom);
        }
        waiting_count_ = 0;
    }

    // All bits that it has set in any filter.
    const uint8_t (&all() const noexcept)[BLOOM_SIZE] { return all_; }

private:
    struct Known {
        uint8_t size = 0;  // 0: nothing is known here
        uint8_t element[TOPIC_SIZE];
        uint16_t bits[3];
    };
    struct Waiting {
        ByteView element;
        uint8_t* bloom;
    };
    static constexpr uint64_t KNOWN_COUNT = 256;
    static constexpr uint64_t WAITING_MAX = 64;

    void add(ByteView element, uint8_t bloom[BLOOM_SIZE]) noexcept {
        const Known& known = known_[place_of(element)];
        if (known.size == element.size() && std::memcmp(known.element, element.data(), element.size()) == 0) {
            return set_bits(known, bloom);
        }
        waiting_[waiting_count_++] = {element, bloom};
        if (waiting_count_ == WAITING_MAX) finish();
    }

    void set_bits(const Known& known, uint8_t bloom[BLOOM_SIZE]) noexcept {
        for (uint16_t bit : known.bits) {
            const uint8_t mask = static_cast<uint8_t>(1 << bit % 8);
            bloom[BLOOM_SIZE - 1 - bit / 8] |= mask;
            all_[BLOOM_SIZE - 1 - bit / 8] |= mask;
        }
    }

    const Known& learn(ByteView element, const uint8_t hash[HASH_SIZE]) noexcept {
        Known& known = known_[place_of(element)];
        for (int index = 0; index < 3; ++index) {
            known.bits[index] = static_cast<uint16_t>((hash[2 * index] << 8 | hash[2 * index + 1]) & 2047);
        }
        known.size = static_cast<uint8_t>(element.size());
        put_bytes(known.element, element);
        return known;
    }

    // Where an element would be known: mixed from its last bytes, where padded addresses and numbers differ,
    // and its first.
    static uint64_t place_of(ByteView element) noexcept {
        uint64_t first, last;
        std::memcpy(&first, element.data(), sizeof first);
        std::memcpy(&last, element.data() + element.size() - sizeof last, sizeof last);
        return ((first ^ last) * 0x9e3779b97f4a7c15) >> 56;
    }

    Known known_[KNOWN_COUNT];
    Waiting waiting_[WAITING_MAX];
    uint64_t waiting_count_ = 0;
    uint8_t all_[BLOOM_SIZE] = {};
};

}  // namespace blockstm
