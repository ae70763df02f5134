// Hashes side by side: keccak256_many works on several messages at once, so a caller with many to hash
// collects them here first. A batch belongs to one thread.
#pragma once

#include "trie/encoding.hpp"

namespace blockstm::trie {

inline constexpr uint64_t BATCH_SIZE = 64;

// Hashes of bytes that someone else keeps until `finish`.
class HashBatch {
public:
    void add(Bytes bytes, uint8_t out[HASH_SIZE]) noexcept {
        if (count_ == BATCH_SIZE) finish();
        tasks_[count_++] = {bytes.data(), bytes.size(), out};
    }

    void finish() noexcept {
        keccak256_many(tasks_, count_);
        count_ = 0;
    }

private:
    KeccakTask tasks_[BATCH_SIZE];
    uint64_t count_ = 0;
};

// References of nodes: each is encoded at the end of `encodings`, then added. What one encodes from must be
// there before, so `finish` comes between a level of nodes and the one above.
class ReferenceBatch {
public:
    Array<uint8_t> encodings;

    // What was encoded since the last `add` becomes the reference, at the latest when `finish` is called.
    void add(Reference& out) noexcept {
        pending_[count_++] = {&out, encodings.size()};
        if (count_ == BATCH_SIZE) finish();
    }

    void finish() noexcept {
        HashBatch hashes;
        uint64_t start = 0;
        for (uint64_t index = 0; index < count_; ++index) {
            const auto [out, end] = pending_[index];
            const Bytes encoding{encodings.data() + start, end - start};
            start = end;
            if (encoding.size() < HASH_SIZE) {
                set_reference(*out, encoding);
            } else {
                out->size = HASH_SIZE;
                out->is_stored = 0;
                hashes.add(encoding, out->bytes);
            }
        }
        hashes.finish();
        encodings.clear();
        count_ = 0;
    }

    // Forgets what was not finished.
    void clear() noexcept {
        encodings.clear();
        count_ = 0;
    }

private:
    struct Pending {
        Reference* out;
        uint64_t end;
    };

    Pending pending_[BATCH_SIZE];
    uint64_t count_ = 0;
};

}  // namespace blockstm::trie
