#include "trie/builder.hpp"

#include <algorithm>

namespace blockstm::trie {
namespace {

constexpr uint32_t ORDER_SIZE = 8;
constexpr uint32_t ORDER_NIBBLES = 2 * ORDER_SIZE;

uint64_t order_of(Bytes key) noexcept {
    uint64_t order = 0;
    const uint32_t size = key.size() < ORDER_SIZE ? static_cast<uint32_t>(key.size()) : ORDER_SIZE;
    for (uint32_t place = 0; place < size; ++place) order |= static_cast<uint64_t>(key[place]) << (56 - 8 * place);
    return order;
}

}  // namespace

bool Builder::add(Bytes key, Bytes value) noexcept {
    return value.empty() || entries_.push({order_of(key), key, value});
}

bool Builder::less(const Entry& left, const Entry& right) noexcept {
    if (left.order != right.order) return left.order < right.order;
    const uint64_t size = std::min(left.key.size(), right.key.size());
    const int order = size == 0 ? 0 : std::memcmp(left.key.data(), right.key.data(), size);
    return order != 0 ? order < 0 : left.key.size() < right.key.size();
}

// False: a key stands there twice.
bool Builder::sort() noexcept {
    if (!std::is_sorted(entries_.begin(), entries_.end(), less)) std::sort(entries_.begin(), entries_.end(), less);
    const auto same = [](const Entry& left, const Entry& right) noexcept { return !less(left, right); };
    return std::adjacent_find(entries_.begin(), entries_.end(), same) == entries_.end();
}

// Nibbles that two keys share from `depth` on. Most of the time the answer is in the first bytes, which lie
// in the entry: no look at the keys, which lie anywhere.
uint32_t Builder::shared(const Entry& left, const Entry& right, uint32_t depth) noexcept {
    if (left.order != right.order && left.key.size() >= ORDER_SIZE && right.key.size() >= ORDER_SIZE) {
        return static_cast<uint32_t>(__builtin_clzll(left.order ^ right.order)) / 4 - depth;
    }
    return shared_nibbles(path_of(left.key).from(depth), path_of(right.key).from(depth));
}

uint8_t Builder::nibble(const Entry& entry, uint32_t depth) noexcept {
    if (depth < ORDER_NIBBLES) return entry.order >> (60 - 4 * depth) & 15;
    return path_of(entry.key)[depth];
}

Status Builder::root(uint8_t out[HASH_SIZE]) noexcept {
    if (!sort()) return Status::BadInput;
    Reference top;
    children_.clear();
    if (entries_.size() != 0 && !node(entries_.begin(), entries_.end(), 0, top)) return Status::OutOfMemory;
    root_of(top, out);
    return Status::Ok;
}

// The node over entries that are sorted, at least one, and share their first `depth` nibbles. It calls
// itself at most once for every nibble of a key.
bool Builder::node(const Entry* first, const Entry* end, uint32_t depth, Reference& out) noexcept {
    const Path path = path_of(first->key).from(depth);
    if (end - first == 1) {
        encoding_.clear();
        if (!encode_leaf(encoding_, path, first->value)) return false;
    } else if (const uint32_t count = shared(*first, end[-1], depth); count != 0) {
        Reference child;
        if (!node(first, end, depth + count, child)) return false;
        encoding_.clear();
        if (!encode_extension(encoding_, path.first(count), child)) return false;
    } else if (!branch(first, end, depth)) {
        return false;
    }
    set_reference(out, {encoding_.data(), encoding_.size()});
    return true;
}

// Leaves the encoding of the branch in `encoding_`.
bool Builder::branch(const Entry* first, const Entry* end, uint32_t depth) noexcept {
    Bytes value;
    if (first->key.size() * 2 == depth) value = (first++)->value;
    const uint64_t mine = children_.size();
    if (children_.extend(BRANCH_WIDTH) == nullptr) return false;
    for (int index = 0; index < BRANCH_WIDTH; ++index) children_[mine + index].size = 0;
    while (first != end) {
        const uint8_t index = nibble(*first, depth);
        const Entry* next = first + 1;
        while (next != end && nibble(*next, depth) == index) ++next;
        Reference child;  // not in place: the buffer moves when branches below make it grow
        if (!node(first, next, depth + 1, child)) return false;
        children_[mine + index] = child;
        first = next;
    }
    encoding_.clear();
    const auto child = [&](int index) noexcept -> const Reference& { return children_[mine + index]; };
    const bool is_done = encode_branch(encoding_, child, value);
    children_.truncate(mine);
    return is_done;
}

}  // namespace blockstm::trie
