// See shapes.hpp. Each function is the specification's table of one instruction.
#include "ai/shapes.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "ai/limits.hpp"

namespace blockstm::ai {
namespace {

uint64_t times(std::initializer_list<uint64_t> factors) noexcept {
    uint64_t result = 1;
    for (const uint64_t factor : factors) {
        if (factor != 0 && result > HUGE_NUMBER / factor) return HUGE_NUMBER;
        result *= factor;
    }
    return result;
}

bool is_dimension(int32_t number) noexcept { return number >= 1 && number <= DIMENSION_MAX; }
bool is_int8(int32_t number) noexcept { return number >= -128 && number <= 127; }
bool is_shift(int32_t number) noexcept { return number >= 1 && number <= SHIFT_MAX; }
bool is_within(int32_t number, int32_t low, int32_t high) noexcept { return number >= low && number <= high; }

bool are_dimensions(const int32_t* p, int count) noexcept { return std::all_of(p, p + count, is_dimension); }

bool are_bounds(int32_t low, int32_t high) noexcept { return is_int8(low) && is_int8(high) && low <= high; }

bool product_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 3) || !is_within(p[3], 0, 1)) return false;
    const uint64_t rows = p[0], depth = p[1], columns = p[2];
    if (depth > DEPTH_MAX) return false;
    shape.operand_bytes[0] = times({rows, depth});
    shape.operand_bytes[1] = times({columns, depth});
    shape.operand_bytes[2] = 4 * (p[3] != 0 ? rows : columns);
    shape.output_bytes = times({4, rows, columns});
    shape.work = times({rows, depth, columns});
    shape.optional = 2;
    return true;
}

// `p` begins with height, width; the window, its steps and pads lie from `at` on.
Window window_of(const int32_t* p, int at, uint64_t apart_down, uint64_t apart_right) noexcept {
    auto number = [p](int place) { return static_cast<uint64_t>(p[place]); };
    Window window{number(0), number(1), number(2), number(at), number(at + 1), number(at + 2), number(at + 3),
                  number(at + 4), number(at + 5), number(at + 6), number(at + 7), apart_down, apart_right, 0, 0};
    const uint64_t high = window.apart_down * (window.high - 1) + 1;
    const uint64_t wide = window.apart_right * (window.wide - 1) + 1;
    const uint64_t height = window.top + window.height + window.bottom;
    const uint64_t width = window.left + window.width + window.right;
    if (height >= high) window.rows = (height - high) / window.step_down + 1;
    if (width >= wide) window.columns = (width - wide) / window.step_right + 1;
    return window;
}

bool is_window(const int32_t* p, int at) noexcept {
    if (!are_dimensions(p, 3) || !are_dimensions(p + at, 4)) return false;
    return std::all_of(p + at + 4, p + at + 8, [](int32_t pad) { return is_within(pad, 0, PAD_MAX); });
}

bool convolution_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_window(p, 4) || !are_dimensions(p + 12, 3) || !is_dimension(p[3]) || !is_int8(p[15])) return false;
    const Window window = convolution_window(p);
    const uint64_t outputs = p[3], groups = p[14];
    if (window.rows == 0 || window.columns == 0) return false;
    if (window.channels % groups != 0 || outputs % groups != 0) return false;
    const uint64_t depth = times({window.channels / groups, window.high, window.wide});
    const uint64_t area = times({window.rows, window.columns});
    if (depth > DEPTH_MAX || times({depth, area}) > BYTES_MAX) return false;
    shape.operand_bytes[0] = times({window.channels, window.height, window.width});
    shape.operand_bytes[1] = times({outputs, depth});
    shape.operand_bytes[2] = 4 * outputs;
    shape.output_bytes = times({4, outputs, area});
    shape.work = times({depth * area, outputs + WINDOW_WORK * groups});
    shape.optional = 2;
    return true;
}

bool requantise_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 3) || !is_int8(p[3]) || !are_bounds(p[4], p[5])) return false;
    const uint64_t count = times({uint64_t(p[0]), uint64_t(p[1]), uint64_t(p[2])});
    shape.operand_bytes[0] = times({4, count});
    shape.operand_bytes[1] = times({4, uint64_t(p[1])});
    shape.operand_bytes[2] = uint64_t(p[1]);
    shape.output_bytes = count;
    shape.work = times({SCALING_WORK, count});
    return true;
}

bool add_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_dimension(p[0]) || !is_int8(p[1]) || p[2] < 0 || !is_int8(p[3]) || p[4] < 0) return false;
    if (!is_shift(p[5]) || !is_int8(p[6]) || !are_bounds(p[7], p[8])) return false;
    shape.operand_bytes[0] = shape.operand_bytes[1] = shape.output_bytes = uint64_t(p[0]);
    shape.work = SCALING_WORK * uint64_t(p[0]);
    return true;
}

// int8[count] to as many.
void elementwise(uint64_t count, uint64_t work, Shape& shape) noexcept {
    shape.operand_bytes[0] = shape.output_bytes = count;
    shape.work = times({work, count});
}

bool multiply_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 2) || !is_int8(p[2]) || !is_int8(p[3]) || p[4] < 0) return false;
    if (!is_shift(p[5]) || !is_int8(p[6]) || !are_bounds(p[7], p[8])) return false;
    shape.operand_bytes[0] = shape.output_bytes = times({uint64_t(p[0]), uint64_t(p[1])});
    shape.operand_bytes[1] = uint64_t(p[0]);
    shape.work = times({SCALING_WORK, shape.output_bytes});
    return true;
}

