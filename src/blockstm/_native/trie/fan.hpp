// Changes to one trie by several threads: whatever is below one child of its topmost branch, by one of them.
#pragma once

#include <algorithm>

#include "base/atomics.hpp"
#include "base/threads.hpp"
#include "trie/node_store.hpp"

namespace blockstm::trie {

// Calls `act(space, part, above, item)` once for each item: it changes the trie `part` at the key that is
// `key_of(item)` without its first `above` nibbles. In what order is left open. What one of them fails with is
// given back; the others may have been called or not.
// Few items are changed in `space`, which is the caller's; many, for which it is the store's first, by up to
// `threads` threads.
// Pre: nothing is removed, so that nothing but what is below a child changes with it; and for many, all nodes
// are in memory, so that the store is not read.
template <class Item, class KeyOf, class Act>
Status fan_out(NodeStore& store, Space& space, Trie& trie, Item* items, uint64_t count, uint32_t threads,
               KeyOf key_of, Act act) noexcept {
    const bool is_shared = threads > 1 && count >= SHARED_MIN;
    uint64_t begin = 0;
    for (; begin < count; ++begin) {
        if (is_shared && trie.top != nullptr && trie.top->kind == Kind::Branch) break;
        const Status status = act(space, trie, 0, items[begin]);
        if (status != Status::Ok) return status;
    }
    if (begin == count) return Status::Ok;
    // The items in the order of their first nibbles, and where those of each begin and end.
    LargeArray<uint64_t> order;
    uint64_t ends[BRANCH_WIDTH + 1] = {};
    const auto nibble = [&](uint64_t index) noexcept { return path_of(key_of(items[index]))[0]; };
    if (order.extend(count - begin) == nullptr || !store.prepare_spaces(threads) ||
        !own(space.pool, trie.top)) {
        return Status::OutOfMemory;
    }
    for (uint64_t index = begin; index < count; ++index) ++ends[nibble(index) + 1];
    for (int child = 0; child < BRANCH_WIDTH; ++child) ends[child + 1] += ends[child];
    uint64_t places[BRANCH_WIDTH];
    std::copy(ends, ends + BRANCH_WIDTH, places);
    for (uint64_t index = begin; index < count; ++index) order[places[nibble(index)]++] = index;

    auto* const branch = static_cast<Branch*>(trie.top);
    for (int child = 0; child < BRANCH_WIDTH; ++child) {
        if (ends[child] != ends[child + 1] && child_place(space.pool, branch, child) == nullptr) {
            return Status::OutOfMemory;
        }
    }
    branch->reference.size = 0;
    Atomic<Status> failed{Status::Ok};
    run_parts(threads, BRANCH_WIDTH, [&](uint64_t child, uint32_t thread) noexcept {
        Trie part{branch->children[child]};
        for (uint64_t place = ends[child]; place < ends[child + 1]; ++place) {
            // To see it late is to do more in vain.
            if (failed.peek() != Status::Ok) break;
            const Status status = act(store.space(thread), part, 1, items[order[place]]);
            if (status != Status::Ok) failed.suggest(status);
        }
        branch->children[child] = part.top;
    });
    return failed.read_plain();
}

}  // namespace blockstm::trie
