// The calls of a transaction as a tree, made of what was recorded of its run.
//
// Frames stand in the order in which they began, so that none is before the one it belongs to. They point into the
// events, which outlive them.
#pragma once

#include "base/array.hpp"
#include "tracing/failures.hpp"

namespace blockstm::tracing {

inline constexpr uint32_t NO_PLACE = UINT32_MAX;

// What came of a transaction.
struct TracedResult {
    bool succeeded;
    uint64_t gas_used;   // after refunds
    uint64_t first_log;  // of its block
    Span output;
};

// What the trace of a transaction has that no event says.
struct TracedRun {
    evm::Fork fork;
    uint64_t gas;  // that it bought
    TracedResult result;
    Address sender;
    Address to;
    bool creates;
    u256 value;
    Span input;
};

// A call, a creation, or the end of an account.
struct CallFrame {
    bool is_selfdestruct = false;
    evm::CallKind kind = evm::CallKind::Call;
    bool has_to = false;     // not of a creation that came to no address
    bool is_failed = false;
    bool is_reverted = false;
    Address sender{};        // as go-ethereum sees it: of a DELEGATECALL the contract
    Address to{};            // whose code ran; of a creation the new account
    u256 value{};
    uint64_t gas = 0;
    uint64_t gas_used = 0;
    Span input{};
    Span output{};
    uint32_t error = NO_PLACE;  // in `CallFrames::errors`
    uint32_t parent = NO_PLACE;
    uint32_t first_child = NO_PLACE, last_child = NO_PLACE, next = NO_PLACE;
    uint32_t child_count = 0;
    uint32_t first_log = NO_PLACE, last_log = NO_PLACE;  // in `CallFrames::logs`

    bool creates() const noexcept { return !is_selfdestruct && kind >= evm::CallKind::Create; }
    bool has_value() const noexcept { return is_selfdestruct || kind != evm::CallKind::StaticCall; }
    const char* name() const noexcept;
};

struct CallLog {
    Logged log;
    uint64_t index;     // in the block
    uint64_t position;  // calls of its frame before it
    uint32_t next;      // of its frame
};

// One thread. Cleared by `read`, it keeps its memory for the next transaction.
class CallFrames {
public:
    // `only_top`: what is within the transaction's own call is not attached to it.
    Reading read(Span events, const TracedRun& run, bool only_top) noexcept;

    const CallFrame& top() const noexcept { return frames[top_]; }
    const CallFrame& operator[](uint32_t place) const noexcept { return frames[place]; }
    const CallLog& log(uint32_t place) const noexcept { return logs[place]; }
    Span error(const CallFrame& frame) const noexcept { return errors[frame.error].span(); }

    // What an inner frame's failure takes back stands here, too: `is_failed` of a frame around says so.

private:
    struct Open {
        CallBegan began;
        Fault fault;
        bool has_fault;
        uint32_t frame;
        uint64_t logs_before;
    };

    bool begin(const CallBegan& began) noexcept;
    bool end(const CallEnded& end) noexcept;
    bool add_log(const Logged& log) noexcept;
    bool add_selfdestruct(const SelfDestructed& gone) noexcept;
    bool finish() noexcept;
    bool push(CallFrame& frame) noexcept;
    bool fail(CallFrame& frame, const Open& open, const CallEnded& end) noexcept;
    void attach(uint32_t parent, uint32_t child) noexcept;

    Array<CallFrame> frames;
    Array<CallLog> logs;
    Array<Words> errors;
    Array<Open> open_;
    const TracedRun* run_ = nullptr;
    bool only_top_ = false;
    uint64_t log_count_ = 0;
    uint32_t top_ = NO_PLACE;
};

}  // namespace blockstm::tracing
