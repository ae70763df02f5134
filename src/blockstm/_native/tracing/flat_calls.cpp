// flatCallTracer's form: the calls one behind the other, each with its place among them.
#include <algorithm>
#include <cstring>

#include "tracing/trace_forms.hpp"

namespace blockstm::tracing {

bool is_precompile(const TracedPlace& place, const Address& address) noexcept {
    const auto before = [](const Address& left, const Address& right) noexcept {
        return std::memcmp(left.bytes, right.bytes, sizeof left.bytes) < 0;
    };
    return std::binary_search(place.precompiles, place.precompiles + place.precompile_count, address, before);
}

namespace {

// "create" of CREATE.
void write_lower(const char* name, JsonWriter& out) noexcept {
    for (; *name != 0; ++name) {
        const char letter = *name >= 'A' && *name <= 'Z' ? static_cast<char>(*name - 'A' + 'a') : *name;
        out.copy(&letter, 1);
    }
}

class FlatCalls {
public:
    FlatCalls(const CallFrames& frames, const TracedPlace& place, const TraceOptions& options, JsonWriter& out) noexcept
        : frames_(frames), place_(place), options_(options), out_(out) {}

    // False where memory ran out.
    bool write() noexcept {
        const CallFrame* frame = &frames_.top();
        out_.text("[");
        write_frame(*frame);
        while (frame != nullptr) {
            const CallFrame* const child = first_shown(frame->first_child);
            if (child != nullptr) {
                if (!path_.push(0)) return false;
                frame = child;
            } else {
                frame = next_of(frame);
            }
            if (frame == nullptr) break;
            out_.text(",");
            write_frame(*frame);
        }
        out_.text("]");
        return true;
    }

private:
    bool is_shown(const CallFrame& frame) const noexcept {
        const bool may_be_none = !frame.is_selfdestruct && !options_.has_precompiles &&
                                 (frame.kind == evm::CallKind::Call || frame.kind == evm::CallKind::StaticCall);
        return !may_be_none || !is_precompile(place_, frame.to);
    }

    const CallFrame* first_shown(uint32_t place) const noexcept {
        while (place != NO_PLACE && !is_shown(frames_[place])) place = frames_[place].next;
        return place == NO_PLACE ? nullptr : &frames_[place];
    }

    // What comes behind a frame and all within it.
    const CallFrame* next_of(const CallFrame* frame) noexcept {
        while (frame->parent != NO_PLACE) {
            if (const CallFrame* next = first_shown(frame->next)) {
                ++path_.back();
                return next;
            }
            path_.pop();
            frame = &frames_[frame->parent];
        }
        return nullptr;
    }

    uint64_t shown_calls(const CallFrame& frame) const noexcept {
        uint64_t count = 0;
        for (uint32_t place = frame.first_child; place != NO_PLACE; place = frames_[place].next) {
            count += is_shown(frames_[place]) ? 1 : 0;
        }
        return count;
    }

    void write_frame(const CallFrame& frame) noexcept {
        if (frame.is_selfdestruct) write_selfdestruct(frame);
        else if (frame.creates()) write_creation(frame);
        else write_call(frame);
        if (frame.is_failed) {
            const Span words = frames_.error(frame);
            out_.text(",\"error\":").string(options_.converts_errors ? parity_words(words) : words);
        }
        out_.text(",\"subtraces\":").decimal(shown_calls(frame)).text(",\"traceAddress\":[");
        for (uint64_t depth = 0; depth < path_.size(); ++depth) {
            if (depth != 0) out_.text(",");
            out_.decimal(uint64_t{path_[depth]});
        }
        out_.text("],\"blockHash\":").data(place_.block_hash);
        out_.text(",\"blockNumber\":").decimal(place_.block_number);
        out_.text(",\"transactionHash\":").data(place_.hash);
        out_.text(",\"transactionPosition\":").decimal(place_.index).text("}");
    }

    void write_selfdestruct(const CallFrame& frame) noexcept {
        out_.text("{\"type\":\"suicide\",\"action\":{\"address\":").data(frame.sender);
        out_.text(",\"balance\":").quantity(frame.value).text(",\"refundAddress\":").data(frame.to).text("}");
    }

    void write_action(const CallFrame& frame) noexcept {
        out_.text("\"action\":{\"from\":").data(frame.sender).text(",\"gas\":").quantity(frame.gas);
        out_.text(",\"value\":").quantity(frame.has_value() ? frame.value : u256{});
    }

    // Of what failed there is one where it was reverted.
    bool begin_result(const CallFrame& frame) noexcept {
        if (frame.is_failed && !frame.is_reverted) return false;
        out_.text(",\"result\":{\"gasUsed\":").quantity(frame.gas_used);
        return true;
    }

    void write_creation(const CallFrame& frame) noexcept {
        out_.text("{\"type\":\"create\",");
        write_action(frame);
        out_.text(",\"creationMethod\":\"");
        write_lower(frame.name(), out_);
        out_.text("\",\"init\":").data(frame.input).text("}");
        if (!begin_result(frame)) return;
        if (frame.has_to) out_.text(",\"address\":").data(frame.to);
        out_.text(",\"code\":").data(frame.output).text("}");
    }

    void write_call(const CallFrame& frame) noexcept {
        out_.text("{\"type\":\"call\",");
        write_action(frame);
        out_.text(",\"callType\":\"");
        write_lower(frame.name(), out_);
        out_.text("\",\"input\":").data(frame.input);
        if (frame.has_to) out_.text(",\"to\":").data(frame.to);
        out_.text("}");
        if (begin_result(frame)) out_.text(",\"output\":").data(frame.output).text("}");
    }

    const CallFrames& frames_;
    const TracedPlace& place_;
    const TraceOptions& options_;
    JsonWriter& out_;
    Array<uint32_t> path_;
};

}  // namespace

bool write_flat(const CallFrames& frames, const TracedPlace& place, const TraceOptions& options,
                JsonWriter& out) noexcept {
    return FlatCalls(frames, place, options, out).write();
}

}  // namespace blockstm::tracing
