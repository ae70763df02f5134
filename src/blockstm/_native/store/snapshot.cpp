#include "store/snapshot.hpp"

#include <algorithm>

#include "store/checked_value.hpp"

namespace blockstm::store {
namespace {

Value value_of(ByteView bytes) noexcept { return {const_cast<uint8_t*>(bytes.data()), bytes.size()}; }

ByteView view_of(const Value& value) noexcept { return {static_cast<const uint8_t*>(value.data), value.size}; }

bool is_less(ByteView left, ByteView right) noexcept {
    const size_t size = std::min(left.size(), right.size());
    const int order = size == 0 ? 0 : std::memcmp(left.data(), right.data(), size);
    return order != 0 ? order < 0 : left.size() < right.size();
}

}  // namespace

// ---- one reader

int Reader::begin(const Environment& environment) noexcept {
    environment_ = &environment;
    return library.txn_begin_ex(environment.handle(), nullptr, TXN_READ_ONLY, &txn_, nullptr);
}

void Reader::end() noexcept {
    if (txn_ == nullptr) return;
    for (MDBX_cursor*& cursor : cursors_) {
        if (cursor != nullptr) library.cursor_close(cursor);
        cursor = nullptr;
    }
    library.txn_abort(txn_);
    txn_ = nullptr;
}

void Reader::go_on(MDBX_txn* txn) noexcept {
    end();
    txn_ = txn;
}

int Reader::cursor_of(uint32_t table, MDBX_cursor*& cursor) noexcept {
    cursor = cursors_[table];
    if (cursor != nullptr) return CODE_OK;
    if (!environment_->has(table)) return CODE_NOT_FOUND;
    int code = library.cursor_open(txn_, environment_->dbi(table), &cursors_[table]);
    cursor = cursors_[table];
    // Pages are checked when they are met, but not whether their keys ascend, which takes most of the time that all
    // of it takes: what is found has a checksum, and what is not has neighbours.
    if (code == CODE_OK) code = library.cursor_ignord(cursor);
    return code;
}

int Reader::find(uint32_t table, ByteView key, ByteView& value, Failure& failure) noexcept {
    MDBX_cursor* cursor;
    int code = cursor_of(table, cursor);
    if (code == CODE_NOT_FOUND) return code;
    if (code != CODE_OK) return failure.set(code, table, key);
    Value found_key = value_of(key), found{};
    code = library.cursor_get(cursor, &found_key, &found, TO_LOWER_BOUND);
    if (code == CODE_OK) {
        if (read_checked(table, key, view_of(found), value)) return CODE_OK;
        return failure.set(CODE_BAD_CHECKSUM, table, key);
    }
    return check_absent(table, cursor, key, code, found_key, found, failure);
}

// A search that was led astray by a page that is damaged ends where the key is not between its neighbours, or at
// one that is not what was put.
int Reader::check_absent(uint32_t table, MDBX_cursor* cursor, ByteView key, int code, const Value& found_key,
                         const Value& found, Failure& failure) noexcept {
    ByteView value;
    if (code == CODE_TRUE) {
        if (!is_less(key, view_of(found_key))) return failure.set(CODE_BAD_ORDER, table, key);
        if (!read_checked(table, view_of(found_key), view_of(found), value)) {
            return failure.set(CODE_BAD_CHECKSUM, table, view_of(found_key));
        }
    } else if (code != CODE_NOT_FOUND) {
        return failure.set(code, table, key);
    }
    Value before_key{}, before{};
    const int operation = code == CODE_TRUE ? TO_PREVIOUS : AT_LAST;
    const bool has_behind = code == CODE_TRUE;
    code = library.cursor_get(cursor, &before_key, &before, operation);
    if (code == CODE_OK) {
        if (!is_less(view_of(before_key), key)) return failure.set(CODE_BAD_ORDER, table, key);
        if (!read_checked(table, view_of(before_key), view_of(before), value)) {
            return failure.set(CODE_BAD_CHECKSUM, table, view_of(before_key));
        }
        code = check_order(table, cursor, TO_PREVIOUS, view_of(before_key), failure);
    }
    if (code != CODE_NOT_FOUND) return failure.set(code, table, key);
    if (!has_behind) return CODE_NOT_FOUND;
    Value again = value_of(key);
    code = library.cursor_get(cursor, &again, &before, TO_LOWER_BOUND);
    if (code != CODE_TRUE) return failure.set(code == CODE_OK ? CODE_BAD_ORDER : code, table, key);
    return check_order(table, cursor, TO_NEXT, view_of(found_key), failure);
}

// Where a page shows another entry than the one that is sought, which stands elsewhere, the order breaks beside it.
// Pre: the cursor stands at `from`. CODE_NOT_FOUND: it does not.
int Reader::check_order(uint32_t table, MDBX_cursor* cursor, int operation, ByteView from, Failure& failure) noexcept {
    Value key{}, value{};
    const int code = library.cursor_get(cursor, &key, &value, operation);
    if (code == CODE_NOT_FOUND) return code;
    if (code != CODE_OK) return failure.set(code, table, from);
    const bool is_right = operation == TO_NEXT ? is_less(from, view_of(key)) : is_less(view_of(key), from);
    return is_right ? CODE_NOT_FOUND : failure.set(CODE_BAD_ORDER, table, from);
}

int Reader::move(uint32_t table, int operation, ByteView from, Pair& pair, Failure& failure) noexcept {
    MDBX_cursor* cursor;
    int code = cursor_of(table, cursor);
    if (code == CODE_NOT_FOUND) return code;
    if (code != CODE_OK) return failure.set(code, table, from);
    Value key = value_of(from), found{};
    code = library.cursor_get(cursor, &key, &found, operation);
    if (code == CODE_NOT_FOUND) return code;
    if (code != CODE_OK && code != CODE_TRUE) return failure.set(code, table, from);
    pair.key = view_of(key);
    if (read_checked(table, pair.key, view_of(found), pair.value)) return CODE_OK;
    return failure.set(CODE_BAD_CHECKSUM, table, pair.key);
}

int Reader::find_from(uint32_t table, ByteView key, Pair& pair, Failure& failure) noexcept {
    const int code = move(table, TO_LOWER_BOUND, key, pair, failure);
    if (code == CODE_OK && is_less(pair.key, key)) return failure.set(CODE_BAD_ORDER, table, key);
    return code;
}

int Reader::next(uint32_t table, Pair& pair, Failure& failure) noexcept {
    const ByteView before = pair.key;
    const int code = move(table, TO_NEXT, {}, pair, failure);
    if (code == CODE_OK && !is_less(before, pair.key)) return failure.set(CODE_BAD_ORDER, table, pair.key);
    return code;
}

int Reader::last(uint32_t table, Pair& pair, Failure& failure) noexcept {
    return move(table, AT_LAST, {}, pair, failure);
}

bool Reader::touch(uint32_t table, ByteView key) noexcept {
    MDBX_cursor* cursor;
    if (cursor_of(table, cursor) != CODE_OK) return false;
    Value found_key = value_of(key), found{};
    return library.cursor_get(cursor, &found_key, &found, TO_LOWER_BOUND) == CODE_OK;
}

int Reader::stat(uint32_t table, TableStat& stat) noexcept {
    stat = {};
    if (!environment_->has(table)) return CODE_OK;
    return library.dbi_stat(txn_, environment_->dbi(table), &stat, sizeof stat);
}

// The table of free pages: number of a transaction → how many pages it freed (4 bytes), and which.
int Reader::count_pages(PageCount& count) noexcept {
    EnvironmentInfo info{};
    int code = library.env_info_ex(environment_->handle(), txn_, &info, sizeof info);
    if (code != CODE_OK) return code;
    count = {info.page_size, info.last_page + 1, 0};
    MDBX_cursor* cursor = nullptr;
    code = library.cursor_open(txn_, DBI_OF_FREE_PAGES, &cursor);
    if (code != CODE_OK) return code;
    Value key{}, freed{};
    code = library.cursor_get(cursor, &key, &freed, TO_NEXT);
    for (; code == CODE_OK; code = library.cursor_get(cursor, &key, &freed, TO_NEXT)) {
        uint32_t pages = 0;
        if (freed.size >= sizeof pages) std::memcpy(&pages, freed.data, sizeof pages);
        count.free += pages;
    }
    library.cursor_close(cursor);
    return code == CODE_NOT_FOUND ? CODE_OK : code;
}

// ---- several of one moment

int Snapshot::open(Environment& environment, uint32_t readers, Failure& failure) noexcept {
    const std::lock_guard guard(environment.moment());
    int code = readers_[0].begin(environment);
    if (code != CODE_OK) return failure.set(code);
    const uint64_t first = readers_[0].moment();
    for (count_ = 1; count_ < readers && count_ < SNAPSHOT_READERS_MAX; ++count_) {
        Reader& reader = readers_[count_];
        if (reader.begin(environment) != CODE_OK) break;
        if (reader.moment() == first) continue;
        reader.end();
        break;
    }
    return CODE_OK;
}

void Snapshot::close() noexcept {
    const std::lock_guard guard(closing_);
    while (count_ != 0) readers_[--count_].end();
}

bool Snapshot::renew(Environment& environment) noexcept {
    MDBX_txn* begun[SNAPSHOT_READERS_MAX];
    const std::lock_guard guard(closing_);
    const std::lock_guard moment(environment.moment());
    uint32_t count = 0;
    while (count < count_ &&
           library.txn_begin_ex(environment.handle(), nullptr, TXN_READ_ONLY, &begun[count], nullptr) == CODE_OK) {
        ++count;
        if (library.txn_id(begun[count - 1]) != library.txn_id(begun[0])) break;
    }
    const bool is_whole =
        count != 0 && count == count_ && library.txn_id(begun[count - 1]) == library.txn_id(begun[0]);
    for (uint32_t place = 0; place < count; ++place) {
        if (is_whole) {
            readers_[place].go_on(begun[place]);
        } else {
            library.txn_abort(begun[place]);
        }
    }
    return is_whole;
}

Reader& Snapshot::take() noexcept {
    const uint32_t first = count_ == 1 ? 0 : turn_.count_up(1);
    for (uint32_t place = 0; place < count_; ++place) {
        Reader& reader = readers_[(first + place) % count_];
        if (reader.lock.try_lock()) return reader;
    }
    Reader& reader = readers_[first % count_];
    reader.lock.lock();
    return reader;
}

}  // namespace blockstm::store
