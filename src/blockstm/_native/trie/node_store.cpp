#include "trie/node_store.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/atomics.hpp"

namespace blockstm::trie {

NodeStore::~NodeStore() { std::free(entries_); }

// Where `hash` is or would be. The table is never full, and a keccak is as good a number as any.
NodeStore::Entry* NodeStore::place_of(const uint8_t hash[HASH_SIZE]) const noexcept {
    uint64_t place;
    std::memcpy(&place, hash, sizeof place);
    for (;; ++place) {
        Entry* entry = entries_ + (place & (capacity_ - 1));
        if (entry->data == nullptr || std::memcmp(entry->hash, hash, HASH_SIZE) == 0) return entry;
    }
}

// Room for more, so that at least a quarter stays free.
bool NodeStore::reserve(uint64_t more) noexcept {
    uint64_t capacity = capacity_ == 0 ? 64 : capacity_;
    while ((count_ + more) * 4 > capacity * 3) capacity *= 2;
    if (capacity == capacity_) return true;
    auto* entries = static_cast<Entry*>(std::calloc(capacity, sizeof(Entry)));
    if (entries == nullptr) return false;
    Entry* const before = entries_;
    const uint64_t count = capacity_;
    entries_ = entries;
    capacity_ = capacity;
    for (uint64_t index = 0; index < count; ++index) {
        if (before[index].data != nullptr) *place_of(before[index].hash) = before[index];
    }
    std::free(before);
    return true;
}

bool NodeStore::add_all(const Bytes* encodings, uint64_t count, uint32_t threads) noexcept {
    struct Hash {
        uint8_t bytes[HASH_SIZE];
    };
    constexpr uint64_t PART_MIN = 256, SIDE_BY_SIDE = 64, PREFETCHED = 16;
    Array<Hash> hashes;
    if (!hashes.resize(count) || !reserve(count)) return false;
    run_even_parts(threads, count, PART_MIN, [&](uint64_t first, uint64_t size) noexcept {
        KeccakTask tasks[SIDE_BY_SIDE];
        uint64_t used = 0;
        for (uint64_t place = first; place < first + size; ++place) {
            tasks[used++] = {encodings[place].data(), encodings[place].size(), hashes[place].bytes};
            if (used == SIDE_BY_SIDE) keccak256_many(tasks, std::exchange(used, 0));
        }
        keccak256_many(tasks, used);
    });
    for (uint64_t place = 0; place < count; ++place) {
        if (place + PREFETCHED < count) prefetch_place_of(hashes[place + PREFETCHED].bytes);
        add(encodings[place], hashes[place].bytes);
    }
    return true;
}

void NodeStore::add(Bytes encoding, const uint8_t hash[HASH_SIZE]) noexcept {
    if (encoding.empty()) return;  // no node
    Entry* entry = place_of(hash);
    if (entry->data != nullptr) return;
    std::memcpy(entry->hash, hash, HASH_SIZE);
    entry->data = encoding.data();
    entry->size = encoding.size();
    ++count_;
}

void NodeStore::prefetch_place_of(const uint8_t hash[HASH_SIZE]) const noexcept {
    uint64_t place;
    std::memcpy(&place, hash, sizeof place);
    __builtin_prefetch(entries_ + (place & (capacity_ - 1)), 1);
}

bool NodeStore::find(const uint8_t hash[HASH_SIZE], Bytes& encoding) const noexcept {
    if (capacity_ == 0) return false;
    const Entry* entry = place_of(hash);
    if (entry->data == nullptr) return false;
    encoding = {entry->data, entry->size};
    return true;
}

// The encoding of the node that is blamed until it is there: known to have its hash.
Status Space::find(Path path, Weight weight, Bytes& encoding) noexcept {
    if (store_.find(blamed, encoding)) return Status::Ok;
    if (store_.source() == nullptr) return Status::Missing;
    ++read;
    reading_.encoding.clear();
    reading_.weight = weight;
    const Status status = store_.source()->read(owner, path, reading_);
    if (status != Status::Ok) return status;
    encoding = {reading_.encoding.data(), reading_.encoding.size()};
    uint8_t hash[HASH_SIZE];
    keccak256(encoding.data(), encoding.size(), hash);
    return std::memcmp(hash, blamed, HASH_SIZE) == 0 ? Status::Ok : Status::Malformed;
}

namespace {

void set_weights(Node* node, const NodeReading& reading) noexcept {
    node->weight = reading.weight;
    const auto set = [](Node* child, Weight weight) noexcept {
        if (child != nullptr && child->kind == Kind::Unresolved) child->weight = weight;
    };
    if (node->kind == Kind::Extension) set(static_cast<Extension*>(node)->child, reading.below[0]);
    if (node->kind != Kind::Branch) return;
    for (int index = 0; index < BRANCH_WIDTH; ++index) {
        set(static_cast<Branch*>(node)->children[index], reading.below[index]);
    }
}

}  // namespace

Status Space::resolve(Node*& node, Path path, bool is_below_extension) noexcept {
    std::memcpy(blamed, node->reference.bytes, HASH_SIZE);
    Bytes encoding;
    Status status = find(path, node->weight, encoding);
    if (status != Status::Ok) return status;
    if (encoding.size() < HASH_SIZE && path.size != 0) return Status::Malformed;  // it would stand in its parent
    Node* decoded;
    status = decode_node(pool, encoding, path.size, is_below_extension, decoded);
    if (status != Status::Ok) return status;
    if (encoding.size() < HASH_SIZE) {
        set_reference(decoded->reference, encoding);
    } else {
        decoded->reference = node->reference;
    }
    decoded->reference.is_stored = 1;
    if (store_.source() != nullptr) set_weights(decoded, reading_);
    release(pool, node);
    node = decoded;
    return Status::Ok;
}

bool Space::note_stale(Path path) noexcept {
    if (store_.source() == nullptr) return true;
    StalePlace place;
    place.is_of_account = owner != nullptr;
    if (owner != nullptr) std::memcpy(place.owner, owner, HASH_SIZE);
    place.size = static_cast<uint8_t>(path.size);
    pack(path, place.packed);
    return stale.push(place);
}

bool NodeStore::prepare_spaces(uint32_t threads) noexcept {
    for (uint32_t thread = 1; thread < threads && thread < THREADS_MAX; ++thread) {
        auto& helper = helpers_[thread - 1];
        if (helper == nullptr) helper.reset(new (std::nothrow) Space(*this));
        if (helper == nullptr) return false;
        space_.pool.share_free(helper->pool);
    }
    return true;
}

// Much is refreshed in parts: what is below a few nodes each, which stays in a core's cache.
bool NodeStore::refresh(Node* const* tops, uint64_t count, uint32_t threads) noexcept {
    if (!upper_.gather_levels(tops, count, SHARED_MIN)) return false;
    const std::span<Node* const> rest = upper_.rest();
    if (!rest.empty()) {
        constexpr uint64_t STEP = 2 * BATCH_SIZE;
        Atomic<bool> failed{!prepare_spaces(threads)};
        run_parts(threads, (rest.size() + STEP - 1) / STEP, [&](uint64_t part, uint32_t thread) noexcept {
            // To see it late is to do more in vain.
            if (failed.peek()) return;
            const auto nodes = rest.subspan(part * STEP, std::min(STEP, rest.size() - part * STEP));
            if (space(thread).refresher.refresh(nodes.data(), nodes.size())) return;
            failed.suggest(true);
        });
        if (failed.read_plain()) return false;
    }
    return upper_.compute_levels();
}

}  // namespace blockstm::trie
