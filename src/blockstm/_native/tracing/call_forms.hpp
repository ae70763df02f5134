// Traces of calls as JSON: the forms of go-ethereum's callTracer, flatCallTracer and 4byteTracer.
#pragma once

#include "tracing/call_frames.hpp"
#include "tracing/json_writer.hpp"

namespace blockstm::tracing {

enum class CallForm : uint8_t { Nested, Flat, Selectors };

// What a tracer is asked for.
struct CallOptions {
    CallForm form = CallForm::Nested;
    bool only_top = false;          // Nested: without the calls within the transaction's own
    bool converts_errors = false;   // Flat: failures in OpenEthereum's words
    bool has_precompiles = false;   // Flat: calls of precompiled contracts are shown
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

// Each appends one JSON value.
void write_nested(const CallFrames& frames, JsonWriter& out) noexcept;
bool write_flat(const CallFrames& frames, const TracedPlace& place, const CallOptions& options,
                JsonWriter& out) noexcept;

// How often each function was called: not of precompiled contracts, nor with less than four bytes.
Reading write_selectors(Span events, const TracedPlace& place, JsonWriter& out) noexcept;

bool is_precompile(const TracedPlace& place, const Address& address) noexcept;

}  // namespace blockstm::tracing
