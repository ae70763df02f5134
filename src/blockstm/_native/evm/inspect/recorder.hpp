// A recorder writes down what an inspector is told, as bytes, for somebody who reads them later: a run may turn
// out not to count, and what is in Python takes the GIL.
//
// One event behind the other, numbers little-endian, words (stack, keys, values) big-endian:
//
//   STEP           u8 opcode; u32 place in the code; i64 gas; u16 depth; u64 bytes of memory; i64 refund;
//                  u8 count, operands: what the instruction takes from the stack, topmost first (of one that
//                  will fail for want of them: what there is)
//   STEP_END       i64 gas left; u8 Failure
//   CALL           u8 CallKind; u16 depth; u8 is it static; 20 bytes caller, target, code address; value;
//                  i64 gas; u32 size, input
//   CALL_END       u8 CallKind; u16 depth; u8 succeeded; u8 Failure; i64 gas left; 20 bytes created;
//                  u32 size, output
//   SLOAD, SSTORE  20 bytes address; key; value
//   LOG            20 bytes address; u8 count, topics; u32 size, data
//   SELFDESTRUCT   20 bytes address, beneficiary; amount
//   FAULT          u8 opcode; u16 height of the stack; i64 gas; u8 Failure: an instruction that its frame failed at
#pragma once

#include "evm/inspect/recording_room.hpp"
#include "evm/run/inspector.hpp"
#include "evm/transaction/result_encoding.hpp"

namespace blockstm::evm {

// What is recorded: bits of a mask. An event begins with its own, and from FAULT on with its tag.
enum EventBit : uint16_t {
    STEP_BIT = 1, STEP_END_BIT = 2, CALL_BIT = 4, CALL_END_BIT = 8,
    SLOAD_BIT = 16, SSTORE_BIT = 32, LOG_BIT = 64, SELFDESTRUCT_BIT = 128,
    FAULT_BIT = 256,
    WHOLE_STEP_BIT = 512, MEMORY_BIT = 1024, RETURN_DATA_BIT = 2048, COUNT_BIT = 4096,  // step_recorder.hpp
    CAUSES_BIT = 16384,
    PRE_STATE_BIT = 8192,                                                              // pre_state_recorder.hpp
};
enum EventTag : uint8_t {
    FAULT_TAG = 3, WHOLE_STEP_TAG = 5, COUNT_TAG = 6, ACCOUNT_TAG = 7, SLOT_TAG = 9, CREATED_TAG = 10, GONE_TAG = 11,
    REFUND_TAG = 13,
};
inline constexpr uint16_t ALL_OF_STEPS =
    STEP_BIT | STEP_END_BIT | FAULT_BIT | WHOLE_STEP_BIT | COUNT_BIT;

// Appends an event's members; what does not fit in memory is left out and noted.
class EventWriter {
public:
    EventWriter(Bytes& out, bool& is_full, uint8_t tag) noexcept : out_(out), is_full_(is_full) { number(tag); }

    template <class Number>
    EventWriter& number(Number value) noexcept {
        return note(write_number(out_, value));
    }
    EventWriter& word(const u256& value) noexcept {
        uint8_t bytes[32];
        store_be(value, bytes);
        return note(out_.append(bytes, sizeof bytes));
    }
    EventWriter& address(const Address& value) noexcept { return bytes(value.bytes, sizeof value.bytes); }
    EventWriter& hash(const Hash32& value) noexcept { return bytes(value.bytes, sizeof value.bytes); }
    EventWriter& sized(Span span) noexcept { return note(write_sized(out_, span)); }
    EventWriter& bytes(const void* data, uint64_t size) noexcept {
        return note(out_.append(static_cast<const uint8_t*>(data), size));
    }

private:
    EventWriter& note(bool is_written) noexcept {
        is_full_ = is_full_ || !is_written;
        return *this;
    }

    Bytes& out_;
    bool& is_full_;
};

class Recorder : public Inspector {
public:
    Recorder(uint16_t mask, RecordingRoom& room) noexcept
        : Inspector((mask & ALL_OF_STEPS) != 0), mask_(mask), room_(room) {}

    void step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept override;
    void step_end(const Machine& machine, int64_t gas, Failure failure) noexcept override;
    void call(Machine& machine, const CallStart& start) noexcept override;
    void call_end(const Machine& machine, const CallEnd& end) noexcept override;
    void sload(const Address& address, const u256& key, const u256& value) noexcept override;
    void sstore(const Address& address, const u256& key, const u256& value) noexcept override;
    void log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept override;
    void selfdestruct(const Address& address, const Address& beneficiary, const u256& amount) noexcept override;

    // With CAUSES a run is ended in which a call failed for a reason of which go-ethereum says more than is told here:
    // it is to be done again with FAULTs, for which instructions are followed.
    bool finish(Machine&) noexcept override {
        asks_again_ = is_vague_;
        return !asks_again_;
    }
    bool asks_again() const noexcept override { return asks_again_; }

    // The run is over: what is told of it as a whole.
    virtual void close() noexcept {}

    // What has been recorded is kept, in place of what an earlier run of the step had; or it is not kept.
    void keep(uint64_t replaced_bytes) noexcept { room_.exchange(taken_ + replaced_bytes, events.size()); }
    void drop() noexcept { room_.exchange(taken_, 0); }

    Bytes events;
    bool is_full = false;  // memory ran out, or the room did: the events end early
    bool is_over = false;  // the room did

protected:
    bool records(EventBit event) const noexcept { return (mask_ & event) != 0 && !is_full; }
    EventWriter begin(uint8_t tag) noexcept {
        if (events.size() > taken_) take_room();
        return EventWriter(events, is_full, tag);
    }

private:
    void take_room() noexcept;

    const uint16_t mask_;
    RecordingRoom& room_;
    uint64_t taken_ = 0;    // of the room, in bytes
    uint8_t opcode_ = 0;    // of the instruction that goes on
    uint16_t height_ = 0;
    int64_t gas_ = 0;
    bool is_vague_ = false;
    bool asks_again_ = false;
};

}  // namespace blockstm::evm
