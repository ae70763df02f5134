// Tracing: what EIP-3155 says of each instruction, one JSON object a line. Only programs that were
// translated for it call these (TRACE in program.hpp). One thread: a tracer belongs to a machine.
#pragma once

#include "base/bytes.hpp"
#include "evm/forks/opcodes.hpp"
#include "evm/run/frame.hpp"

namespace blockstm::evm {

struct Machine;

struct Tracer {
    Bytes lines;           // each ends in a newline
    bool is_full = false;  // memory ran out: the lines end early

    // The instruction that has begun and waits for what it costs.
    bool is_open = false;
    uint8_t opcode = 0;
    uint32_t place = 0;
    int64_t gas = 0;
    Bytes rest;  // of its line, behind the cost
};

// An instruction at `place` of the code begins; its stack ends below `top`.
void trace_begin(Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept;

// The topmost frame goes back to the machine: with it ends its last instruction.
void trace_end(Machine& machine, Exit exit) noexcept;

// For messages, too: the name of an opcode, and of a reason to fail.
const char* name_of(uint8_t opcode, Fork fork) noexcept;
const char* name_of(Failure failure) noexcept;

}  // namespace blockstm::evm
