// Recorders; see recorder.hpp.
#include "evm/inspect/recorder.hpp"

#include <algorithm>

#include "evm/forks/opcodes.hpp"

namespace blockstm::evm {

void Recorder::take_room() noexcept {
    const uint64_t more = RecordingRoom::parts_of(events.size() - taken_);
    taken_ += more;
    is_over = is_over || !room_.take(more, taken_);
    is_full = is_full || is_over;
}

void Recorder::step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept {
    const Frame& frame = machine.frames.back();
    const auto height = static_cast<uint64_t>(top - frame.stack);
    opcode_ = opcode;
    height_ = static_cast<uint16_t>(height);
    gas_ = gas;
    if (!records(STEP_BIT)) return;
    const auto count = static_cast<uint8_t>(std::min<uint64_t>(OPCODES[opcode].inputs, height));
    EventWriter event = begin(STEP_BIT);
    event.number(opcode).number(place).number(gas).number(static_cast<uint16_t>(frame.depth));
    event.number(frame.memory_size).number(machine.journal.refund()).number(count);
    for (int index = 1; index <= count; ++index) event.word(top[-index]);
}

void Recorder::step_end(const Machine&, int64_t gas, Failure failure) noexcept {
    const auto reason = static_cast<uint8_t>(failure);
    if (failure != Failure::None && records(FAULT_BIT)) {
        begin(FAULT_TAG).number(opcode_).number(height_).number(gas_).number(reason);
    }
    if (!records(STEP_END_BIT)) return;
    begin(STEP_END_BIT).number(gas).number(reason);
}

void Recorder::call(Machine& machine, const CallStart& start) noexcept {
    machine.out_of_sentry_gas = -1;
    if (!records(CALL_BIT)) return;
    EventWriter event = begin(CALL_BIT);
    event.number(static_cast<uint8_t>(start.kind)).number(static_cast<uint16_t>(start.depth));
    event.number(uint8_t{start.is_static}).address(start.caller).address(start.target).address(start.code_address);
    event.word(start.value).number(start.gas).sized(start.input);
}

namespace {

// At an instruction that nobody has followed.
bool is_vague(Failure failure) noexcept {
    return failure == Failure::StackUnderflow || failure == Failure::StackOverflow ||
           failure == Failure::InvalidOpcode || failure == Failure::WriteProtection;
}

}  // namespace

void Recorder::call_end(const Machine& machine, const CallEnd& end) noexcept {
    if (!records(CALL_END_BIT)) return;
    const Failure failure = end.result.failure;
    if (records(CAUSES_BIT) && !records(FAULT_BIT)) {
        const bool creates = end.kind == CallKind::Create || end.kind == CallKind::Create2;
        const bool keeps_no_gas = failure == Failure::OutOfGas && machine.out_of_sentry_gas == end.depth;
        is_vague_ = is_vague_ || is_vague(failure) || (creates && failure == Failure::OutOfGas && !keeps_no_gas);
        if (keeps_no_gas) begin(FAULT_TAG).number(op::SSTORE).number(uint16_t{2}).number(int64_t{0}).number(uint8_t{1});
    }
    EventWriter event = begin(CALL_END_BIT);
    event.number(static_cast<uint8_t>(end.kind)).number(static_cast<uint16_t>(end.depth));
    event.number(uint8_t{end.result.succeeded}).number(static_cast<uint8_t>(end.result.failure));
    event.number(end.result.gas_left).address(end.created).sized(end.output);
}

void Recorder::sload(const Address& address, const u256& key, const u256& value) noexcept {
    if (!records(SLOAD_BIT)) return;
    begin(SLOAD_BIT).address(address).word(key).word(value);
}

void Recorder::sstore(const Address& address, const u256& key, const u256& value) noexcept {
    if (!records(SSTORE_BIT)) return;
    begin(SSTORE_BIT).address(address).word(key).word(value);
}

void Recorder::log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept {
    if (!records(LOG_BIT)) return;
    EventWriter event = begin(LOG_BIT);
    event.address(address).number(topic_count);
    for (int index = 0; index < topic_count; ++index) event.hash(topics[index]);
    event.sized(data);
}

void Recorder::selfdestruct(const Address& address, const Address& beneficiary, const u256& amount) noexcept {
    if (!records(SELFDESTRUCT_BIT)) return;
    begin(SELFDESTRUCT_BIT).address(address).address(beneficiary).word(amount);
}

}  // namespace blockstm::evm
