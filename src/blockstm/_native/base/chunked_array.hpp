// An array in chunks: records that stay where they are until all of them are given up at once.
//
// One owner, one thread. Records lie in chunks that are kept between uses, so that in steady state
// taking one costs no allocation. Taken records are in order of taking; `each` visits them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "base/bytes.hpp"

namespace blockstm {

template <class Record, uint64_t CHUNK_BITS = 5>
class ChunkedArray {
    static_assert(std::is_trivially_destructible_v<Record>);
    static constexpr uint64_t CHUNK_SIZE = uint64_t{1} << CHUNK_BITS;

public:
    ChunkedArray() noexcept = default;
    ChunkedArray(const ChunkedArray&) = delete;
    ChunkedArray& operator=(const ChunkedArray&) = delete;
    ~ChunkedArray() { shrink(0); }

    uint64_t size() const noexcept { return size_; }
    Record& operator[](uint64_t place) noexcept { return chunks_[place >> CHUNK_BITS][place & (CHUNK_SIZE - 1)]; }

    // A fresh record; null where memory ran out.
    Record* take() noexcept {
        if (size_ == chunks_.size() << CHUNK_BITS && !grow()) return nullptr;
        return new (&(*this)[size_++]) Record{};
    }

    // Gives up all records; keeps memory for about `kept` of them.
    void clear(uint64_t kept = 1 << 12) noexcept {
        size_ = 0;
        if (chunks_.size() << CHUNK_BITS > kept) shrink(kept >> CHUNK_BITS);
    }

    template <class Visit>
    bool each(Visit&& visit) noexcept {
        for (uint64_t place = 0; place < size_; ++place) {
            if (!visit((*this)[place])) return false;
        }
        return true;
    }

private:
    bool grow() noexcept {
        auto* chunk = static_cast<Record*>(std::malloc(CHUNK_SIZE * sizeof(Record)));
        if (chunk != nullptr && chunks_.push(chunk)) return true;
        std::free(chunk);
        return false;
    }

    void shrink(uint64_t chunks) noexcept {
        while (chunks_.size() > chunks) {
            std::free(chunks_.back());
            chunks_.pop();
        }
    }

    Array<Record*> chunks_;
    uint64_t size_ = 0;
};

}  // namespace blockstm
