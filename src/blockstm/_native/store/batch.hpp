// Changes to the tables of an environment, made all at once or not at all.
//
// A Batch is plain memory of one thread until it is committed: then its changes are put in the order of their
// keys, table by table, in one transaction, which is on the disk when `commit` returns. Of two changes of one key
// the later counts; prefixes are removed before anything is put. Where they are many, a second thread, which ends
// with `commit`, sorts them and makes values a little ahead of the one that puts them.
#pragma once

#include "store/environment.hpp"

namespace blockstm::store {

// Makes values when they are written, so that not all of them are in memory at once.
class ValueMaker {
public:
    // Appends the value that `what` stands for. Called by one thread, while `commit` runs. False: out of memory.
    virtual bool make(const void* what, Array<uint8_t>& value) const noexcept = 0;

protected:
    ~ValueMaker() = default;
};

class Batch {
public:
    // False: out of memory.
    bool put(uint32_t table, ByteView key, ByteView value) noexcept;
    // The same; `maker` and `what` have to outlive `commit`. A batch has one maker.
    bool put_made(uint32_t table, ByteView key, const ValueMaker& maker, const void* what) noexcept;
    bool remove(uint32_t table, ByteView key) noexcept { return note(table, key, {}, REMOVE); }
    // Every key that begins with `prefix`.
    bool remove_prefix(uint32_t table, ByteView prefix) noexcept { return note(table, prefix, {}, REMOVE_PREFIX); }

    uint64_t count() const noexcept { return changes_.size(); }
    void clear() noexcept {
        changes_.clear();
        bytes_.clear();
    }

    // A Code. On anything but CODE_OK nothing was changed. CODE_BUSY: another process writes. The batch is kept.
    int commit(Environment& environment, Failure& failure) noexcept;

private:
    enum Kind : uint8_t { REMOVE_PREFIX, PUT, PUT_MADE, REMOVE };

    struct Change {
        uint64_t begin;  // of the key in `bytes_`; the value stands behind it
        uint64_t head;   // the first bytes of the key, zeros behind a shorter one, as a number that sorts as they do
        uint32_t key_size, value_size;
        uint32_t table;
        uint32_t number;
        Kind kind;
    };

    // Some changes of one table, in order, and the values that were made for them, with checksums.
    struct Piece {
        uint64_t begin, end;  // of the changes
        Array<uint8_t> values;
        Array<uint64_t> ends;  // of each change's value among these, as far as there was memory

        ByteView value(uint64_t place) const noexcept {
            const uint64_t from = place == begin ? 0 : ends[place - begin - 1];
            return {values.data() + from, ends[place - begin] - from};
        }
    };
    class Pieces;

    static uint64_t head_of(ByteView key) noexcept;
    bool note(uint32_t table, ByteView key, ByteView value, Kind kind) noexcept;
    ByteView key_of(const Change& change) const noexcept { return {bytes_.data() + change.begin, change.key_size}; }
    bool is_before(const Change& left, const Change& right) const noexcept;
    bool is_overruled(uint64_t place) const noexcept;
    void part_by_table() noexcept;
    void sort_table(uint64_t begin) noexcept;
    void make_values(Piece& piece) const noexcept;
    int put_all(MDBX_txn* txn, const Environment& environment, Failure& failure) noexcept;
    int put_piece(MDBX_cursor* cursor, const Piece& piece, Failure& failure) noexcept;
    int put_change(MDBX_cursor* cursor, const Change& change, ByteView made) noexcept;
    int remove_all(MDBX_cursor* cursor, ByteView prefix) noexcept;

    // The end of the changes of the table that those from `begin` on are of.
    uint64_t table_end(uint64_t begin) const noexcept;

    Array<Change> changes_;
    Array<uint8_t> bytes_;
    const ValueMaker* maker_ = nullptr;
    uint64_t table_ends_[TABLES_MAX] = {};  // while it is committed
};

}  // namespace blockstm::store
