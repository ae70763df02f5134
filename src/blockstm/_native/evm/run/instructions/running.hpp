// What instructions have in common: how they end a frame, and how they reach memory.
//
// Instructions that only compute are functions of words. The others take the machine, whose topmost frame
// runs, their operands as the Yellow Paper orders them, and the gas left; they return the gas left
// afterwards. Less than none means that the frame ends: `machine.failure` says why (None: out of gas), or,
// where OVER is returned, the journal's fault. Operands and result may be the same word of the stack, so
// a result is written when the operands have been read.
#pragma once

#include "evm/forks/gas.hpp"
#include "evm/run/machine.hpp"

namespace blockstm::evm {

inline constexpr int64_t FAILED = -1;
inline constexpr int64_t OVER = INT64_MIN;  // no cost reaches it

[[gnu::cold]] inline int64_t fail(Machine& machine, Failure failure) noexcept {
    machine.failure = failure;
    return FAILED;
}

// The run is over for want of memory.
[[gnu::cold]] inline int64_t no_memory(Machine& machine) noexcept {
    machine.journal.stop(BLOCKSTM_NO_MEMORY);
    return OVER;
}

inline Frame& running(Machine& machine) noexcept { return machine.frames.back(); }

inline const GasTable& gas_of(const Frame& frame) noexcept { return gas_table(frame.code->variant.fork); }

constexpr uint64_t words_of(uint64_t size) noexcept { return (size + 31) / 32; }

// --- memory ---------------------------------------------------------------------------------------

// Nobody can pay for memory that reaches past here, so no sum below overflows: 2^36 words cost 2^63 gas.
inline constexpr uint64_t REACH_MAX = uint64_t{1} << 41;

// Gas for `words` words of memory (Yellow Paper, appendix H.1: C_mem).
constexpr int64_t memory_cost(const GasTable& table, uint64_t words) noexcept {
    return table.memory_word * static_cast<int64_t>(words) +
           static_cast<int64_t>(static_cast<u128>(words) * words / 512);
}

// Call data lies in the caller's memory, which may have moved.
inline void find_input(Machine& machine, Frame& frame) noexcept {
    if (frame.depth > 0 && frame.input.size != 0) frame.input.data = machine.memory.at(frame.input_offset);
}

// Memory grows to `end` bytes, which must be past its end.
[[gnu::noinline]] inline int64_t grow_memory(Machine& machine, uint64_t end, int64_t gas) noexcept {
    Frame& frame = running(machine);
    if (end >= REACH_MAX) return fail(machine, Failure::OutOfGas);
    const GasTable& table = gas_of(frame);
    const uint64_t words = words_of(end);
    gas -= memory_cost(table, words) - memory_cost(table, frame.memory_size / 32);
    if (gas < 0) return fail(machine, Failure::OutOfGas);
    const uint64_t begin = frame.memory_base + frame.memory_size;
    if (!machine.memory.grow(begin, frame.memory_base + 32 * words)) return no_memory(machine);
    frame.memory_size = 32 * words;
    find_input(machine, frame);
    return gas;
}

// Makes sure that [offset, offset + size) of the running frame is there. Nothing is where the size is 0.
[[gnu::always_inline]] inline int64_t reach(Machine& machine, const Frame& frame, uint64_t offset, uint64_t size,
                                            int64_t gas) noexcept {
    if (size == 0) return gas;
    if ((offset | size) >= REACH_MAX) [[unlikely]] return fail(machine, Failure::OutOfGas);
    if (offset + size <= frame.memory_size) [[likely]] return gas;
    return grow_memory(machine, offset + size, gas);
}

[[gnu::always_inline]] inline int64_t reach(Machine& machine, uint64_t offset, uint64_t size,
                                            int64_t gas) noexcept {
    return reach(machine, running(machine), offset, size, gas);
}

inline int64_t reach(Machine& machine, const u256& offset, const u256& size, int64_t gas) noexcept {
    return reach(machine, saturate(offset), saturate(size), gas);
}

inline uint8_t* memory_of(Machine& machine, const Frame& frame) noexcept {
    return machine.memory.at(frame.memory_base);
}
inline uint8_t* memory_of(Machine& machine) noexcept { return memory_of(machine, running(machine)); }

// A range of memory that is there.
inline Span memory_at(Machine& machine, const u256& offset, const u256& size) noexcept {
    return size.is_zero() ? Span{} : Span{memory_of(machine) + offset.limb[0], size.limb[0]};
}

// What works on much memory asks first whether the run still counts.
[[gnu::always_inline]] inline bool counts_for(Machine& machine, uint64_t size) noexcept {
    return size < Machine::LONG_BYTES || machine.poll();
}

// Memory from `offset` on, and gas for copying `size` bytes there.
inline int64_t reach_to_copy(Machine& machine, const u256& offset, const u256& size, int64_t gas) noexcept {
    gas = reach(machine, offset, size, gas);
    if (gas < 0) return gas;
    gas -= gas_of(running(machine)).copy_word * static_cast<int64_t>(words_of(size.limb[0]));
    return gas < 0 || counts_for(machine, size.limb[0]) ? gas : OVER;
}

// Copies `size` bytes of `source` from `begin` on; behind its end there are zeros.
inline void copy_padded(uint8_t* target, Span source, uint64_t begin, uint64_t size) noexcept {
    const uint64_t there = begin < source.size ? source.size - begin : 0;
    const uint64_t copied = there < size ? there : size;
    if (copied != 0) std::memcpy(target, source.data + begin, copied);
    if (copied != size) std::memset(target + copied, 0, size - copied);
}

}  // namespace blockstm::evm
