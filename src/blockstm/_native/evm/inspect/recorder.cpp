// Recorders; see recorder.hpp.
#include "evm/inspect/recorder.hpp"

#include <algorithm>

#include "evm/forks/opcodes.hpp"
#include "evm/transaction/result_encoding.hpp"

namespace blockstm::evm {
namespace {

// Appends an event's members; what does not fit in memory is left out and noted.
class Writer {
public:
    Writer(Bytes& out, bool& is_full, EventBit event) noexcept : out_(out), is_full_(is_full) {
        number(uint8_t{event});
    }

    template <class Number>
    Writer& number(Number value) noexcept {
        return note(write_number(out_, value));
    }
    Writer& word(const u256& value) noexcept {
        uint8_t bytes[32];
        store_be(value, bytes);
        return note(out_.append(bytes, sizeof bytes));
    }
    Writer& address(const Address& value) noexcept { return note(out_.append(value.bytes, sizeof value.bytes)); }
    Writer& hash(const Hash32& value) noexcept { return note(out_.append(value.bytes, sizeof value.bytes)); }
    Writer& sized(Span bytes) noexcept { return note(write_sized(out_, bytes)); }

private:
    Writer& note(bool is_written) noexcept {
        is_full_ = is_full_ || !is_written;
        return *this;
    }

    Bytes& out_;
    bool& is_full_;
};

}  // namespace

void Recorder::step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept {
    if (!records(STEP_BIT)) return;
    const Frame& frame = machine.frames.back();
    const auto height = static_cast<uint64_t>(top - frame.stack);
    const auto count = static_cast<uint8_t>(std::min<uint64_t>(OPCODES[opcode].inputs, height));
    Writer event(events, is_full, STEP_BIT);
    event.number(opcode).number(place).number(gas).number(static_cast<uint16_t>(frame.depth));
    event.number(frame.memory_size).number(machine.journal.refund()).number(count);
    for (int index = 1; index <= count; ++index) event.word(top[-index]);
}

void Recorder::step_end(const Machine&, int64_t gas, Failure failure) noexcept {
    if (!records(STEP_END_BIT)) return;
    Writer(events, is_full, STEP_END_BIT).number(gas).number(static_cast<uint8_t>(failure));
}

void Recorder::call(const Machine&, const CallStart& start) noexcept {
    if (!records(CALL_BIT)) return;
    Writer event(events, is_full, CALL_BIT);
    event.number(static_cast<uint8_t>(start.kind)).number(static_cast<uint16_t>(start.depth));
    event.number(uint8_t{start.is_static}).address(start.caller).address(start.target).address(start.code_address);
    event.word(start.value).number(start.gas).sized(start.input);
}

void Recorder::call_end(const Machine&, const CallEnd& end) noexcept {
    if (!records(CALL_END_BIT)) return;
    Writer event(events, is_full, CALL_END_BIT);
    event.number(static_cast<uint8_t>(end.kind)).number(static_cast<uint16_t>(end.depth));
    event.number(uint8_t{end.result.succeeded}).number(static_cast<uint8_t>(end.result.failure));
    event.number(end.result.gas_left).address(end.created).sized(end.output);
}

void Recorder::sload(const Address& address, const u256& key, const u256& value) noexcept {
    if (!records(SLOAD_BIT)) return;
    Writer(events, is_full, SLOAD_BIT).address(address).word(key).word(value);
}

void Recorder::sstore(const Address& address, const u256& key, const u256& value) noexcept {
    if (!records(SSTORE_BIT)) return;
    Writer(events, is_full, SSTORE_BIT).address(address).word(key).word(value);
}

void Recorder::log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept {
    if (!records(LOG_BIT)) return;
    Writer event(events, is_full, LOG_BIT);
    event.address(address).number(topic_count);
    for (int index = 0; index < topic_count; ++index) event.hash(topics[index]);
    event.sized(data);
}

void Recorder::selfdestruct(const Address& address, const Address& beneficiary, const u256& amount) noexcept {
    if (!records(SELFDESTRUCT_BIT)) return;
    Writer(events, is_full, SELFDESTRUCT_BIT).address(address).address(beneficiary).word(amount);
}

}  // namespace blockstm::evm
