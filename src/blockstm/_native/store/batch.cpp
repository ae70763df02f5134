#include "store/batch.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "store/checked_value.hpp"

namespace blockstm::store {
namespace {

constexpr uint64_t PIECE_SIZE = 1024;     // changes that are put at once
constexpr uint64_t SHARED_FROM = 16'384;  // fewer are not worth a thread

}  // namespace

// The pieces of a batch one after the other, as they are made: by a thread of its own, or by who asks for them. The one
// is at most a few ahead of the other.
class Batch::Pieces {
public:
    explicit Pieces(Batch& batch) noexcept : batch_(batch) {
        if (batch.changes_.size() < SHARED_FROM) return;
        try {
            thread_ = std::thread([this]() noexcept { make_all(); });
        } catch (const std::exception&) {  // no thread, or no memory for one
        }
    }
    ~Pieces() {
        if (!thread_.joinable()) return;
        tell([this]() noexcept { is_stopped_ = true; });
        thread_.join();
    }

    // The next one; it stays until the one after it is asked for. Null: that was the last.
    const Piece* next() noexcept {
        if (used_ == batch_.changes_.size()) return nullptr;
        if (!thread_.joinable()) {
            make(pieces_[0], used_);
            used_ = pieces_[0].end;
            return &pieces_[0];
        }
        if (taken_ != 0) tell([this]() noexcept { ++given_back_; });
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [this]() noexcept { return made_ > taken_; });
        const Piece& piece = pieces_[taken_++ % COUNT];
        used_ = piece.end;
        return &piece;
    }

private:
    static constexpr uint64_t COUNT = 4;

    void make(Piece& piece, uint64_t begin) noexcept {
        const uint64_t end = batch_.table_end(begin);
        if (begin == 0 || batch_.changes_[begin - 1].table != batch_.changes_[begin].table) batch_.sort_table(begin);
        piece.begin = begin;
        piece.end = std::min(end, begin + PIECE_SIZE);
        batch_.make_values(piece);
    }

    void make_all() noexcept {
        for (uint64_t begin = 0, number = 0; begin < batch_.changes_.size(); ++number) {
            {
                std::unique_lock guard(mutex_);
                changed_.wait(guard, [&]() noexcept { return is_stopped_ || number - given_back_ < COUNT; });
                if (is_stopped_) return;
            }
            Piece& piece = pieces_[number % COUNT];
            make(piece, begin);
            begin = piece.end;
            tell([this]() noexcept { ++made_; });
        }
    }

    template <class Change>
    void tell(Change change) noexcept {
        {
            const std::lock_guard guard(mutex_);
            change();
        }
        changed_.notify_all();
    }

    Batch& batch_;
    uint64_t used_ = 0, taken_ = 0;  // changes, and pieces, that were asked for
    Piece pieces_[COUNT];
    std::mutex mutex_;
    std::condition_variable changed_;  // of what follows, which the mutex guards:
    uint64_t made_ = 0, given_back_ = 0;
    bool is_stopped_ = false;
    std::thread thread_;
};

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

// Of one table: what removes prefixes first; then by key, the earlier change of a key first.
bool Batch::is_before(const Change& left, const Change& right) const noexcept {
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
    if (place + 1 == table_end(place)) return false;  // those of the next table are perhaps being sorted
    const Change &change = changes_[place], &next = changes_[place + 1];
    const bool same_kind = (change.kind == REMOVE_PREFIX) == (next.kind == REMOVE_PREFIX);
    return same_kind && equal(key_of(change), key_of(next));
}

// By table, in no order within.
void Batch::part_by_table() noexcept {
    uint64_t next[TABLES_MAX] = {};
    std::fill(table_ends_, table_ends_ + TABLES_MAX, 0);
    for (const Change& change : changes_) ++table_ends_[change.table];
    for (uint32_t table = 0, begin = 0; table < TABLES_MAX; ++table) {
        next[table] = begin;
        begin += table_ends_[table];
        table_ends_[table] = begin;
    }
    for (uint32_t table = 0; table < TABLES_MAX; ++table) {
        while (next[table] != table_ends_[table]) {
            Change& change = changes_[next[table]];
            if (change.table == table) {
                ++next[table];
            } else {
                std::swap(change, changes_[next[change.table]++]);
            }
        }
    }
}

