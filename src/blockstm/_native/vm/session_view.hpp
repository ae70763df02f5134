// A view that transactions run on one after another, in one thread and without an engine: what they write stays in
// its memory, in front of a state that it reads each location of at most once.
//
// It is the view of the native EVM alone: the bytes that it gives out stay where they are until the location is
// written, and the EVM writes when it has read everything. Every change is logged, so that it can be taken back,
// transactions later too.
#pragma once

#include "base/atomics.hpp"
#include "base/bytes.hpp"
#include "base/chunked_array.hpp"
#include "base/index.hpp"
#include "base/u256/u256.hpp"
#include "blockstm/vm_abi.h"

namespace blockstm {

// What is below: as `read` of a `blockstm_state`.
using ReadBelow = int32_t (*)(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value);
// Whether the run still counts; see `poll` of a view.
using AskWhether = int32_t (*)(void* context);

// The bytes of a value: short ones in place.
struct SessionValue {
    static constexpr uint64_t SHORT_BYTES = 32;

    uint64_t size = 0;
    uint8_t* far = nullptr;  // of a longer one
    uint8_t near[SHORT_BYTES];

    const uint8_t* data() const noexcept { return size <= SHORT_BYTES ? near : far; }
    bool equals(const uint8_t* bytes, uint64_t count) const noexcept {
        return size == count && std::memcmp(data(), bytes, count) == 0;
    }
};

enum class Known : uint8_t { Nothing, Absent, Present };

struct SessionCell {
    uint8_t* key = nullptr;
    uint64_t key_size = 0;
    uint64_t hash = 0;
    blockstm_location place = 0;
    Known known = Known::Nothing;  // of the value; Nothing: it is what the state has
    bool is_written = false;
    SessionValue value;
};

class SessionView : public blockstm_view {
public:
    SessionView() noexcept;
    ~SessionView();
    SessionView(const SessionView&) = delete;
    SessionView& operator=(const SessionView&) = delete;

    blockstm_view* c() noexcept { return this; }

    // Set before the first run.
    ReadBelow read_below = nullptr;  // null: there is nothing below
    void* below = nullptr;
    AskWhether ask_whether = nullptr;
    void* asked = nullptr;

    // One at a time; false where it is in use.
    bool enter() noexcept {
        bool is_used = false;
        return is_used_.replace(is_used, true);
    }
    void leave() noexcept { is_used_.publish(false); }

    SessionCell* cell_of(const uint8_t* key, uint64_t size) noexcept;  // null where memory ran out
    int32_t find(const uint8_t* key, uint64_t size, blockstm_location& location) noexcept;
    // OK, ABSENT, or what the state said.
    int32_t load(SessionCell& cell) noexcept;
    int32_t put(blockstm_location location, const uint8_t* data, uint64_t size) noexcept;
    int32_t remove(blockstm_location location) noexcept;
    int32_t number(blockstm_location location, u256& value) noexcept;
    int32_t put_number(blockstm_location location, const u256& value) noexcept;

    uint64_t size() const noexcept { return cells_.size(); }
    SessionCell& operator[](uint64_t place) noexcept { return cells_[place]; }

    // A run begins: it has no output yet.
    void begin(int64_t of) noexcept {
        index = of;
        output.clear();
    }
    bool set_transient(const uint8_t* data, uint64_t count) noexcept {
        transient.clear();
        return transient.append(data, count);
    }

    // A point that everything written from there on can be taken back to, and that.
    uint64_t mark() const noexcept { return log_.size(); }
    void revert(uint64_t mark) noexcept;
    // What was written stays for good: no mark from before counts any more.
    void forget() noexcept;

    Bytes output;
    // What the last run has left there, for a VM that has storage which lasts longer than a run and is no state.
    Bytes transient;

private:
    // What a location was before a change.
    struct Change {
        uint32_t place;
        Known known;
        bool was_written;
        SessionValue value;
    };

    SessionCell* add(const uint8_t* key, uint64_t size, uint64_t hash) noexcept;
    bool change(blockstm_location location) noexcept;
    static bool fill(SessionValue& value, const uint8_t* data, uint64_t size) noexcept;
    uint64_t hash_of(const uint8_t* key, uint64_t size) const noexcept;

    ChunkedArray<SessionCell> cells_;
    Index<SessionCell> index_;
    Array<Change> log_;
    Atomic<bool> is_used_{false};
};

// Inline, as modules that run VMs on a session call it, too.
inline void SessionView::revert(uint64_t mark) noexcept {
    while (log_.size() > mark) {
        const Change& last = log_.back();
        SessionCell& cell = cells_[last.place];
        std::free(cell.value.far);
        cell.value = last.value;
        cell.known = last.known;
        cell.is_written = last.was_written;
        log_.pop();
    }
}

}  // namespace blockstm
