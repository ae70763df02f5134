// callTracer's form: the transaction's call as an object, those within a call under `calls`.
#include <cstring>

#include "tracing/trace_forms.hpp"
#include "tracing/revert_reasons.hpp"

namespace blockstm::tracing {
namespace {

// What stands before the calls of a frame.
void write_head(const CallFrames& frames, const CallFrame& frame, JsonWriter& out) noexcept {
    out.text("{\"from\":").data(frame.sender);
    out.text(",\"gas\":").quantity(frame.gas).text(",\"gasUsed\":").quantity(frame.gas_used);
    out.text(",\"input\":").data(frame.input);
    if (frame.has_to) out.text(",\"to\":").data(frame.to);
    if (frame.output.size != 0) out.text(",\"output\":").data(frame.output);
    if (!frame.is_failed) return;
    out.text(",\"error\":").string(frames.error(frame));
    RevertRoom room;
    const Span reason = frame.is_reverted ? revert_reason(frame.output, room) : Span{};
    if (reason.size != 0) out.text(",\"revertReason\":").string(reason);
}

void write_logs(const CallFrames& frames, const CallFrame& frame, JsonWriter& out) noexcept {
    out.text(",\"logs\":[");
    for (uint32_t place = frame.first_log; place != NO_PLACE; place = frames.log(place).next) {
        const CallLog& each = frames.log(place);
        if (place != frame.first_log) out.text(",");
        out.text("{\"address\":").data(each.log.address).text(",\"topics\":[");
        for (uint64_t topic = 0; topic < each.log.topic_count; ++topic) {
            if (topic != 0) out.text(",");
            out.data(each.log.topics + topic * sizeof(Hash32), sizeof(Hash32));
        }
        out.text("],\"data\":").data(each.log.data);
        out.text(",\"index\":").quantity(each.index).text(",\"position\":").quantity(each.position).text("}");
    }
    out.text("]");
}

// What stands behind them. The logs of what has failed were taken back.
void write_tail(const CallFrames& frames, const CallFrame& frame, bool is_taken_back, JsonWriter& out) noexcept {
    if (frame.first_child != NO_PLACE) out.text("]");
    if (frame.first_log != NO_PLACE && !is_taken_back) write_logs(frames, frame, out);
    if (frame.has_value()) out.text(",\"value\":").quantity(frame.value);
    out.text(",\"type\":\"").copy(frame.name(), std::strlen(frame.name())).text("\"}");
}

}  // namespace

// Without recursion: calls are nested as deep as the EVM lets them.
void write_nested(const CallFrames& frames, JsonWriter& out) noexcept {
    const CallFrame* frame = &frames.top();
    uint32_t failed = 0;  // of the frames that are open, how many have failed
    while (true) {
        write_head(frames, *frame, out);
        failed += frame->is_failed ? 1 : 0;
        if (frame->first_child != NO_PLACE) {
            out.text(",\"calls\":[");
            frame = &frames[frame->first_child];
            continue;
        }
        while (true) {
            write_tail(frames, *frame, failed != 0, out);
            failed -= frame->is_failed ? 1 : 0;
            if (frame->next != NO_PLACE || frame->parent == NO_PLACE) break;
            frame = &frames[frame->parent];
        }
        if (frame->next == NO_PLACE) return;
        out.text(",");
        frame = &frames[frame->next];
    }
}

}  // namespace blockstm::tracing
