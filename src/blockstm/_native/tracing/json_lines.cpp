// Lines as of EIP-3155, as `evm t8n --trace` writes them: one for an instruction, one for the end of a call.
#include "tracing/instructions.hpp"
#include "tracing/trace_forms.hpp"

namespace blockstm::tracing {

using evm::Failure;

namespace {

// Whether an instruction has not been paid for, and has not begun.
bool is_unpaid(Failure failure, const Words& error) noexcept {
    constexpr char OUT_OF_GAS[] = "out of gas";
    constexpr uint64_t SIZE = sizeof OUT_OF_GAS - 1;
    return failure == Failure::OutOfGas || failure == Failure::StackUnderflow || failure == Failure::StackOverflow ||
           failure == Failure::InvalidOpcode ||
           (error.size >= SIZE && std::memcmp(error.text, OUT_OF_GAS, SIZE) == 0);
}

class Lines {
public:
    Lines(evm::Fork fork, bool has_stack, JsonWriter& out) noexcept : fork_(fork), has_stack_(has_stack), out_(out) {}

    void instruction(const Instruction& instruction) noexcept {
        const Words error = instruction.error(fork_);
        if (error.size == 0) {
            write(instruction, nullptr);
        } else {
            if (!is_unpaid(instruction.failure, error)) write(instruction, nullptr);
            write(instruction, &error);
        }
        if (is_gone_) out_.text("{\"output\":\"\",\"gasUsed\":\"0x0\"}\n");
        is_gone_ = false;
    }
    void call(const CallBegan& began) noexcept { has_room_ = has_room_ && open_.push(began); }
    void call_end(const CallEnded& end) noexcept {
        if (open_.empty()) {
            is_well_ = false;
            return;
        }
        write_end(end, open_.back());
        open_.pop();
        has_fault_ = false;
    }
    void fault(const Fault& fault) noexcept { fault_ = fault, has_fault_ = true; }
    // A call of its own kind.
    void selfdestruct(const SelfDestructed&) noexcept { is_gone_ = true; }

    Reading reading() const noexcept {
        if (!has_room_) return Reading::NoMemory;
        return is_well_ ? Reading::Done : Reading::Malformed;
    }

private:
    // With its error, where there is one.
    void write(const Instruction& instruction, const Words* error) noexcept {
        const StepBegan& step = instruction.step;
        {
            JsonObject members(out_);
            members.member("pc").decimal(uint64_t{step.pc});
            members.member("op").decimal(uint64_t{step.opcode});
            members.member("gas").quantity(step.gas);
            members.member("gasCost").quantity(instruction.cost());
            if (step.memory.size != 0) members.member("memory").data(step.memory);
            members.member("memSize").decimal(step.memory_size);
            if (has_stack_) members.member("stack").quantities(step.stack, step.height);
            else members.member("stack").text("null");
            if (step.return_data.size != 0 && error == nullptr) members.member("returnData").data(step.return_data);
            members.member("depth").decimal(uint64_t{step.depth} + 1);
            members.member("refund").decimal(instruction.refund);
            members.member("opName").text("\"").copy(opcode_name(step.opcode).span()).text("\"");
            if (error != nullptr) members.member("error").string(error->span());
        }
        out_.text("\n");
    }

    void write_end(const CallEnded& end, const CallBegan& began) noexcept {
        const bool has_output = end.succeeded || end.failure == Failure::Reverted;
        out_.text("{\"output\":\"").bare_digits(has_output ? end.output : Span{});
        out_.text("\",\"gasUsed\":").quantity(began.gas - end.gas_left);
        if (!end.succeeded) {
            const Words error = call_failure(end.failure, has_fault_ ? &fault_ : nullptr, fork_, began);
            out_.text(",\"error\":").string(error.span());
        }
        out_.text("}\n");
    }

    evm::Fork fork_;
    bool has_stack_;
    JsonWriter& out_;
    Array<CallBegan> open_;
    Fault fault_{};
    bool has_fault_ = false;
    bool is_gone_ = false;
    bool has_room_ = true;
    bool is_well_ = true;
};

}  // namespace

Reading write_lines(Span events, evm::Fork fork, const TraceOptions& options, Bytes& out) noexcept {
    JsonWriter writer(out, options.text_max);
    Lines lines(fork, options.has_stack, writer);
    Reading reading = InstructionReader(lines).read(events);
    if (reading == Reading::Done) reading = lines.reading();
    return written(writer, reading);
}

}  // namespace blockstm::tracing
