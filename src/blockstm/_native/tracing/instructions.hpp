// Instructions, read from what was recorded of them (evm/inspect/step_recorder.hpp).
#pragma once

#include "evm/forks/opcodes.hpp"
#include "tracing/failures.hpp"

namespace blockstm::tracing {

struct StepBegan {
    uint8_t opcode;
    uint32_t pc;
    int64_t gas;
    uint16_t depth;
    int64_t refund;
    uint16_t base_gas;  // what its opcode costs at least
    uint64_t memory_size;
    const uint8_t* stack;  // words from its bottom, little-endian
    uint16_t height;
    Span memory, return_data;
};

// That was read or written, with its value from then on.
struct SlotUsed {
    Address address;
    u256 key, value;
};

// An instruction with its end, the slot that it read or wrote, and refunds so far.
struct Instruction {
    StepBegan step;
    int64_t gas_left;
    evm::Failure failure;
    bool has_slot;
    SlotUsed slot;
    int64_t refund;
    int64_t passed_on;  // by a creation: gas that go-ethereum does not count as its cost

    // In gas, as far as it is known of one that failed.
    int64_t cost() const noexcept {
        return failure == evm::Failure::None ? step.gas - gas_left - passed_on : int64_t{step.base_gas};
    }
    // Why it failed; empty where it did not.
    Words error(evm::Fork fork) const noexcept;
};

// Puts instructions together of events, and tells `sink` of each when it is known what it cost, and of the calls
// between them. A sink has `instruction`, `call`, `call_end`, `fault` and `selfdestruct`.
template <class Sink>
class InstructionReader {
public:
    explicit InstructionReader(Sink& sink) noexcept : sink_(sink) {}

    Reading read(Span events) noexcept {
        EventReader reader(events);
        while (!reader.at_end()) {
            if (!read_event(reader) || !reader.is_well()) return Reading::Malformed;
        }
        tell_creation(0);
        return Reading::Done;
    }

private:
    bool read_event(EventReader& events) noexcept {
        const auto tag = events.number<uint8_t>();
        if (tag == evm::CALL_BIT) {
            const CallBegan call = read_call(events);
            tell_creation(call.gas);
            is_after_push_ = false;
            sink_.call(call);
            return true;
        }
        tell_creation(0);
        switch (tag) {
            case evm::WHOLE_STEP_TAG: begin(read_step(events)); return true;
            case evm::REFUND_TAG: next_.refund = events.number<int64_t>(); return true;
            case evm::SLOAD_BIT:
            case evm::SSTORE_BIT:
                next_.slot = {events.address(), events.word(), events.word()};
                next_.has_slot = true;
                return true;
            case evm::STEP_END_BIT: end(events); return true;
            case evm::CALL_END_BIT:
                is_after_push_ = false;
                sink_.call_end(read_call_end(events));
                return true;
            case evm::FAULT_TAG: sink_.fault(read_fault(events)); return true;
            case evm::SELFDESTRUCT_BIT: sink_.selfdestruct(read_selfdestruct(events)); return true;
            default: return false;
        }
    }

    static StepBegan read_step(EventReader& events) noexcept {
        StepBegan step;
        step.opcode = events.number<uint8_t>();
        step.pc = events.number<uint32_t>();
        step.gas = events.number<int64_t>();
        step.depth = events.number<uint16_t>();
        step.refund = events.number<int64_t>();
        step.base_gas = events.number<uint16_t>();
        step.memory_size = events.number<uint64_t>();
        step.height = events.number<uint16_t>();
        step.stack = events.take(uint64_t{step.height} * sizeof(u256));
        step.memory = events.sized(), step.return_data = events.sized();
        return step;
    }

    // The end of a code that a PUSH goes beyond is behind what it would have pushed.
    void begin(const StepBegan& step) noexcept {
        next_ = {step, 0, evm::Failure::None, false, {}, step.refund, 0};
        has_next_ = true;
        if (is_after_push_ && step.opcode == evm::op::STOP && step.depth == push_depth_) next_.step.pc = behind_push_;
    }

    // Of an empty code there is an end alone.
    void end(EventReader& events) noexcept {
        next_.gas_left = events.number<int64_t>();
        next_.failure = static_cast<evm::Failure>(events.number<uint8_t>());
        if (!has_next_) return;
        has_next_ = false;
        const StepBegan& step = next_.step;
        is_after_push_ = evm::is_push(step.opcode);
        if (is_after_push_) behind_push_ = step.pc + step.opcode - evm::op::PUSH1 + 2, push_depth_ = step.depth;
        if (step.opcode == evm::op::CREATE || step.opcode == evm::op::CREATE2) has_creation_ = true;
        else sink_.instruction(next_);
    }

    // A creation is known when it is known what it passes on.
    void tell_creation(int64_t passed_on) noexcept {
        if (!has_creation_) return;
        has_creation_ = false;
        next_.passed_on = passed_on;
        sink_.instruction(next_);
    }

    Sink& sink_;
    Instruction next_{};
    bool has_next_ = false;      // it has begun
    bool has_creation_ = false;  // it is one, and has ended
    bool is_after_push_ = false;
    uint32_t behind_push_ = 0;
    uint16_t push_depth_ = 0;
};

}  // namespace blockstm::tracing
