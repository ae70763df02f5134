// The struct logs of `debug_traceTransaction`: an object for each instruction.
#include "tracing/instructions.hpp"
#include "tracing/trace_forms.hpp"

namespace blockstm::tracing {
namespace {

class StructLogs {
public:
    StructLogs(evm::Fork fork, const TraceOptions& options, JsonWriter& out) noexcept
        : fork_(fork), options_(options), out_(out) {}

    void instruction(const Instruction& instruction) noexcept {
        if (!out_.is_whole()) return;  // slots may be so many that it takes long to write none of them
        if (options_.limit != 0 && count_ >= options_.limit) return;
        if (count_++ != 0) out_.text(",");
        write(instruction);
    }
    void call(const CallBegan&) noexcept {}
    void call_end(const CallEnded&) noexcept {}
    void fault(const Fault&) noexcept {}
    void selfdestruct(const SelfDestructed&) noexcept {}

    bool has_room() const noexcept { return has_room_; }

private:
    void write(const Instruction& instruction) noexcept {
        const StepBegan& step = instruction.step;
        JsonObject members(out_);
        members.member("pc").decimal(uint64_t{step.pc});
        members.member("op").text("\"").copy(opcode_name(step.opcode).span()).text("\"");
        members.member("gas").decimal(step.gas);
        members.member("gasCost").decimal(instruction.cost());
        members.member("depth").decimal(uint64_t{step.depth} + 1);
        const Words error = instruction.error(fork_);
        if (error.size != 0) members.member("error").string(error.span());
        if (options_.has_stack) members.member("stack").quantities(step.stack, step.height);
        if (step.return_data.size != 0) members.member("returnData").data(step.return_data);
        if (step.memory.size != 0) write_memory(step.memory, members.member("memory"));
        if (options_.has_storage && instruction.has_slot) {
            has_room_ = has_room_ && remember(instruction.slot);
            write_storage(instruction.slot.address, members.member("storage"));
        }
        if (instruction.refund != 0) members.member("refund").decimal(instruction.refund);
    }

    static void write_memory(Span memory, JsonWriter& out) noexcept {
        out.text("[");
        for (uint64_t place = 0; place < memory.size; place += sizeof(Hash32)) {
            const uint64_t left = memory.size - place;
            if (place != 0) out.text(",");
            out.data(memory.data + place, left < sizeof(Hash32) ? left : sizeof(Hash32));
        }
        out.text("]");
    }

    // Slots are few: what is written for each instruction that uses one is all of an account's.
    bool remember(const SlotUsed& used) noexcept {
        for (SlotUsed& known : slots_) {
            if (known.key == used.key && known.address == used.address) {
                known.value = used.value;
                return true;
            }
        }
        return slots_.push(used);
    }

    void write_storage(const Address& address, JsonWriter& out) noexcept {
        JsonObject slots(out);
        for (const SlotUsed& each : slots_) {
            if (each.address == address) slots.member(each.key).word(each.value);
        }
    }

    evm::Fork fork_;
    const TraceOptions& options_;
    JsonWriter& out_;
    uint64_t count_ = 0;
    Array<SlotUsed> slots_;  // in the order of their first uses
    bool has_room_ = true;
};

// What the last call to end, the transaction's own, has left.
struct LastOutput {
    Span output;

    void instruction(const Instruction&) noexcept {}
    void call(const CallBegan&) noexcept {}
    void call_end(const CallEnded& end) noexcept { output = end.output; }
    void fault(const Fault&) noexcept {}
    void selfdestruct(const SelfDestructed&) noexcept {}
};

// Of a creation the code.
Reading find_output(Span events, const TracedRun& run, Span& output) noexcept {
    output = run.result.output;
    if (!run.result.succeeded || !run.creates) return Reading::Done;
    LastOutput last;
    const Reading reading = InstructionReader(last).read(events);
    output = last.output;
    return reading;
}

}  // namespace

Reading write_struct_logs(Span events, const TracedRun& run, const TraceOptions& options, JsonWriter& out) noexcept {
    Span output;
    Reading reading = find_output(events, run, output);
    if (reading != Reading::Done) return reading;
    JsonObject members(out);
    members.member("gas").decimal(run.result.gas_used);
    JsonWriter& failed = members.member("failed");
    if (run.result.succeeded) failed.text("false");
    else failed.text("true");
    members.member("returnValue").data(output);
    members.member("structLogs").text("[");
    StructLogs logs(run.fork, options, out);
    reading = InstructionReader(logs).read(events);
    out.text("]");
    return reading == Reading::Done && !logs.has_room() ? Reading::NoMemory : reading;
}

}  // namespace blockstm::tracing
