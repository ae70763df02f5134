#include "store/pages_ahead.hpp"

#include <algorithm>

#include "store/waiting.hpp"

namespace blockstm::store {
namespace {

// Nibbles of the shortest path that is looked at in the trie of the accounts: what is above is some pages, in memory as
// soon as any block ran.
constexpr uint32_t ACCOUNT_PATH_MIN = 3;

uint64_t number_of(const Expected& each) noexcept {
    uint64_t owner, slot = 0;
    std::memcpy(&owner, each.owner, sizeof owner);
    if (each.is_slot) std::memcpy(&slot, each.slot, sizeof slot);
    return owner ^ slot * 0x9E3779B97F4A7C15 ^ each.is_slot;
}

bool is_before(const Expected& left, const Expected& right) noexcept {
    if (left.is_slot != right.is_slot) return right.is_slot;
    const int order = std::memcmp(left.owner, right.owner, HASH_SIZE);
    if (order != 0 || !left.is_slot) return order < 0;
    return std::memcmp(left.slot, right.slot, HASH_SIZE) < 0;
}

}  // namespace

uint64_t PagesAhead::touch(Snapshot& snapshot, ByteView addresses, ByteView slots) noexcept {
    Array<Expected> all;
    for (; addresses.size() >= ADDRESS_SIZE; addresses = addresses.subspan(ADDRESS_SIZE)) {
        if (!add(all, addresses.data(), nullptr)) return 0;
    }
    for (; slots.size() >= SLOT_KEY_SIZE; slots = slots.subspan(SLOT_KEY_SIZE)) {
        if (!add(all, slots.data(), slots.data() + ADDRESS_SIZE)) return 0;
    }
    return touch_all(snapshot, all);
}

uint64_t PagesAhead::touch_changed(Snapshot& snapshot, ByteView records) noexcept {
    Array<Expected> all;
    trie::Record record;
    for (trie::Records reader(records); !reader.at_end() && reader.next(record);) {
        if (!add(all, record.address, nullptr)) return 0;
        for (uint32_t index = 0; index < record.slot_count; ++index) {
            if (!add(all, record.address, record.slot(index))) return 0;
        }
    }
    return touch_all(snapshot, all);
}

// False: out of memory. That two threads may both leave out, or both take, what either has begun costs time alone.
bool PagesAhead::add(Array<Expected>& all, const uint8_t* address, const uint8_t* slot) noexcept {
    Expected each;
    keccak256(address, ADDRESS_SIZE, each.owner);
    each.is_slot = slot != nullptr;
    if (slot != nullptr) keccak256(slot, WORD_SIZE, each.slot);
    const uint64_t number = number_of(each);
    Atomic<uint64_t>& recent = recent_[number % RECENT];
    if (recent.peek() == number) return true;
    recent.suggest(number);
    return all.push(each);
}

uint64_t PagesAhead::touch_all(Snapshot& snapshot, Array<Expected>& all) noexcept {
    std::sort(all.data(), all.data() + all.size(), is_before);
    return run_while_waiting((all.size() + PART - 1) / PART, [&](uint64_t part) noexcept {
        Reader& reader = snapshot.take();
        const uint64_t end = std::min((part + 1) * PART, all.size());
        for (uint64_t place = part * PART; place < end; ++place) touch_one(reader, all[place]);
        reader.lock.unlock();
    });
}

void PagesAhead::touch_one(Reader& reader, const Expected& each) noexcept {
    if (!each.is_slot) {
        reader.touch(flat_.accounts, {each.owner, HASH_SIZE});
        return touch_nodes(reader, nullptr, trie::path_of({each.owner, HASH_SIZE}), ACCOUNT_PATH_MIN);
    }
    uint8_t key[OWNER_SIZE + HASH_SIZE];
    put_bytes(put_bytes(key, {each.owner, OWNER_SIZE}), {each.slot, HASH_SIZE});
    reader.touch(flat_.slots, {key, sizeof key});
    touch_nodes(reader, each.owner, trie::path_of({each.slot, HASH_SIZE}), 0);
}

// From a length of the path on, as far as there are nodes.
void PagesAhead::touch_nodes(Reader& reader, trie::Owner owner, trie::Path path, uint32_t first) noexcept {
    const uint32_t table = owner == nullptr ? nodes_.accounts : nodes_.storages;
    for (uint32_t size = first; size < path.size; ++size) {
        if (!reader.touch(table, NodeKey(owner, path.first(size)).view())) return;
    }
}

}  // namespace blockstm::store
