#include "trie/node_store.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/atomics.hpp"
#include "base/pages.hpp"

namespace blockstm::trie {

namespace {

constexpr uint64_t SIDE_BY_SIDE = 8;   // what vectors take at once
constexpr uint64_t NODES_MIN = 256;    // of a part
constexpr uint64_t PARTS_PER_THREAD = 8;
constexpr uint32_t TAG_SHIFT = 32;

uint64_t first_word(const uint8_t hash[HASH_SIZE]) noexcept {
    uint64_t word;
    std::memcpy(&word, hash, sizeof word);
    return word;
}

}  // namespace

NodeStore::~NodeStore() { std::free(slots_); }

// Where `hash` is or would be. The table is never full, and a keccak is as good a number as any.
NodeStore::Slot* NodeStore::slot_of(const uint8_t hash[HASH_SIZE]) const noexcept {
    const uint64_t word = first_word(hash);
    for (uint64_t place = word;; ++place) {
        Slot* const slot = slots_ + (place & (capacity_ - 1));
        if (*slot == 0) return slot;
        if ((*slot ^ word) >> TAG_SHIFT != 0) continue;
        const uint64_t known = (*slot & UINT32_MAX) - 1;
        if (std::memcmp(hashes_[known].bytes, hash, HASH_SIZE) == 0) return slot;
    }
}

// Room for so many in all, so that at least a quarter stays free.
bool NodeStore::reserve(uint64_t count) noexcept {
    uint64_t capacity = capacity_ == 0 ? 64 : capacity_;
    while (count * 4 > capacity * 3) capacity *= 2;
    if (count >= UINT32_MAX || !hashes_.reserve(count)) return false;
    if (capacity == capacity_) return true;
    // Cleared by hand: fresh pages that are read before they are written cost two faults, and most of these will be.
    auto* const slots = static_cast<Slot*>(pages_take(capacity * sizeof(Slot)));
    if (slots == nullptr) return false;
    std::memset(slots, 0, capacity * sizeof(Slot));
    std::free(std::exchange(slots_, slots));
    capacity_ = capacity;
    for (uint64_t place = 0; place < encodings_.size(); ++place) enter(place);
    return true;
}

bool NodeStore::add_all(Array<Bytes>& encodings, std::span<KeccakTask> others, uint32_t threads) noexcept {
    constexpr uint64_t PREFETCHED = 16;
    const uint64_t first = encodings_.size(), count = encodings.size();
    if (!reserve(first + count)) return false;
    if (first == 0) {
        encodings_.swap(encodings);
    } else if (!encodings_.append(encodings.data(), count)) {
        return false;
    }
    if (!hashes_.resize(first + count)) return false;
    hash_all(first, others, threads);
    uint64_t kept = first;
    for (uint64_t place = first; place < first + count; ++place) {
        if (place + PREFETCHED < first + count) {
            __builtin_prefetch(slots_ + (first_word(hashes_[place + PREFETCHED].bytes) & (capacity_ - 1)), 1);
        }
        encodings_[kept] = encodings_[place];
        hashes_[kept] = hashes_[place];
        kept += enter(kept);
    }
    encodings_.truncate(kept);
    hashes_.truncate(kept);
    return true;
}

// The nodes from `first` on, and others, which may be long: like ones together, the longest first.
void NodeStore::hash_all(uint64_t first, std::span<KeccakTask> others, uint32_t threads) noexcept {
    std::sort(others.begin(), others.end(),
              [](const KeccakTask& left, const KeccakTask& right) noexcept { return left.size > right.size; });
    const uint64_t count = encodings_.size() - first;
    const uint64_t size = std::max(NODES_MIN, count / (threads * PARTS_PER_THREAD));
    const uint64_t other_parts = (others.size() + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE;
    run_parts(threads, other_parts + (count + size - 1) / size, [&](uint64_t part, uint32_t) noexcept {
        if (part < other_parts) {
            const uint64_t begin = part * SIDE_BY_SIDE;
            keccak256_many(others.data() + begin, std::min(SIDE_BY_SIDE, others.size() - begin));
        } else {
            const uint64_t begin = first + (part - other_parts) * size;
            hash_nodes(begin, std::min(begin + size, encodings_.size()));
        }
    });
}

void NodeStore::hash_nodes(uint64_t begin, uint64_t end) noexcept {
    constexpr uint64_t BATCH = 128;
    KeccakTask tasks[BATCH];
    uint64_t used = 0;
    for (uint64_t place = begin; place < end; ++place) {
        tasks[used++] = {encodings_[place].data(), encodings_[place].size(), hashes_[place].bytes};
        if (used == BATCH) keccak256_many(tasks, std::exchange(used, 0));
    }
    keccak256_many(tasks, used);
}

// Puts a node that is in the lists into the table. False: it is none, or there already.
bool NodeStore::enter(uint64_t place) noexcept {
    if (encodings_[place].empty()) return false;
    Slot* const slot = slot_of(hashes_[place].bytes);
    if (*slot != 0) return false;
    *slot = first_word(hashes_[place].bytes) >> TAG_SHIFT << TAG_SHIFT | (place + 1);
    return true;
}

bool NodeStore::find(const uint8_t hash[HASH_SIZE], Bytes& encoding) const noexcept {
    if (capacity_ == 0) return false;
    const Slot slot = *slot_of(hash);
    if (slot == 0) return false;
    encoding = encodings_[(slot & UINT32_MAX) - 1];
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
    const bool stays = store_.source() == nullptr;
    status = decode_node(pool, encoding, stays, path.size, is_below_extension, decoded);
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
    return stale.push(StalePlace(owner, path));
}

bool NodeStore::prepare_spaces(uint32_t threads) noexcept {
    for (uint32_t thread = 1; thread < threads && thread < THREADS_MAX; ++thread) {
        auto& helper = helpers_[thread - 1];
        if (helper == nullptr) helper.reset(new (std::nothrow) Space(*this));
        if (helper == nullptr) return false;
        helper->pool.set_store(space_.pool.store());
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
