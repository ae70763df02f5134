// Recorders of whole steps; see step_recorder.hpp.
#include "evm/inspect/step_recorder.hpp"

#include "evm/forks/gas.hpp"

namespace blockstm::evm {

void StepRecorder::step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept {
    Recorder::step(machine, opcode, place, top, gas);
    const Frame& frame = machine.frames.back();
    if (frame.code->bytes.size == 0) return;
    ++counts_[opcode];
    refund_ = machine.journal.refund();
    if (!records(WHOLE_STEP_BIT)) return;
    const auto height = static_cast<uint64_t>(top - frame.stack);
    EventWriter event = begin(WHOLE_STEP_TAG);
    event.number(opcode).number(place).number(gas).number(static_cast<uint16_t>(frame.depth));
    event.number(refund_).number(gas_table(machine.fork()).base[opcode]).number(frame.memory_size);
    event.number(static_cast<uint16_t>(height));
    static_assert(sizeof(u256) == 32);
    event.bytes(frame.stack, height * sizeof(u256));
    Span memory, returned;
    const uint64_t size = frame.memory_size;
    if (records(MEMORY_BIT) && size != 0) memory = {machine.memory.at(frame.memory_base), size};
    if (records(RETURN_DATA_BIT)) returned = {machine.return_data.data(), machine.return_data.size()};
    event.sized(memory).sized(returned);
}

void StepRecorder::step_end(const Machine& machine, int64_t gas, Failure failure) noexcept {
    const int64_t refund = machine.journal.refund();
    if (refund != refund_ && records(WHOLE_STEP_BIT)) begin(REFUND_TAG).number(refund);
    Recorder::step_end(machine, gas, failure);
}

void StepRecorder::close() noexcept {
    if (!records(COUNT_BIT)) return;
    EventWriter event = begin(COUNT_TAG);
    for (const uint64_t count : counts_) event.number(count);
}

}  // namespace blockstm::evm
