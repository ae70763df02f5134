// Tries that a source took whole, until their nodes say so. That is left to who needs the tries next, beside the blocks
// that run, and not to who waits until they are written; of a chain that is closed then nobody needs them.
//
// Used under the store's lock.
#pragma once

#include <algorithm>

#include "trie/accounts.hpp"

namespace blockstm::trie {

class WrittenTries {
public:
    // Pre: none wait to be marked. `written` has nothing any more.
    void take(Accounts& written) noexcept {
        written.leave_notes();
        waiting_.share(written);  // without notes that takes no memory
        written.drop();
        is_waiting_ = true;
    }

    // Has the nodes say that they are stored; then those of `now`, which goes on from them, are forgotten where all
    // take more than `bytes_max`. Where memory is short for that, more stays.
    void mark(Accounts& now, NodeStore& store, uint64_t bytes_max) noexcept {
        if (!is_waiting_) return;
        is_waiting_ = false;
        waiting_.mark_stored();
        waiting_.drop();
        if (store.in_use() > bytes_max) now.unload(bytes_max);
    }

    // What nodes take, or will once those were marked.
    uint64_t in_use(NodeStore& store, uint64_t bytes_max) const noexcept {
        return is_waiting_ ? std::min(store.in_use(), bytes_max) : store.in_use();
    }

    // All nodes end with the store: nobody walks through them.
    void forget() noexcept { is_waiting_ = false; }

private:
    Accounts waiting_;
    bool is_waiting_ = false;
};

}  // namespace blockstm::trie
