// Traces of a block; see block_traces.hpp.
#include "tracing/block_traces.hpp"

#include <algorithm>
#include <new>

#include "base/atomics.hpp"
#include "base/threads.hpp"

namespace blockstm::tracing {
namespace {

constexpr uint64_t PART_TRACES = 16;              // so that no thread waits long for the last
constexpr uint64_t THREAD_BYTES_MIN = 256 << 10;  // of events: less takes no longer than to start a thread
constexpr uint64_t THREAD_TEXT_MIN = 1 << 20;     // in bytes, to be copied

uint32_t threads_for(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads) noexcept {
    uint64_t bytes = 0;
    for (uint64_t index = first; index < end; ++index) bytes += block.recordings[index].size();
    const uint64_t useful = bytes / THREAD_BYTES_MIN + 1;
    return useful < threads ? static_cast<uint32_t>(useful) : threads;
}

Reading write_named(const TracedBlock& block, uint64_t index, uint64_t text_max, TraceWriter& traces,
                    Bytes& out) noexcept {
    if (!JsonWriter(out).text("{\"txHash\":").data(block.hashes[index]).text(",\"result\":").is_whole()) {
        return Reading::NoMemory;
    }
    const Reading reading = traces.write(block, index, text_max, out);
    if (reading != Reading::Done) return reading;
    return JsonWriter(out).text("}").is_whole() ? Reading::Done : Reading::NoMemory;
}

}  // namespace

Reading TraceWriter::write(const TraceOptions& options, const TracedPlace& place, const TracedRun& run, Span events,
                           const CodeSpans& codes, Bytes& out) noexcept {
    const uint64_t left = UINT64_MAX - out.size();
    JsonWriter writer(out, out.size() + std::min(options.text_max, left));
    return written(writer, write_form(options, place, run, events, codes, writer));
}

Reading TraceWriter::write_form(const TraceOptions& options, const TracedPlace& place, const TracedRun& run,
                                Span events, const CodeSpans& codes, JsonWriter& out) noexcept {
    switch (options.form) {
        case TraceForm::Nested:
        case TraceForm::Flat: return write_calls(options, place, run, events, out);
        case TraceForm::Selectors: return write_selectors(events, place, out);
        case TraceForm::StructLogs: return write_struct_logs(events, run, options, out);
        case TraceForm::Lines: return write_as_string(events, run, options, out);
        case TraceForm::PreState: break;
    }
    const Reading reading = seen_.read(events, run.fork);
    if (reading == Reading::Done) write_pre_state(seen_, codes, options, out);
    return reading;
}

Reading TraceWriter::write_calls(const TraceOptions& options, const TracedPlace& place, const TracedRun& run,
                                 Span events, JsonWriter& out) noexcept {
    const Reading reading = frames_.read(events, run, options.only_top);
    if (reading != Reading::Done) return reading;
    if (options.form == TraceForm::Flat) return write_flat(frames_, place, options, out) ? reading : Reading::NoMemory;
    write_nested(frames_, out);
    return reading;
}

Reading TraceWriter::write_as_string(Span events, const TracedRun& run, const TraceOptions& options,
                                     JsonWriter& out) noexcept {
    lines_.clear();
    const Reading reading = write_lines(events, run.fork, options, lines_);
    out.string(span_of(lines_));
    return reading;
}

Reading TraceWriter::write(const TracedBlock& block, uint64_t index, uint64_t text_max, Bytes& out) noexcept {
    evm::Step room;
    const Transaction& transaction = block.steps->at(index + 1, room).transaction;
    TracedRun run;
    run.fork = block.fork;
    run.gas = transaction.gas_limit;
    run.result = block.results[index];
    run.sender = transaction.sender, run.to = transaction.to, run.creates = transaction.creates;
    run.value = transaction.value, run.input = transaction.data;
    TracedPlace place = block.place;
    place.index = index;
    if (block.hashes != nullptr) place.hash = block.hashes[index];
    TraceOptions options = block.options;
    options.text_max = text_max;
    return write(options, place, run, span_of(block.recordings[index]), *block.codes, out);
}

Reading ShownCodes::read(const TraceOptions& options, evm::Fork fork, Span events) noexcept {
    const Reading reading = seen_.read(events, fork);
    if (reading != Reading::Done) return reading;
    return list_shown_codes(seen_, options, hashes_) ? Reading::Done : Reading::NoMemory;
}

void ShownCodes::sort() noexcept {
    const auto is_before = [](const Hash32& left, const Hash32& right) noexcept {
        return std::memcmp(left.bytes, right.bytes, sizeof left.bytes) < 0;
    };
    std::sort(hashes_.begin(), hashes_.end(), is_before);
    const Hash32* const end = std::unique(hashes_.begin(), hashes_.end());
    hashes_.truncate(static_cast<uint64_t>(end - hashes_.begin()));
}

Reading TraceList::write(const TracedBlock& block, uint64_t first, uint64_t end, uint32_t threads,
                         bool is_named) noexcept {
    part_count_ = (end - first) / PART_TRACES + 1;
    parts_.reset(new (std::nothrow) Bytes[part_count_]);
    if (parts_ == nullptr) return Reading::NoMemory;
    const uint64_t text_max = block.options.text_max;
    Atomic<uint64_t> total{0};
    Atomic<uint8_t> worst{static_cast<uint8_t>(Reading::Done)};
    run_parts(threads_for(block, first, end, threads), part_count_, [&](uint64_t part, uint32_t) noexcept {
        TraceWriter traces;
        Bytes& out = parts_[part];
        const uint64_t begin = first + part * PART_TRACES;
        bool has_room = part != 0 || JsonWriter(out).text("[").is_whole();
        for (uint64_t index = begin; index < begin + PART_TRACES && index < end; ++index) {
            has_room = has_room && (index == first || JsonWriter(out).text(",").is_whole());
            const uint64_t before = out.size(), used = total.read_in_order();
            const uint64_t left = text_max - std::min(text_max, used);
            const Reading reading = is_named ? write_named(block, index, left, traces, out)
                                             : traces.write(block, index, left, out);
            total.add_in_order(out.size() - before);
            if (reading != Reading::Done) return worst.suggest(static_cast<uint8_t>(reading));
        }
        has_room = has_room && (part + 1 != part_count_ || JsonWriter(out).text("]").is_whole());
        if (!has_room) worst.suggest(static_cast<uint8_t>(Reading::NoMemory));
    });
    const auto reading = static_cast<Reading>(worst.peek());
    return reading == Reading::Done && total.read_in_order() > text_max ? Reading::TooLarge : reading;
}

uint64_t TraceList::size() const noexcept {
    uint64_t size = 0;
    for (uint64_t part = 0; part < part_count_; ++part) size += parts_[part].size();
    return size;
}

void TraceList::copy_to(uint8_t* out, uint32_t threads) const noexcept {
    const uint64_t useful = size() / THREAD_TEXT_MIN + 1;
    run_parts(useful < threads ? static_cast<uint32_t>(useful) : threads, part_count_,
              [&](uint64_t part, uint32_t) noexcept {
        uint64_t before = 0;
        for (uint64_t each = 0; each < part; ++each) before += parts_[each].size();
        const Bytes& copied = parts_[part];
        if (!copied.empty()) std::memcpy(out + before, copied.data(), copied.size());
    });
}

}  // namespace blockstm::tracing
