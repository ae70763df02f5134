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

uint64_t Builder::key_size_max() const noexcept {
    uint64_t size = 0;
    for (uint64_t place = 0; place < entries_.size(); ++place) size = std::max(size, entries_[place].key.size());
    return size;
}

Status Builder::root(uint8_t out[HASH_SIZE]) noexcept {
    if (!sort()) return Status::BadInput;
    Reference top;
    children_.clear();
    if (!children_.reserve(BRANCH_WIDTH * (2 * key_size_max() + 1))) return Status::OutOfMemory;
    if (entries_.size() != 0 && !node(entries_.begin(), entries_.end(), 0, top)) return Status::OutOfMemory;
    root_of(top, out);
    return Status::Ok;
}

// The node over entries that are sorted, at least one, and share their first `depth` nibbles. It and
// `children` call each other at most once for every nibble of a key; what needs much stack stands apart.
bool Builder::node(const Entry* first, const Entry* end, uint32_t depth, Reference& out) noexcept {
    if (end - first == 1) return leaf(*first, depth, out);
    const uint32_t count = shared(*first, end[-1], depth);
    const bool has_value = first->key.size() * 2 == depth + count;
    if (!children(first + has_value, end, depth + count)) return false;
    if (!branch(has_value ? first->value : Bytes{}, out)) return false;
    return count == 0 || extension(path_of(first->key).from(depth).first(count), out);
}

// Leaves the references of a branch's children, sixteen, at the end of `children_`.
bool Builder::children(const Entry* first, const Entry* end, uint32_t depth) noexcept {
    Reference* mine = children_.extend(BRANCH_WIDTH);
    for (int index = 0; index < BRANCH_WIDTH; ++index) mine[index].size = 0;
    while (first != end) {
        const uint8_t index = nibble(*first, depth);
        const Entry* next = first + 1;
        while (next != end && nibble(*next, depth) == index) ++next;
        if (!node(first, next, depth + 1, mine[index])) return false;
        first = next;
    }
    return true;
}

[[gnu::noinline]] bool Builder::leaf(const Entry& entry, uint32_t depth, Reference& out) noexcept {
    encoding_.clear();
    if (!encode_leaf(encoding_, path_of(entry.key).from(depth), entry.value)) return false;
    set_reference(out, {encoding_.data(), encoding_.size()});
    return true;
}

// Takes its children from the end of `children_`.
[[gnu::noinline]] bool Builder::branch(Bytes value, Reference& out) noexcept {
    const uint64_t place = children_.size() - BRANCH_WIDTH;
    const auto child = [&](int index) noexcept -> const Reference& { return children_[place + index]; };
    encoding_.clear();
    if (!encode_branch(encoding_, child, value)) return false;
    set_reference(out, {encoding_.data(), encoding_.size()});
    children_.truncate(place);
    return true;
}

// Stands above the node that `out` refers to.
[[gnu::noinline]] bool Builder::extension(Path path, Reference& out) noexcept {
    encoding_.clear();
    if (!encode_extension(encoding_, path, out)) return false;
    set_reference(out, {encoding_.data(), encoding_.size()});
    return true;
}

}  // namespace blockstm::trie
