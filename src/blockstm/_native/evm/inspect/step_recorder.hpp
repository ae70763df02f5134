// A recorder that follows instructions more closely: with all of the stack, with memory and return data where
// they are asked for; and one that only counts them. Code that is empty has no instructions.
//
//   WHOLE_STEP     u8 opcode; u32 place in the code; i64 gas; u16 depth; i64 refund; u16 what the opcode costs at
//                  least; u64 bytes of memory; u16 count, stack from its bottom, words little-endian; u32 size, memory;
//                  u32 size, return data (both of size 0 where they are not asked for)
//   REFUND         i64: what the transaction has collected by the end of an instruction that changed that; before its
//                  STEP_END
//   COUNT          u64 for each opcode: how often one began, at the end of all events
#pragma once

#include "evm/inspect/recorder.hpp"

namespace blockstm::evm {

class StepRecorder final : public Recorder {
public:
    StepRecorder(uint16_t mask, RecordingRoom& room) noexcept : Recorder(mask, room) {}

    void step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept override;
    void step_end(const Machine& machine, int64_t gas, Failure failure) noexcept override;
    void close() noexcept override;

private:
    int64_t refund_ = 0;
    uint64_t counts_[256] = {};
};

}  // namespace blockstm::evm
