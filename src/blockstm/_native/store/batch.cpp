#include "store/batch.hpp"

#include <algorithm>
#include <cerrno>

#include "store/checked_value.hpp"

namespace blockstm::store {

bool Batch::put(uint32_t table, ByteView key, ByteView value) noexcept {
    if (!note(table, key, value, PUT)) return false;
    const Change& change = changes_.back();
    put_checked(bytes_.data() + change.begin + change.key_size, table, key_of(change), value);
    return true;
}

bool Batch::put_made(uint32_t table, ByteView key, const ValueMaker& maker, const void* what) noexcept {
    if (!note(table, key, {reinterpret_cast<const uint8_t*>(&what), sizeof what}, PUT_MADE)) return false;
    const Change& change = changes_.back();
    std::memcpy(bytes_.data() + change.begin + change.key_size, &what, sizeof what);
    maker_ = &maker;
    return true;
}

uint64_t Batch::head_of(ByteView key) noexcept {
    uint64_t head = 0;
    std::memcpy(&head, key.data(), std::min<uint64_t>(key.size(), sizeof head));
    return __builtin_bswap64(head);
}

// The room for a value that is put is left to the caller to fill.
bool Batch::note(uint32_t table, ByteView key, ByteView value, Kind kind) noexcept {
    const uint64_t value_size = value.size() + (kind == PUT ? CHECKSUM_SIZE : 0);
    const uint64_t begin = bytes_.size();
    if (changes_.size() == UINT32_MAX || value_size > INT32_MAX) return false;
    uint8_t* place = bytes_.extend(key.size() + value_size);
    if (place == nullptr && key.size() + value_size != 0) return false;
    put_bytes(place, key);
    return changes_.push({begin, head_of(key), static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value_size),
                          table, static_cast<uint32_t>(changes_.size()), kind});
}

// By table; what removes prefixes first; then by key, the earlier change of a key first.
bool Batch::is_before(const Change& left, const Change& right) const noexcept {
    if (left.table != right.table) return left.table < right.table;
    const bool is_prefix = left.kind == REMOVE_PREFIX;
    if (is_prefix != (right.kind == REMOVE_PREFIX)) return is_prefix;
    if (left.head != right.head) return left.head < right.head;
    const uint32_t size = std::min(left.key_size, right.key_size);
    const int order = size == 0 ? 0 : std::memcmp(bytes_.data() + left.begin, bytes_.data() + right.begin, size);
    if (order != 0) return order < 0;
    if (left.key_size != right.key_size) return left.key_size < right.key_size;
    return left.number < right.number;
}

// Whether the next change is of the same key.
bool Batch::is_overruled(uint64_t place) const noexcept {
    if (place + 1 == changes_.size()) return false;
    const Change &change = changes_[place], &next = changes_[place + 1];
    const bool same_kind = (change.kind == REMOVE_PREFIX) == (next.kind == REMOVE_PREFIX);
    return same_kind && change.table == next.table && equal(key_of(change), key_of(next));
}

int Batch::commit(Environment& environment, Failure& failure) noexcept {
    std::sort(changes_.begin(), changes_.end(),
              [this](const Change& left, const Change& right) noexcept { return is_before(left, right); });
    MDBX_txn* txn = nullptr;
    int code = library.txn_begin_ex(environment.handle(), nullptr, TXN_READ_WRITE | TXN_TRY, &txn, nullptr);
    if (code != CODE_OK) return failure.set(code);
    code = make_all(txn, environment, failure);
    if (code != CODE_OK) {
        library.txn_abort(txn);
        return code;
    }
    const std::lock_guard guard(environment.moment());
    code = library.txn_commit_ex(txn, nullptr);
    // A transaction that could not be made durable is aborted, and says so by RESULT_TRUE.
    return failure.set(code == CODE_TRUE ? EIO : code);
}

int Batch::make_all(MDBX_txn* txn, const Environment& environment, Failure& failure) noexcept {
    MDBX_cursor* cursor = nullptr;
    int code = CODE_OK;
    for (uint64_t place = 0; place < changes_.size() && code == CODE_OK; ++place) {
        const Change& change = changes_[place];
        if (place == 0 || changes_[place - 1].table != change.table) {
            if (cursor != nullptr) library.cursor_close(cursor);
            cursor = nullptr;
            code = library.cursor_open(txn, environment.dbi(change.table), &cursor);
        }
        if (code == CODE_OK && !is_overruled(place)) code = make(cursor, change);
        if (code != CODE_OK) failure.set(code, change.table, key_of(change));
    }
    if (cursor != nullptr) library.cursor_close(cursor);
    return code;
}

int Batch::make(MDBX_cursor* cursor, const Change& change) noexcept {
    uint8_t* const begin = bytes_.data() + change.begin;
    if (change.kind == REMOVE_PREFIX) return remove_all(cursor, key_of(change));
    if (change.kind == PUT_MADE) return make_value(cursor, change);
    Value key{begin, change.key_size}, value{begin + change.key_size, change.value_size};
    if (change.kind == PUT) return library.cursor_put(cursor, &key, &value, PUT_UPSERT);
    const int code = library.cursor_get(cursor, &key, &value, TO_LOWER_BOUND);
    if (code == CODE_OK) return library.cursor_del(cursor, 0);
    return code == CODE_TRUE || code == CODE_NOT_FOUND ? CODE_OK : code;
}

int Batch::make_value(MDBX_cursor* cursor, const Change& change) noexcept {
    uint8_t* const begin = bytes_.data() + change.begin;
    const void* what;
    std::memcpy(&what, begin + change.key_size, sizeof what);
    made_.clear();
    if (!maker_->make(what, made_) || !checked_.resize(made_.size() + CHECKSUM_SIZE)) return ENOMEM;
    put_checked(checked_.data(), change.table, key_of(change), {made_.data(), made_.size()});
    Value key{begin, change.key_size}, value{checked_.data(), checked_.size()};
    return library.cursor_put(cursor, &key, &value, PUT_UPSERT);
}

int Batch::remove_all(MDBX_cursor* cursor, ByteView prefix) noexcept {
    Value key{const_cast<uint8_t*>(prefix.data()), prefix.size()}, value{};
    int code = library.cursor_get(cursor, &key, &value, TO_LOWER_BOUND);
    while (code == CODE_OK || code == CODE_TRUE) {
        const ByteView found{static_cast<const uint8_t*>(key.data), key.size};
        if (found.size() < prefix.size() || !equal(found.first(prefix.size()), prefix)) return CODE_OK;
        code = library.cursor_del(cursor, 0);
        if (code == CODE_OK) code = library.cursor_get(cursor, &key, &value, AT_CURRENT);
    }
    return code == CODE_NOT_FOUND || code == ENODATA ? CODE_OK : code;
}

}  // namespace blockstm::store
