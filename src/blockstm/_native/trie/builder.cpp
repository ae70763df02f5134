#include "trie/builder.hpp"

#include <algorithm>

#include "base/atomics.hpp"
#include "base/threads.hpp"

namespace blockstm::trie {
namespace {

constexpr uint32_t ORDER_SIZE = 8;
constexpr uint32_t ORDER_NIBBLES = 2 * ORDER_SIZE;

}  // namespace

uint64_t Builder::order_of(Bytes key) noexcept {
    uint8_t first[ORDER_SIZE] = {};
    put_bytes(first, key.size() < ORDER_SIZE ? key : key.first(ORDER_SIZE));
    uint64_t order = 0;
    for (const uint8_t byte : first) order = order << 8 | byte;
    return order;
}

void Builder::clear() noexcept {
    entries_.clear();
    ends_.clear();
}

bool Builder::add(Bytes key, Bytes value) noexcept {
    return value.empty() || entries_.push({order_of(key), key, value});
}

bool Builder::less(const Entry& left, const Entry& right) noexcept {
    if (left.order != right.order) return left.order < right.order;
    const uint64_t size = std::min(left.key.size(), right.key.size());
    const int order = size == 0 ? 0 : std::memcmp(left.key.data(), right.key.data(), size);
    return order != 0 ? order < 0 : left.key.size() < right.key.size();
}

// Each trie's entries by key. False: a key stands there twice.
bool Builder::sort() noexcept {
    const auto same = [](const Entry& left, const Entry& right) noexcept { return !less(left, right); };
    Entry* first = entries_.begin();
    for (const uint64_t end : ends_) {
        Entry* const last = entries_.begin() + end;
        if (!std::is_sorted(first, last, less)) std::sort(first, last, less);
        if (std::adjacent_find(first, last, same) != last) return false;
        first = last;
    }
    return true;
}

// Nibbles that two keys share from `depth` on. Most of the time the answer is in the first bytes, which lie
// in the entry: the keys, which lie anywhere, are not read.
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

Status Builder::roots(uint8_t* out, uint32_t threads) noexcept {
    if (entries_.size() > UINT32_MAX / 2) return Status::OutOfMemory;  // places of parts have 32 bits
    if (!sort()) return Status::BadInput;
    if (!lay_out(0) || !close_levels(threads)) return Status::OutOfMemory;
    uint64_t first = 0;
    const Part* part = parts_.begin();
    for (const uint64_t end : ends_) {
        root_of(first == end ? Reference{} : (part++)->reference, out);
        first = end;
        out += HASH_SIZE;
    }
    return Status::Ok;
}

Status Builder::node(uint32_t depth, Reference& out) noexcept {
    if (entries_.size() > UINT32_MAX / 2 || !end_trie()) return Status::OutOfMemory;
    if (!sort()) return Status::BadInput;
    if (!lay_out(depth) || !close_levels(1)) return Status::OutOfMemory;
    out = parts_[0].reference;
    return Status::Ok;
}

Status Builder::encoded_node(uint32_t depth, Array<uint8_t>& out, uint64_t below[BRANCH_WIDTH]) noexcept {
    if (entries_.size() > UINT32_MAX / 2 || !end_trie()) return Status::OutOfMemory;
    if (!sort()) return Status::BadInput;
    if (!lay_out(depth) || !close_levels(1, 1)) return Status::OutOfMemory;
    Part& top = parts_[0];
    std::fill_n(below, BRANCH_WIDTH, 0);
    if (top.shared != 0) {
        below[0] = entries_.size();
        batch_.clear();
        if (!encode(top, batch_.encodings)) return Status::OutOfMemory;
        batch_.add(top.reference);
        batch_.finish();
        const Path path = path_of(entries_[top.first].key).from(depth).first(top.shared);
        return encode_extension(out, path, top.reference) ? Status::Ok : Status::OutOfMemory;
    }
    for (uint32_t place = top.below; place != top.below + top.child_count; ++place) {
        const Part& part = parts_[place];
        below[nibble(entries_[part.first], depth)] = part.end - part.first;
    }
    return encode(top, out) ? Status::Ok : Status::OutOfMemory;
}

// Fills `parts_` and `levels_`, whose last element is where the last level ends. The tops have `depth` nibbles above.
bool Builder::lay_out(uint32_t depth) noexcept {
    parts_.clear();
    levels_.clear();
    uint64_t first = 0;
    for (const uint64_t end : ends_) {
        if (first != end && !push_part(first, end, depth)) return false;
        first = end;
    }
    uint64_t start = 0;
    while (start != parts_.size()) {
        const uint64_t end = parts_.size();
        if (!levels_.push(start)) return false;
        for (; start != end; ++start) {
            if (!open(start)) return false;
        }
    }
    return levels_.push(start);
}

bool Builder::push_part(uint64_t first, uint64_t end, uint32_t depth) noexcept {
    Part part;
    part.first = static_cast<uint32_t>(first);
    part.end = static_cast<uint32_t>(end);
    part.depth = static_cast<uint16_t>(depth);
    return parts_.push(part);
}

// Appends the children of a part, whose entries are sorted and share their first `depth` nibbles.
bool Builder::open(uint64_t place) noexcept {
    Part part = parts_[place];
    if (part.end - part.first == 1) return true;
    part.shared = static_cast<uint16_t>(shared(entries_[part.first], entries_[part.end - 1], part.depth));
    part.below = static_cast<uint32_t>(parts_.size());
    const uint32_t depth = part.depth + part.shared;
    uint32_t first = part.first + (entries_[part.first].key.size() * 2 == depth);  // that one is the value
    while (first != part.end) {
        const uint8_t index = nibble(entries_[first], depth);
        uint32_t next = first + 1;
        while (next != part.end && nibble(entries_[next], depth) == index) ++next;
        if (!push_part(first, next, depth + 1)) return false;
        ++part.child_count;
        first = next;
    }
    parts_[place] = part;
    return true;
}

// From the last up to the `first`.
bool Builder::close_levels(uint32_t threads, uint64_t first) noexcept {
    for (uint64_t level = levels_.size() - 1; level-- > first;) {
        if (!close_level(levels_[level], levels_[level + 1], threads)) return false;
    }
    return true;
}

// Computes the references of a level, those of the level below being there.
bool Builder::close_level(uint64_t first, uint64_t end, uint32_t threads) noexcept {
    if (threads <= 1 || end - first < SHARED_MIN) return close(first, end, batch_);
    constexpr uint64_t STEP = 4 * BATCH_SIZE;
    Atomic<bool> failed{false};
    run_parts(threads, (end - first + STEP - 1) / STEP, [&](uint64_t part, uint32_t) noexcept {
        ReferenceBatch batch;
        const uint64_t begin = first + part * STEP;
        if (!close(begin, std::min(begin + STEP, end), batch)) failed.suggest(true);
    });
    return !failed.read_plain();
}

bool Builder::close(uint64_t first, uint64_t end, ReferenceBatch& batch) noexcept {
    batch.clear();
    for (uint64_t place = first; place != end; ++place) {
        Part& part = parts_[place];
        const Entry& entry = entries_[part.first];
        if (part.child_count == 0 && entry.branch() != nullptr) {
            part.reference = *entry.branch();
            part.shared = static_cast<uint16_t>(2 * entry.key.size() - part.depth);
            continue;
        }
        if (!encode(part, batch.encodings)) return false;
        batch.add(part.reference);
    }
    batch.finish();
    for (uint64_t place = first; place != end; ++place) {  // the extensions above branches
        Part& part = parts_[place];
        if (part.shared == 0) continue;
        const Path path = path_of(entries_[part.first].key).from(part.depth).first(part.shared);
        if (!encode_extension(batch.encodings, path, part.reference)) return false;
        batch.add(part.reference);
    }
    batch.finish();
    return true;
}

bool Builder::encode(const Part& part, Array<uint8_t>& out) noexcept {
    if (part.child_count != 0) return encode_branch_of(part, out);
    const Entry& entry = entries_[part.first];
    return encode_leaf(out, path_of(entry.key).from(part.depth), entry.value);
}

bool Builder::encode_branch_of(const Part& part, Array<uint8_t>& out) noexcept {
    static constexpr Reference NONE{};
    const uint32_t depth = part.depth + part.shared;
    const Reference* children[BRANCH_WIDTH];
    for (const Reference*& child : children) child = &NONE;
    for (uint32_t place = part.below; place != part.below + part.child_count; ++place) {
        const Part& below = parts_[place];
        children[nibble(entries_[below.first], depth)] = &below.reference;
    }
    const Entry& first = entries_[part.first];
    const Bytes value = first.key.size() * 2 == depth ? first.value : Bytes{};
    return encode_branch(
        out, [&](int index) noexcept -> const Reference& { return *children[index]; }, value);
}

}  // namespace blockstm::trie
