// The few accounts or slots below a place of a trie, and the nodes that are made of them: see store/flat_values.hpp.
#pragma once

#include "store/flat_values.hpp"
#include "store/snapshot.hpp"
#include "trie/builder.hpp"
#include "trie/node_source.hpp"

namespace blockstm::store {

// What the keys of rows begin with that are below a path.
class RowPrefix {
public:
    RowPrefix() noexcept = default;
    RowPrefix(trie::Owner owner, trie::Path path) noexcept
        : owner_size_(owner == nullptr ? 0 : OWNER_SIZE), nibbles_(path.size) {
        uint8_t* place = put_bytes(bytes_, {owner, owner_size_});
        for (uint32_t nibble = 0; nibble < path.size; nibble += 2) {
            const uint8_t low = nibble + 1 < path.size ? path[nibble + 1] : 0;
            *place++ = static_cast<uint8_t>(path[nibble] << 4 | low);
        }
    }

    bool is_of_accounts() const noexcept { return owner_size_ == 0; }
    ByteView view() const noexcept { return {bytes_, owner_size_ + trie::packed_size(nibbles_)}; }

    bool begins(ByteView key) const noexcept {
        return key.size() == owner_size_ + HASH_SIZE && begins({key.data(), owner_size_},
                                                               trie::path_of(key.subspan(owner_size_)));
    }
    bool begins(ByteView owner, trie::Path path) const noexcept {
        if (owner.size() != owner_size_ || !equal(owner, {bytes_, owner_size_})) return false;
        const trie::Path ours{bytes_ + owner_size_, 0, nibbles_};
        return trie::shared_nibbles(path, ours) == nibbles_;
    }

private:
    uint64_t owner_size_ = 0;
    uint32_t nibbles_ = 0;
    uint8_t bytes_[OWNER_SIZE + HASH_SIZE];
};

// What was read below one place.
class Rows final : public trie::NodeReading::Left {
public:
    uint64_t count() const noexcept { return count_; }

    const RowPrefix& begin(trie::Owner owner, trie::Path path) noexcept {
        is_whole_ = false;
        count_ = 0;
        return prefix_ = RowPrefix(owner, path);
    }

    // Pre: they are not DERIVED_MAX yet. False: that is no row.
    bool add(const Pair& row) noexcept {
        Row& added = rows_[count_];
        added.size = 0;
        if (prefix_.is_of_accounts()) {
            added.size = put_account_leaf(added.value, row.value);
        } else if (FlatSlot slot; read_slot_row(row.value, slot)) {
            added.size = static_cast<uint64_t>(rlp::put_string(added.value, slot.value) - added.value);
        }
        put_bytes(added.key, row.key.subspan(row.key.size() - HASH_SIZE));
        ++count_;
        return added.size != 0;
    }

    // They are all there are, as of a state.
    void end(uint64_t state) noexcept {
        state_ = state;
        is_whole_ = true;
    }

    // Whether all rows of a state that are below a path are among these.
    bool have(uint64_t state, trie::Owner owner, trie::Path path) const noexcept {
        const ByteView whose{owner, owner == nullptr ? 0 : OWNER_SIZE};
        return is_whole_ && state_ == state && prefix_.begins(whose, path);
    }

    // The node that those make which are below a path. Pre: `have`.
    trie::Status encode(trie::Path path, trie::NodeReading& reading) const noexcept {
        const auto is_below = [&](const Row& row) noexcept {
            return trie::shared_nibbles(row.path(), path) == path.size;
        };
        uint64_t first = 0;
        while (first != count_ && !is_below(rows_[first])) ++first;
        uint64_t end = first;
        while (end != count_ && is_below(rows_[end])) ++end;
        if (first == end) return trie::Status::Missing;
        reading.weight = static_cast<trie::Weight>(end - first);
        if (end - first > 1) return encode_above(first, end, path.size, reading);
        const Row& row = rows_[first];
        return trie::encode_leaf(reading.encoding, row.path().from(path.size), row.view()) ? trie::Status::Ok
                                                                                           : trie::Status::OutOfMemory;
    }

private:
    struct Row {
        uint8_t key[HASH_SIZE];
        uint8_t value[trie::ACCOUNT_SIZE_MAX];
        uint64_t size;

        trie::Path path() const noexcept { return trie::path_of({key, HASH_SIZE}); }
        ByteView view() const noexcept { return {value, size}; }
    };

    trie::Status encode_above(uint64_t first, uint64_t end, uint32_t depth, trie::NodeReading& reading) const noexcept {
        trie::Builder builder;
        for (uint64_t place = first; place < end; ++place) {
            if (!builder.add({rows_[place].key, HASH_SIZE}, rows_[place].view())) return trie::Status::OutOfMemory;
        }
        uint64_t below[trie::BRANCH_WIDTH];
        const trie::Status status = builder.encoded_node(depth, reading.encoding, below);
        for (int index = 0; index < trie::BRANCH_WIDTH; ++index) {
            reading.below[index] = static_cast<trie::Weight>(below[index]);
        }
        return status;
    }

    RowPrefix prefix_;
    uint64_t state_ = 0;
    bool is_whole_ = false;
    uint64_t count_ = 0;
    Row rows_[trie::DERIVED_MAX];
};

}  // namespace blockstm::store
