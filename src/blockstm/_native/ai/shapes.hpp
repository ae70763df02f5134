// What an instruction takes, gives and costs, by its parameters alone. Numbers saturate far above all limits, so that
// nothing overflows before it is refused.
#pragma once

#include "ai/layout.hpp"

namespace blockstm::ai {

inline constexpr uint64_t BASE_GAS = 300;
inline constexpr uint64_t WORK_PER_GAS = 32;  // multiply-accumulates, or what takes as long
inline constexpr uint64_t BYTES_PER_GAS = 8;
inline constexpr uint64_t BYTES_MAX = uint64_t{1} << 26;  // of a tensor, and of all registers together
inline constexpr uint64_t HUGE_NUMBER = uint64_t{1} << 62;

struct Shape {
    uint64_t operand_bytes[OPERANDS] = {};  // 0: there is none
    uint64_t output_bytes = 0;
    uint64_t work = 0;
    int optional = -1;  // the operand that may be absent
};

// The window that slides over an image, and what comes of it.
struct Window {
    uint64_t channels, height, width, high, wide, step_down, step_right;
    uint64_t top, left, bottom, right;
    uint64_t apart_down, apart_right;
    uint64_t rows, columns;  // of the output
};

// False where the parameters are no such instruction's in this version of the set. Sizes are at most BYTES_MAX then.
bool shape_of(const Instruction& instruction, int version, Shape& shape) noexcept;

// Of an instruction whose shape was found.
Window convolution_window(const int32_t* parameters) noexcept;
Window pool_window(const int32_t* parameters) noexcept;

// The gas of an instruction whose operands and output are of so many bytes.
constexpr uint64_t gas_of(uint64_t work, uint64_t bytes) noexcept {
    return BASE_GAS + (work + WORK_PER_GAS - 1) / WORK_PER_GAS + (bytes + BYTES_PER_GAS - 1) / BYTES_PER_GAS;
}

}  // namespace blockstm::ai
