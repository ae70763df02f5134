// Traces of a block; see block_traces.hpp.
#include "tracing/block_traces.hpp"

#include <new>

#include "base/atomics.hpp"
#include "base/threads.hpp"

namespace blockstm::tracing {
namespace {

constexpr uint64_t PART_TRACES = 16;             // so that no thread waits long for the last
constexpr uint64_t THREAD_BYTES_MIN = 64 << 10;  // of events: less takes no longer than to start a thread

Span span_of(const Bytes& bytes) noexcept { return {bytes.data(), bytes.size()}; }

uint32_t threads_for(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads) noexcept {
    uint64_t bytes = 0;
    for (uint64_t index = first; index < end; ++index) bytes += block.recordings[index].size();
    const uint64_t useful = bytes / THREAD_BYTES_MIN + 1;
    return useful < threads ? static_cast<uint32_t>(useful) : threads;
}

Reading write_named(const TracedBlock& block, uint64_t index, CallFrames& frames, Bytes& out) noexcept {
    if (!JsonWriter(out).text("{\"txHash\":").data(block.hashes[index]).text(",\"result\":").is_whole()) {
        return Reading::NoMemory;
    }
    const Reading reading = write_trace_at(block, index, frames, out);
    if (reading != Reading::Done) return reading;
    return JsonWriter(out).text("}").is_whole() ? Reading::Done : Reading::NoMemory;
}

}  // namespace

Reading write_trace(const CallOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                    CallFrames& frames, Bytes& out) noexcept {
    JsonWriter writer(out);
    Reading reading = Reading::Done;
    bool has_room = true;
    if (options.form == CallForm::Selectors) {
        reading = write_selectors(events, place, writer);
    } else {
        reading = frames.read(events, run, options.only_top);
        if (reading != Reading::Done) return reading;
        if (options.form == CallForm::Nested) write_nested(frames, writer);
        else has_room = write_flat(frames, place, options, writer);
    }
    return reading == Reading::Done && !(has_room && writer.is_whole()) ? Reading::NoMemory : reading;
}

Reading write_trace_at(const TracedBlock& block, uint64_t index, CallFrames& frames, Bytes& out) noexcept {
    const Transaction& transaction = block.steps[index].transaction;
    TracedRun run;
    run.fork = block.fork;
    run.gas = transaction.gas_limit;
    run.gas_used = block.gas_used[index], run.first_log = block.first_logs[index];
    run.sender = transaction.sender, run.to = transaction.to, run.creates = transaction.creates;
    run.value = transaction.value, run.input = transaction.data;
    TracedPlace place = block.place;
    place.index = index;
    if (block.hashes != nullptr) place.hash = block.hashes[index];
    return write_trace(block.options, place, run, span_of(block.recordings[index]), frames, out);
}

Reading TraceList::write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads,
                         bool is_named) noexcept {
    part_count_ = (end - first) / PART_TRACES + 1;
    parts_.reset(new (std::nothrow) Bytes[part_count_]);
    if (parts_ == nullptr) return Reading::NoMemory;
    Atomic<uint8_t> worst{static_cast<uint8_t>(Reading::Done)};
    run_parts(threads_for(block, first, end, threads), part_count_, [&](uint64_t part, uint32_t) noexcept {
        CallFrames frames;
        Bytes& out = parts_[part];
        const uint64_t begin = first + part * PART_TRACES;
        bool has_room = part != 0 || JsonWriter(out).text("[").is_whole();
        for (uint64_t index = begin; index < begin + PART_TRACES && index < end; ++index) {
            has_room = has_room && (index == first || JsonWriter(out).text(",").is_whole());
            const Reading reading = is_named ? write_named(block, index, frames, out)
                                             : write_trace_at(block, index, frames, out);
            if (reading != Reading::Done) return worst.suggest(static_cast<uint8_t>(reading));
        }
        has_room = has_room && (part + 1 != part_count_ || JsonWriter(out).text("]").is_whole());
        if (!has_room) worst.suggest(static_cast<uint8_t>(Reading::NoMemory));
    });
    return static_cast<Reading>(worst.peek());
}

uint64_t TraceList::size() const noexcept {
    uint64_t size = 0;
    for (uint64_t part = 0; part < part_count_; ++part) size += parts_[part].size();
    return size;
}

void TraceList::copy_to(uint8_t* out) const noexcept {
    for (uint64_t part = 0; part < part_count_; ++part) {
        const Bytes& each = parts_[part];
        if (!each.empty()) std::memcpy(out, each.data(), each.size());
        out += each.size();
    }
}

}  // namespace blockstm::tracing
