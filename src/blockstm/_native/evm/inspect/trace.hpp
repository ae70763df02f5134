// Tracing: what EIP-3155 says of each instruction, one JSON object a line.
#pragma once

#include "evm/forks/opcodes.hpp"
#include "evm/run/inspector.hpp"

namespace blockstm::evm {

// A line is finished when its instruction ends, because only then is it known what it cost.
class StepTracer final : public Inspector {
public:
    StepTracer() noexcept : Inspector(true) {}

    void step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept override;
    void step_end(const Machine& machine, int64_t gas, Failure failure) noexcept override;

    Bytes lines;           // each ends in a newline
    bool is_full = false;  // memory ran out: the lines end early

private:
    uint8_t opcode_ = 0;
    uint32_t place_ = 0;
    int64_t gas_ = 0;
    Bytes rest_;  // of the line, behind the cost
};

// For messages, too: the name of an opcode, and of a reason to fail.
const char* name_of(uint8_t opcode, Fork fork) noexcept;
const char* name_of(Failure failure) noexcept;

}  // namespace blockstm::evm
