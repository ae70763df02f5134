// An index: finds records by a hash of their key, and forgets all of them in one step.
//
// Open addressing with linear probing. A cell counts only if it carries the generation of now, so that
// `clear` is an addition and costs nothing for what a transaction before put in. One owner, one thread.
//
// Hashes must come from `table_hash`: authors of contracts choose the keys, and under a hash that they
// could foresee, a table would become a list (hash flooding).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace blockstm {

// Two random words, drawn once for this process; nothing that depends on them may reach a result.
struct TableSeed {
    uint64_t word[2];
};
const TableSeed& table_seed() noexcept;

inline uint64_t fold(uint64_t left, uint64_t right) noexcept {
    const unsigned __int128 product = static_cast<unsigned __int128>(left) * right;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <class Record>
class Index {
    struct Cell {
        uint32_t generation;
        uint32_t hash;  // its upper half; the cell's place comes from the lower one
        Record* record;
    };
    static constexpr uint64_t FIRST_CAPACITY = 64;
    static constexpr uint64_t KEPT_CAPACITY = 1 << 13;

public:
    Index() noexcept = default;
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;
    ~Index() { std::free(cells_); }

    // The record with this hash of which `is_it(record)` holds; null where there is none.
    template <class IsIt>
    Record* find(uint64_t hash, IsIt&& is_it) const noexcept {
        if (count_ == 0) return nullptr;
        for (uint64_t place = hash & mask_;; place = (place + 1) & mask_) {
            const Cell& cell = cells_[place];
            if (cell.generation != generation_) return nullptr;
            if (cell.hash == static_cast<uint32_t>(hash >> 32) && is_it(*cell.record)) return cell.record;
        }
    }

    // Adds a record that is not there; false where memory ran out. `hash_of(record)` is asked when the
    // index has to grow.
    template <class HashOf>
    bool add(uint64_t hash, Record* record, HashOf&& hash_of) noexcept {
        if ((count_ + 1) * 2 > capacity() && !grow(hash_of)) return false;
        put(hash, record);
        ++count_;
        return true;
    }

    void clear() noexcept {
        count_ = 0;
        if (capacity() > KEPT_CAPACITY) release();
        if (++generation_ == 0) {  // wrapped: cells of 2^32 uses ago would look fresh
            if (cells_ != nullptr) std::memset(static_cast<void*>(cells_), 0, capacity() * sizeof(Cell));
            generation_ = 1;
        }
    }

private:
    uint64_t capacity() const noexcept { return cells_ == nullptr ? 0 : mask_ + 1; }

    void release() noexcept {
        std::free(cells_);
        cells_ = nullptr;
        mask_ = 0;
    }

    void put(uint64_t hash, Record* record) noexcept {
        uint64_t place = hash & mask_;
        while (cells_[place].generation == generation_) place = (place + 1) & mask_;
        cells_[place] = {generation_, static_cast<uint32_t>(hash >> 32), record};
    }

    template <class HashOf>
    bool grow(HashOf&& hash_of) noexcept {
        const uint64_t old_capacity = capacity();
        const uint64_t wanted = old_capacity == 0 ? FIRST_CAPACITY : old_capacity * 2;
        auto* grown = static_cast<Cell*>(std::calloc(wanted, sizeof(Cell)));
        if (grown == nullptr) return false;
        Cell* old = cells_;
        cells_ = grown;
        mask_ = wanted - 1;
        for (uint64_t place = 0; place < old_capacity; ++place) {
            if (old[place].generation == generation_) put(hash_of(*old[place].record), old[place].record);
        }
        std::free(old);
        return true;
    }

    Cell* cells_ = nullptr;
    uint64_t mask_ = 0;
    uint64_t count_ = 0;
    uint32_t generation_ = 1;
};

}  // namespace blockstm