bool join_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 3)) return false;
    shape.operand_bytes[0] = times({uint64_t(p[0]), uint64_t(p[1])});
    shape.operand_bytes[1] = times({uint64_t(p[0]), uint64_t(p[2])});
    shape.output_bytes = shape.operand_bytes[0] + shape.operand_bytes[1];
    shape.work = times({MOVE_WORK, shape.output_bytes});
    return true;
}

bool clip_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_dimension(p[0]) || !are_bounds(p[1], p[2])) return false;
    elementwise(uint64_t(p[0]), 1, shape);
    return true;
}

bool table_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_dimension(p[0])) return false;
    elementwise(uint64_t(p[0]), MOVE_WORK, shape);
    shape.operand_bytes[1] = 256;
    return true;
}

bool transpose_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 2)) return false;
    elementwise(times({uint64_t(p[0]), uint64_t(p[1])}), MOVE_WORK, shape);
    return true;
}

bool pool_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_window(p, 3)) return false;
    const Window window = pool_window(p);
    if (window.rows == 0 || window.columns == 0) return false;
    shape.operand_bytes[0] = times({window.channels, window.height, window.width});
    shape.output_bytes = times({window.channels, window.rows, window.columns});
    shape.work = times({POOL_WORK, shape.output_bytes, window.high, window.wide});
    return true;
}

bool max_pool_shape(const int32_t* p, Shape& shape) noexcept {
    return pool_shape(p, shape) && std::max(p[7], p[9]) < p[3] && std::max(p[8], p[10]) < p[4];
}

bool mean_pool_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_int8(p[11]) || p[12] < 0 || !is_shift(p[13]) || !is_int8(p[14]) || !pool_shape(p, shape)) return false;
    return times({uint64_t(p[3]), uint64_t(p[4])}) <= POOL_MAX;
}

bool top_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 3) || !is_within(p[2], 1, std::min(p[1], TOP_MAX)) || !is_within(p[3], 0, 1)) return false;
    const uint64_t numbers = times({uint64_t(p[0]), uint64_t(p[1])}), count = uint64_t(p[2]);
    shape.operand_bytes[0] = times({numbers, p[3] != 0 ? 4u : 1u});
    shape.output_bytes = times({32, uint64_t(p[0]), count});
    shape.work = times({numbers, SEEN_WORK + RANK_WORK * count});
    return true;
}

bool softmax_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 2) || p[1] > SOFTMAX_MAX || !is_within(p[2], 0, 12)) return false;
    if (!is_within(p[3], 1, 1 << 15) || !is_within(p[4], 0, 1 << 15) || p[5] < 0 || (p[4] | p[5]) == 0) return false;
    elementwise(times({uint64_t(p[0]), uint64_t(p[1])}), SOFTMAX_WORK, shape);
    return true;
}

bool gelu_shape(const int32_t* p, Shape& shape) noexcept {
    if (!is_dimension(p[0]) || !is_int8(p[1]) || !is_within(p[2], 0, 7) || !is_within(p[3], 1, 1 << 12)) return false;
    if (!is_within(p[4], 1, 1 << 25) || !is_within(p[5], 0, (1 << 21) - 1) || !is_shift(p[6]) || !is_int8(p[7])) {
        return false;
    }
    elementwise(uint64_t(p[0]), GELU_WORK, shape);
    return true;
}

bool layer_norm_shape(const int32_t* p, Shape& shape) noexcept {
    if (!are_dimensions(p, 2) || p[1] > NORM_MAX || !is_shift(p[2]) || !is_int8(p[3])) return false;
    if (p[4] < 0 || p[5] < 0) return false;
    elementwise(times({uint64_t(p[0]), uint64_t(p[1])}), NORM_WORK, shape);
    shape.operand_bytes[1] = shape.operand_bytes[2] = 4 * uint64_t(p[1]);
    return true;
}

struct Meaning {
    int parameters[VERSIONS];  // how many it has; -1 where there is no such instruction yet
    bool (*shape)(const int32_t* parameters, Shape& shape) noexcept;
};

constexpr Meaning MEANINGS[] = {
    {{-1, -1}, nullptr},
    {{4, 4}, product_shape},
    {{16, 16}, convolution_shape},
    {{6, 6}, requantise_shape},
    {{9, 9}, add_shape},
    {{3, 3}, clip_shape},
    {{1, 1}, table_shape},
    {{11, 11}, max_pool_shape},
    {{15, 15}, mean_pool_shape},
    {{4, 4}, top_shape},
    {{6, 6}, softmax_shape},
    {{8, 8}, gelu_shape},
    {{4, 6}, layer_norm_shape},
    {{2, 2}, transpose_shape},
    {{-1, 9}, multiply_shape},
    {{-1, 3}, join_shape},
};
static_assert(std::size(MEANINGS) == opcode::JOIN + 1);

}  // namespace

Window convolution_window(const int32_t* p) noexcept {
    return window_of(p, 4, static_cast<uint64_t>(p[12]), static_cast<uint64_t>(p[13]));
}

Window pool_window(const int32_t* p) noexcept { return window_of(p, 3, 1, 1); }

bool shape_of(const Instruction& instruction, int version, Shape& shape) noexcept {
    if (instruction.opcode == 0 || instruction.opcode >= std::size(MEANINGS)) return false;
    const Meaning& meaning = MEANINGS[instruction.opcode];
    const int count = meaning.parameters[version - 1];
    if (count < 0) return false;
    const int32_t* parameters = instruction.parameters;
    if (std::any_of(parameters + count, parameters + PARAMETERS, [](int32_t number) { return number != 0; })) {
        return false;
    }
    if (!meaning.shape(parameters, shape)) return false;
    const uint64_t largest = *std::max_element(shape.operand_bytes, shape.operand_bytes + OPERANDS);
    return std::max(largest, shape.output_bytes) <= BYTES_MAX;
}

}  // namespace blockstm::ai
