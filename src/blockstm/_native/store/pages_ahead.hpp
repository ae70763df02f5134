// Pages of the file that blocks are going to need, read many at a time: those of accounts and slots, and of the nodes
// above them that are kept.
//
// A page that the system does not have in memory is read where it is first looked at, and one thread waits for one. So
// threads that do nothing else look at what is expected, in the order of the keys. Nothing is kept of what they find,
// and nothing is checked: that is left to who needs it, and finds the pages in memory.
//
// Threads: any number, each for what it expects, in a snapshot of its own.
#pragma once

#include "store/disk_accounts.hpp"
#include "store/disk_nodes.hpp"

namespace blockstm::store {

// An account or a slot that is expected, by its hashes.
struct Expected {
    uint8_t owner[HASH_SIZE];  // hashed address
    uint8_t slot[HASH_SIZE];
    bool is_slot = false;
};

class PagesAhead {
public:
    PagesAhead(FlatTables flat, NodeTables nodes) noexcept : flat_(flat), nodes_(nodes) {}

    // Looks at what is expected of accounts, 20 bytes each, and of slots, 52 each; or of changes, the records of
    // trie/account.hpp. What was looked at lately is left out. For how many pages that waited; where there is no memory
    // for it nothing is read. Pre: `closing` of the snapshot is shared, and it is open.
    uint64_t touch(Snapshot& snapshot, ByteView addresses, ByteView slots) noexcept;
    uint64_t touch_changed(Snapshot& snapshot, ByteView records) noexcept;

private:
    static constexpr uint64_t RECENT = 1 << 14;
    static constexpr uint64_t PART = 8;  // keys that a thread takes at once: neighbours, often of one page

    bool add(Array<Expected>& all, const uint8_t* address, const uint8_t* slot) noexcept;
    uint64_t touch_all(Snapshot& snapshot, Array<Expected>& all) noexcept;
    void touch_one(Reader& reader, const Expected& each) noexcept;
    void touch_nodes(Reader& reader, trie::Owner owner, trie::Path path, uint32_t first) noexcept;

    FlatTables flat_;
    NodeTables nodes_;
    Atomic<uint64_t> recent_[RECENT] = {};  // what was expected lately, each at one place: see `number_of`
};

}  // namespace blockstm::store
