// The root of a list: the trie over index -> item, the index as its RLP. A block commits to transactions,
// receipts and withdrawals by such roots. Pure; any thread.
//
// From index 256 on, items whose indices differ in the last byte alone have a branch to themselves. Such groups are
// made one by one, by several threads: what an item is encoded to is needed no longer than its group is.
#pragma once

#include <algorithm>
#include <memory>
#include <new>

#include "base/atomics.hpp"
#include "base/threads.hpp"
#include "trie/builder.hpp"

namespace blockstm::trie {

inline constexpr uint64_t ORDERED_GROUP = 256;

// A part of a list's trie in the making. Belongs to one thread.
class OrderedEntries {
public:
    // Forgets what was added; has room for as many entries. False: out of memory.
    bool begin(uint64_t count) noexcept {
        builder_.clear();
        keys_.clear();
        return builder_.reserve(count) && keys_.reserve(KEY_SIZE_MAX * count);
    }

    void add(uint64_t index, Bytes item) noexcept { builder_.add(key_of(index), item); }

    // In the order of the keys: 1 to 127 are their own encoding, 0 is 0x80, longer ones begin with 0x81.
    void add_all(uint64_t first, const Bytes* items, uint64_t count) noexcept {
        const uint64_t single = first == 0 ? std::min<uint64_t>(count, rlp::STRING) : 0;
        for (uint64_t place = 1; place < single; ++place) add(place, items[place]);
        if (single != 0) add(0, items[0]);
        for (uint64_t place = single; place < count; ++place) add(first + place, items[place]);
    }

    // The branch of a whole group, made by `close`.
    void add_branch(uint64_t first, const Reference& branch) noexcept {
        const Bytes key = key_of(first);
        builder_.add_branch(key.first(key.size() - 1), branch);
    }

    Status close(uint64_t first, Reference& branch) noexcept {
        return builder_.node(static_cast<uint32_t>(2 * (rlp::number_size(first) - 1)), branch);
    }

    Status root(uint8_t out[HASH_SIZE], uint32_t threads) noexcept { return builder_.root(out, threads); }

private:
    static constexpr uint64_t KEY_SIZE_MAX = 9;

    Bytes key_of(uint64_t index) noexcept {
        uint8_t* const key = keys_.extend(rlp::number_size(index));  // `begin` made room: it does not move
        return {key, rlp::put_number(key, index)};
    }

    Builder builder_;
    Array<uint8_t> keys_;
};

// `fill(first, size, thread, room, items)` says where items are, from that index on, or writes them into `room`, which
// is empty and stays until their group is done. It is called once for each group, by up to `threads` threads at once;
// false: out of memory. No item is empty.
template <class Fill>
Status ordered_root_of(uint64_t count, uint32_t threads, Fill fill, uint8_t out[HASH_SIZE]) noexcept {
    struct Worker {
        OrderedEntries entries;
        Array<uint8_t> room;
        Bytes items[ORDERED_GROUP];
    };
    // Items that share more than the bytes before their last have no branch there: they are left to the end, and so are
    // those of the first group, whose indices are one byte in part.
    const auto size_of = [=](uint64_t first) noexcept { return std::min(ORDERED_GROUP, count - first); };
    const auto has_branch = [=](uint64_t first) noexcept { return first != 0 && size_of(first) > BRANCH_WIDTH; };
    const uint64_t groups = (count + ORDERED_GROUP - 1) / ORDERED_GROUP;
    if (count < SHARED_MIN || threads < 1) threads = 1;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    const std::unique_ptr<Worker[]> workers(new (std::nothrow) Worker[threads]);
    Array<Reference> branches;
    if (workers == nullptr || !branches.resize(groups)) return Status::OutOfMemory;

    Atomic<Status> failed{Status::Ok};
    run_parts(threads, groups, [&](uint64_t group, uint32_t thread) noexcept {
        const uint64_t first = group * ORDERED_GROUP, size = std::min(ORDERED_GROUP, count - first);
        if (!has_branch(first) || failed.peek() != Status::Ok) return;
        auto& [entries, room, items] = workers[thread];
        room.clear();
        Status status = Status::OutOfMemory;
        if (entries.begin(size) && fill(first, size, thread, room, items)) {
            entries.add_all(first, items, size);
            status = entries.close(first, branches[group]);
        }
        if (status != Status::Ok) failed.suggest(status);
    });
    if (failed.read_plain() != Status::Ok) return failed.read_plain();

    OrderedEntries top;
    if (!top.begin(2 * ORDERED_GROUP + groups)) return Status::OutOfMemory;
    Array<uint8_t> rooms[2];  // of the first group and the last
    for (uint64_t group = 0; group < groups; ++group) {
        const uint64_t first = group * ORDERED_GROUP;
        if (has_branch(first)) {
            top.add_branch(first, branches[group]);
            continue;
        }
        Bytes* const items = workers[0].items;
        if (!fill(first, size_of(first), 0, rooms[first != 0], items)) return Status::OutOfMemory;
        top.add_all(first, items, size_of(first));
    }
    return top.root(out, threads);
}

// Of items that are there already. Empty ones are none.
inline Status ordered_root(const Bytes* items, uint64_t count, uint32_t threads,
                           uint8_t out[HASH_SIZE]) noexcept {
    if (std::any_of(items, items + count, [](Bytes item) noexcept { return item.empty(); })) {
        OrderedEntries all;
        if (!all.begin(count)) return Status::OutOfMemory;
        all.add_all(0, items, count);
        return all.root(out, threads);
    }
    const auto fill = [=](uint64_t first, uint64_t size, uint32_t, Array<uint8_t>&, Bytes* found) noexcept {
        std::copy_n(items + first, size, found);
        return true;
    };
    return ordered_root_of(count, threads, fill, out);
}

}  // namespace blockstm::trie