uint64_t Batch::table_end(uint64_t begin) const noexcept { return table_ends_[changes_[begin].table]; }

void Batch::sort_table(uint64_t begin) noexcept {
    std::sort(changes_.begin() + begin, changes_.begin() + table_end(begin),
              [this](const Change& left, const Change& right) noexcept { return is_before(left, right); });
}

// Where memory is short for one it has none, nor has any behind it.
void Batch::make_values(Piece& piece) const noexcept {
    piece.values.clear();
    piece.ends.clear();
    Array<uint8_t> made;
    for (uint64_t place = piece.begin; place < piece.end; ++place) {
        const Change& change = changes_[place];
        if (change.kind == PUT_MADE && !is_overruled(place)) {
            const void* what;
            std::memcpy(&what, bytes_.data() + change.begin + change.key_size, sizeof what);
            made.clear();
            if (!maker_->make(what, made)) return;
            uint8_t* const checked = piece.values.extend(made.size() + CHECKSUM_SIZE);
            if (checked == nullptr) return;
            put_checked(checked, change.table, key_of(change), {made.data(), made.size()});
        }
        if (!piece.ends.push(piece.values.size())) return;
    }
}

int Batch::commit(Environment& environment, Failure& failure) noexcept {
    part_by_table();
    MDBX_txn* txn = nullptr;
    int code = library.txn_begin_ex(environment.handle(), nullptr, TXN_READ_WRITE | TXN_TRY, &txn, nullptr);
    if (code != CODE_OK) return failure.set(code);
    code = put_all(txn, environment, failure);
    if (code != CODE_OK) {
        library.txn_abort(txn);
        return code;
    }
    const std::lock_guard guard(environment.moment());
    code = library.txn_commit_ex(txn, nullptr);
    // A transaction that could not be made durable is aborted, and says so by RESULT_TRUE.
    return failure.set(code == CODE_TRUE ? EIO : code);
}

int Batch::put_all(MDBX_txn* txn, const Environment& environment, Failure& failure) noexcept {
    MDBX_cursor* cursor = nullptr;
    int code = CODE_OK;
    Pieces pieces(*this);
    for (const Piece* piece = pieces.next(); piece != nullptr && code == CODE_OK; piece = pieces.next()) {
        const Change& first = changes_[piece->begin];
        if (piece->begin == 0 || changes_[piece->begin - 1].table != first.table) {
            if (cursor != nullptr) library.cursor_close(cursor);
            cursor = nullptr;
            code = library.cursor_open(txn, environment.dbi(first.table), &cursor);
            if (code != CODE_OK) failure.set(code, first.table, key_of(first));
        }
        if (code == CODE_OK) code = put_piece(cursor, *piece, failure);
    }
    if (cursor != nullptr) library.cursor_close(cursor);
    return code;
}

int Batch::put_piece(MDBX_cursor* cursor, const Piece& piece, Failure& failure) noexcept {
    for (uint64_t place = piece.begin; place < piece.end; ++place) {
        const Change& change = changes_[place];
        int code = CODE_OK;
        if (place - piece.begin >= piece.ends.size()) {
            code = ENOMEM;
        } else if (!is_overruled(place)) {
            code = put_change(cursor, change, piece.value(place));
        }
        if (code != CODE_OK) return failure.set(code, change.table, key_of(change));
    }
    return CODE_OK;
}

int Batch::put_change(MDBX_cursor* cursor, const Change& change, ByteView made) noexcept {
    uint8_t* const begin = bytes_.data() + change.begin;
    if (change.kind == REMOVE_PREFIX) return remove_all(cursor, key_of(change));
    Value key{begin, change.key_size}, value{begin + change.key_size, change.value_size};
    if (change.kind == PUT_MADE) value = {const_cast<uint8_t*>(made.data()), made.size()};
    if (change.kind != REMOVE) return library.cursor_put(cursor, &key, &value, PUT_UPSERT);
    const int code = library.cursor_get(cursor, &key, &value, TO_LOWER_BOUND);
    if (code == CODE_OK) return library.cursor_del(cursor, 0);
    return code == CODE_TRUE || code == CODE_NOT_FOUND ? CODE_OK : code;
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
