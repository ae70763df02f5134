// Traces as JSON, in the forms of go-ethereum's tracers, and what each is made of.
#pragma once

#include "tracing/call_frames.hpp"
#include "tracing/code_spans.hpp"
#include "tracing/json_writer.hpp"
#include "tracing/seen_accounts.hpp"

namespace blockstm::tracing {

enum class TraceForm : uint8_t { Nested, Flat, Selectors, PreState, StructLogs, Lines };

// What a tracer is asked for.
struct TraceOptions {
    TraceForm form = TraceForm::Nested;
    bool only_top = false;         // Nested: without the calls within the transaction's own
    bool converts_errors = false;  // Flat: failures in OpenEthereum's words
    bool has_precompiles = false;  // Flat: calls of precompiled contracts are shown
    bool is_diff = false;          // PreState: what changed, before and after
    bool has_code = true;          // PreState
    bool has_storage = true;       // PreState, StructLogs
    bool has_empty = false;        // PreState: accounts that do not exist are shown
    bool has_stack = true;         // StructLogs, Lines
    uint64_t limit = 0;            // StructLogs: instructions that are shown; 0: all
    uint64_t text_max = UINT64_MAX;  // bytes of what is written at once
};

// Where a transaction stands, and in what block.
struct TracedPlace {
    Hash32 block_hash;
    uint64_t block_number;
    Hash32 hash;
    uint64_t index;
    const Address* precompiles;  // ascending
    uint64_t precompile_count;
};

// What came of a text that was read so.
inline Reading written(const JsonWriter& writer, Reading reading) noexcept {
    if (reading != Reading::Done || writer.is_whole()) return reading;
    return writer.is_over() ? Reading::TooLarge : Reading::NoMemory;
}

bool is_precompile(const TracedPlace& place, const Address& address) noexcept;

// Each appends one JSON value.
void write_nested(const CallFrames& frames, JsonWriter& out) noexcept;
bool write_flat(const CallFrames& frames, const TracedPlace& place, const TraceOptions& options,
                JsonWriter& out) noexcept;

// How often each function was called: not of precompiled contracts, nor with less than four bytes.
Reading write_selectors(Span events, const TracedPlace& place, JsonWriter& out) noexcept;

// The accounts and slots that a transaction has to do with.
void write_pre_state(const SeenAccounts& seen, const CodeSpans& codes, const TraceOptions& options,
                     JsonWriter& out) noexcept;
// The hashes of the code that this shows, some more than once. False where memory ran out.
bool list_shown_codes(const SeenAccounts& seen, const TraceOptions& options, Array<Hash32>& hashes) noexcept;

// Its instructions, as `debug_traceTransaction` gives them by default.
Reading write_struct_logs(Span events, const TracedRun& run, const TraceOptions& options, JsonWriter& out) noexcept;

// Lines as of EIP-3155, each with its end: no JSON value, but a text of such.
Reading write_lines(Span events, evm::Fork fork, const TraceOptions& options, Bytes& out) noexcept;

}  // namespace blockstm::tracing
