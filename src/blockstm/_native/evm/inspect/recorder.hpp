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
#pragma once

#include "evm/run/inspector.hpp"

namespace blockstm::evm {

// What is recorded: bits of a mask.
enum EventBit : uint8_t {
    STEP_BIT = 1, STEP_END_BIT = 2, CALL_BIT = 4, CALL_END_BIT = 8,
    SLOAD_BIT = 16, SSTORE_BIT = 32, LOG_BIT = 64, SELFDESTRUCT_BIT = 128,
};

class Recorder final : public Inspector {
public:
    explicit Recorder(uint8_t mask) noexcept : Inspector((mask & (STEP_BIT | STEP_END_BIT)) != 0), mask_(mask) {}

    void step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept override;
    void step_end(const Machine& machine, int64_t gas, Failure failure) noexcept override;
    void call(const Machine& machine, const CallStart& start) noexcept override;
    void call_end(const Machine& machine, const CallEnd& end) noexcept override;
    void sload(const Address& address, const u256& key, const u256& value) noexcept override;
    void sstore(const Address& address, const u256& key, const u256& value) noexcept override;
    void log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept override;
    void selfdestruct(const Address& address, const Address& beneficiary, const u256& amount) noexcept override;

    Bytes events;
    bool is_full = false;  // memory ran out: the events end early

private:
    bool records(EventBit event) const noexcept { return (mask_ & event) != 0 && !is_full; }

    const uint8_t mask_;
};

}  // namespace blockstm::evm
