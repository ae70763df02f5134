// The traces of a block's transactions, written by several threads.
#pragma once

#include <memory>

#include "evm/block.hpp"
#include "tracing/call_forms.hpp"

namespace blockstm::tracing {

// Whose traces are written. All of it is owned by others, who keep it.
struct TracedBlock {
    CallOptions options;
    evm::Fork fork;
    TracedPlace place;           // but for its hash and index
    const evm::Step* steps;      // the first transaction's, and those behind it
    const Bytes* recordings;     // likewise
    const uint64_t* gas_used;    // of each transaction
    const uint64_t* first_logs;  // likewise, in the block
    const Hash32* hashes;        // likewise; null where nobody asks for them
    uint64_t count;
};

// The trace of one run, appended.
Reading write_trace(const CallOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                    CallFrames& frames, Bytes& out) noexcept;

Reading write_trace_at(const TracedBlock& block, uint64_t index, CallFrames& frames, Bytes& out) noexcept;

// A list of traces, in parts to be put one behind the other.
class TraceList {
public:
    // Those from `first` on, before `end`. Named, each is the `result` of an object with its transaction's hash.
    Reading write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads, bool is_named) noexcept;

    uint64_t size() const noexcept;
    void copy_to(uint8_t* out) const noexcept;

private:
    std::unique_ptr<Bytes[]> parts_;
    uint64_t part_count_ = 0;
};

}  // namespace blockstm::tracing
