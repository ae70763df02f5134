// The traces of a block's transactions, written by several threads.
#pragma once

#include <memory>

#include "evm/step_list.hpp"
#include "tracing/trace_forms.hpp"

namespace blockstm::tracing {

inline Span span_of(const Bytes& bytes) noexcept { return {bytes.data(), bytes.size()}; }

// Whose traces are written. All of it is owned by others, who keep it.
struct TracedBlock {
    TraceOptions options;
    evm::Fork fork;
    TracedPlace place;           // but for its hash and index
    const evm::StepList* steps;  // of the block: one, then those of the transactions
    const Bytes* recordings;     // of each transaction
    const TracedResult* results;  // likewise
    const Hash32* hashes;         // likewise; null where nobody asks for them
    const CodeSpans* codes;       // that the traces show
    uint64_t count;
};

// Writes traces, one after the other. One thread; it keeps its memory from one to the next.
class TraceWriter {
public:
    // The trace of one run, appended.
    Reading write(const TraceOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                  const CodeSpans& codes, Bytes& out) noexcept;
    Reading write(const TracedBlock& block, uint64_t index, uint64_t text_max, Bytes& out) noexcept;

private:
    Reading write_form(const TraceOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                       const CodeSpans& codes, JsonWriter& out) noexcept;
    Reading write_calls(const TraceOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                        JsonWriter& out) noexcept;
    Reading write_as_string(Span events, const TracedRun& run, const TraceOptions& options, JsonWriter& out) noexcept;

    CallFrames frames_;
    SeenAccounts seen_;
    Bytes lines_;
};

// The hashes of the code that traces show: each once, ascending.
class ShownCodes {
public:
    Reading read(const TraceOptions& options, evm::Fork fork, Span events) noexcept;
    void sort() noexcept;

    const Hash32* begin() const noexcept { return hashes_.begin(); }
    uint64_t size() const noexcept { return hashes_.size(); }

private:
    SeenAccounts seen_;
    Array<Hash32> hashes_;
};

// A list of traces, in parts to be put one behind the other. It is too large where they are all together, however many
// threads write it: what each may add is what those that are done have left.
class TraceList {
public:
    // Those from `first` on, before `end`. Named, each is the `result` of an object with its transaction's hash.
    Reading write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads, bool is_named) noexcept;

    uint64_t size() const noexcept;
    // By several threads, too: fresh memory is mapped where it is first written.
    void copy_to(uint8_t* out, uint32_t threads) const noexcept;

private:
    std::unique_ptr<Bytes[]> parts_;
    uint64_t part_count_ = 0;
};

}  // namespace blockstm::tracing
