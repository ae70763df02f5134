// Senders by the hash of their transaction; what was met last stays. Its owner guards it.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/bytes.hpp"

namespace blockstm {

// An open table that only grows; a slot takes one cache line. Hashes are mixed with a seed of the process, so
// that nobody can choose ones that meet.
class SenderTable {
public:
    uint64_t count() const noexcept { return count_; }

    // Has room for so many more; false where memory ran out, and the table is as it was. It grows to what is asked
    // for, and not to a power of two: what a first block leaves is this in good part.
    bool reserve(uint64_t more, const uint64_t* seed) noexcept {
        const uint64_t count = count_ + more;
        return has_room(count) || grow(std::max({CAPACITY_MIN, count + count / 2, capacity_ + capacity_ / 2}), seed);
    }

    [[gnu::always_inline]] void prefetch(const Hash32& hash, const uint64_t* seed) const noexcept {
        if (slots_ != nullptr) __builtin_prefetch(&slots_.get()[first_place_of(hash, seed)]);
    }

    const Address* find(const Hash32& hash, const uint64_t* seed) const noexcept {
        if (slots_ == nullptr) return nullptr;
        const Slot& slot = slots_.get()[place_of(hash, seed)];
        return slot.is_taken ? &slot.sender : nullptr;
    }

    // False where memory ran out, and the table is as it was.
    bool add(const Hash32& hash, const Address& sender, const uint64_t* seed) noexcept {
        if (!reserve(1, seed)) return false;
        Slot& slot = slots_.get()[place_of(hash, seed)];
        count_ += !slot.is_taken;
        slot = {hash, sender, true};
        return true;
    }

private:
    struct alignas(64) Slot {
        Hash32 hash;
        Address sender;
        bool is_taken;
    };
    struct Free {
        void operator()(Slot* slots) const noexcept { std::free(slots); }
    };
    using Slots = std::unique_ptr<Slot, Free>;
    static constexpr uint64_t CAPACITY_MIN = 256;

    // Three of four slots may be taken.
    bool has_room(uint64_t count) const noexcept { return count <= capacity_ / 4 * 3; }

    uint64_t first_place_of(const Hash32& hash, const uint64_t* seed) const noexcept {
        uint64_t words[2];
        std::memcpy(words, hash.bytes, sizeof words);
        const auto mixed = static_cast<unsigned __int128>(words[0] ^ seed[0]) * (words[1] ^ seed[1]);
        const uint64_t folded = static_cast<uint64_t>(mixed) ^ static_cast<uint64_t>(mixed >> 64);
        return static_cast<uint64_t>(static_cast<unsigned __int128>(folded) * capacity_ >> 64);
    }

    // Where a hash is, or would be.
    uint64_t place_of(const Hash32& hash, const uint64_t* seed) const noexcept {
        for (uint64_t place = first_place_of(hash, seed);; ++place) {
            if (place == capacity_) place = 0;
            const Slot& slot = slots_.get()[place];
            if (!slot.is_taken || slot.hash == hash) return place;
        }
    }

    bool grow(uint64_t capacity, const uint64_t* seed) noexcept {
        Slots wider(static_cast<Slot*>(std::aligned_alloc(alignof(Slot), capacity * sizeof(Slot))));
        if (wider == nullptr) return false;
        std::memset(static_cast<void*>(wider.get()), 0, capacity * sizeof(Slot));
        std::swap(slots_, wider);  // `wider` has the old ones now
        const uint64_t before = std::exchange(capacity_, capacity);
        for (uint64_t place = 0; place < before; ++place) {
            const Slot& slot = wider.get()[place];
            if (slot.is_taken) slots_.get()[place_of(slot.hash, seed)] = slot;
        }
        return true;
    }

    Slots slots_;
    uint64_t capacity_ = 0, count_ = 0;
};

// Two generations of them: where the younger is full, it becomes the elder, and what was the elder is forgotten. So
// at least half of the limit is always kept, at most all of it.
class SenderGenerations {
public:
    void set_limit(uint64_t limit) noexcept { half_ = limit < 2 ? 1 : limit / 2; }
    uint64_t count() const noexcept { return younger_.count() + elder_.count(); }

    const Address* find(const Hash32& hash, const uint64_t* seed) const noexcept {
        const Address* found = younger_.find(hash, seed);
        return found != nullptr ? found : elder_.find(hash, seed);
    }

    // That so many are added soon.
    void expect(uint64_t count, const uint64_t* seed) noexcept {
        younger_.reserve(std::min(count, half_ - std::min(half_, younger_.count())), seed);
    }

    [[gnu::always_inline]] void prefetch(const Hash32& hash, const uint64_t* seed) const noexcept {
        younger_.prefetch(hash, seed);
    }

    // What there is no memory for is forgotten.
    void add(const Hash32& hash, const Address& sender, const uint64_t* seed) noexcept {
        if (younger_.count() >= half_) {
            elder_ = std::move(younger_);
            younger_ = SenderTable();
        }
        younger_.add(hash, sender, seed);
    }

    void clear() noexcept {
        younger_ = SenderTable();
        elder_ = SenderTable();
    }

private:
    uint64_t half_ = 1;
    SenderTable younger_, elder_;
};

}  // namespace blockstm
