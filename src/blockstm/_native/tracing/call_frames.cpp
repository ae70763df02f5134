// Calls within calls; see call_frames.hpp.
#include "tracing/call_frames.hpp"

namespace blockstm::tracing {

using evm::CallKind;
using evm::Failure;

namespace {

constexpr Address NO_ADDRESS{};

}  // namespace

const char* CallFrame::name() const noexcept {
    if (is_selfdestruct) return "SELFDESTRUCT";
    switch (kind) {
        case CallKind::Call: return "CALL";
        case CallKind::CallCode: return "CALLCODE";
        case CallKind::DelegateCall: return "DELEGATECALL";
        case CallKind::StaticCall: return "STATICCALL";
        case CallKind::Create: return "CREATE";
        case CallKind::Create2: return "CREATE2";
    }
    return "CALL";
}

Reading CallFrames::read(Span events, const TracedRun& run, bool only_top) noexcept {
    frames.clear(), logs.clear(), errors.clear(), open_.clear();
    run_ = &run, only_top_ = only_top, log_count_ = run.result.first_log, top_ = NO_PLACE;
    EventReader reader(events);
    while (!reader.at_end()) {
        bool has_room = true;
        const auto tag = reader.number<uint8_t>();
        if (tag == evm::CALL_BIT) {
            has_room = begin(read_call(reader));
        } else if (open_.empty()) {
            return Reading::Malformed;
        } else if (tag == evm::CALL_END_BIT) {
            has_room = end(read_call_end(reader));
        } else if (tag == evm::LOG_BIT) {
            has_room = add_log(read_log(reader));
        } else if (tag == evm::SELFDESTRUCT_BIT) {
            has_room = add_selfdestruct(read_selfdestruct(reader));
        } else if (tag == evm::FAULT_TAG) {
            open_.back().fault = read_fault(reader);
            open_.back().has_fault = true;
        } else {
            return Reading::Malformed;
        }
        if (!reader.is_well()) return Reading::Malformed;
        if (!has_room) return Reading::NoMemory;
    }
    if (!open_.empty()) return Reading::Malformed;
    return finish() ? Reading::Done : Reading::NoMemory;
}

bool CallFrames::push(CallFrame& frame) noexcept { return frames.size() < NO_PLACE && frames.push(frame); }

bool CallFrames::begin(const CallBegan& began) noexcept {
    CallFrame frame;
    frame.kind = began.kind;
    frame.sender = began.kind == CallKind::DelegateCall ? began.target : began.caller;
    frame.has_to = !began.creates();
    frame.to = began.code_address;
    frame.value = began.value;
    frame.gas = static_cast<uint64_t>(began.gas);
    frame.input = began.input;
    const auto place = static_cast<uint32_t>(frames.size());
    return push(frame) && open_.push({began, {}, false, place, log_count_});
}

bool CallFrames::end(const CallEnded& end) noexcept {
    const Open open = open_.back();
    CallFrame& frame = frames[open.frame];
    open_.pop();
    frame.gas_used = frame.gas - static_cast<uint64_t>(end.gas_left);
    if (end.succeeded) {
        frame.output = end.output;
        if (!(end.created == NO_ADDRESS)) frame.to = end.created, frame.has_to = true;
    } else if (!fail(frame, open, end)) {
        return false;
    }
    if (open_.empty()) top_ = open.frame;
    else if (!only_top_) attach(open_.back().frame, open.frame);
    return true;
}

bool CallFrames::fail(CallFrame& frame, const Open& open, const CallEnded& end) noexcept {
    frame.is_failed = true;
    frame.is_reverted = end.failure == Failure::Reverted;
    frame.error = static_cast<uint32_t>(errors.size());
    if (frame.is_reverted) frame.output = end.output;
    log_count_ = open.logs_before;
    return errors.push(call_failure(end.failure, open.has_fault ? &open.fault : nullptr, run_->fork, open.began));
}

void CallFrames::attach(uint32_t parent, uint32_t child) noexcept {
    CallFrame& around = frames[parent];
    frames[child].parent = parent;
    if (around.first_child == NO_PLACE) around.first_child = child;
    else frames[around.last_child].next = child;
    around.last_child = child;
    ++around.child_count;
}

bool CallFrames::add_log(const Logged& log) noexcept {
    CallFrame& frame = frames[open_.back().frame];
    const uint64_t index = log_count_++;
    if (only_top_ && open_.size() > 1) return true;
    const auto place = static_cast<uint32_t>(logs.size());
    if (frame.first_log == NO_PLACE) frame.first_log = place;
    else logs[frame.last_log].next = place;
    frame.last_log = place;
    return logs.push({log, index, frame.child_count, NO_PLACE});
}

bool CallFrames::add_selfdestruct(const SelfDestructed& gone) noexcept {
    if (only_top_) return true;
    CallFrame frame;
    frame.is_selfdestruct = true;
    frame.sender = gone.address;
    frame.has_to = true, frame.to = gone.beneficiary;
    frame.value = gone.amount;
    const auto place = static_cast<uint32_t>(frames.size());
    if (!push(frame)) return false;
    attach(open_.back().frame, place);
    return true;
}

// The top call has all the gas of the transaction, and all that it used. There was none where the gas did not do for
// it (EIP-2780).
bool CallFrames::finish() noexcept {
    if (top_ == NO_PLACE) {
        CallFrame frame;
        frame.kind = run_->creates ? CallKind::Create : CallKind::Call;
        frame.sender = run_->sender;
        frame.has_to = !run_->creates, frame.to = run_->to;
        frame.value = run_->value;
        frame.input = run_->input;
        frame.is_failed = true;
        frame.error = static_cast<uint32_t>(errors.size());
        Words words;
        std::memcpy(words.text, "out of gas", words.size = sizeof "out of gas" - 1);
        top_ = static_cast<uint32_t>(frames.size());
        if (!push(frame) || !errors.push(words)) return false;
    }
    frames[top_].gas = run_->gas;
    frames[top_].gas_used = run_->result.gas_used;
    return true;
}

}  // namespace blockstm::tracing
