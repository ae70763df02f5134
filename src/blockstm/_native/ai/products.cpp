// Products and convolutions with their bias; see operations.hpp.
#include <algorithm>

#include "ai/limits.hpp"
#include "ai/operations.hpp"

namespace blockstm::ai {
namespace {

// Whether no order of additions overflows; a bias that is not there is zero.
bool is_within_bound(const Operands& operands, uint64_t count, uint64_t depth) noexcept {
    if (operands.data[2] == nullptr) return true;
    const int64_t bias_max = SUM_MAX - static_cast<int64_t>(depth) * 128 * 128;
    for (uint64_t place = 0; place < count; ++place) {
        const int64_t bias = operands.int32(2, place);
        if (bias > bias_max || bias < -bias_max) return false;
    }
    return true;
}

int32_t bias_at(const Operands& operands, uint64_t place) noexcept {
    return operands.data[2] == nullptr ? 0 : operands.int32(2, place);
}

// What a window shows in one row of a channel. `left` is where it begins in that row, which may be padding.
void copy_padded(const int8_t* row, const Window& window, int64_t left, int8_t pad, int8_t* target) noexcept {
    for (uint64_t along = 0; along < window.wide; ++along) {
        const int64_t x = left + static_cast<int64_t>(along * window.apart_right);
        target[along] = x >= 0 && x < static_cast<int64_t>(window.width) ? row[x] : pad;
    }
}

// The usual widths are copied as one word.
void copy_inside(const int8_t* from, uint64_t wide, int8_t* target) noexcept {
    switch (wide) {
        case 1: *target = *from; break;
        case 2: std::memcpy(target, from, 2); break;
        case 3: std::memcpy(target, from, 3); break;
        case 4: std::memcpy(target, from, 4); break;
        case 5: std::memcpy(target, from, 5); break;
        case 7: std::memcpy(target, from, 7); break;
        default: std::memcpy(target, from, wide);
    }
}

// The window at one place of the output, channel by channel and row by row.
int8_t* lay_out_one(const int8_t* image, const Window& window, uint64_t channels, int64_t top, int64_t left, int8_t pad,
                    int8_t* target) noexcept {
    const auto height = static_cast<int64_t>(window.height), width = static_cast<int64_t>(window.width);
    const bool is_inside = window.apart_right == 1 && left >= 0 && left + static_cast<int64_t>(window.wide) <= width;
    for (uint64_t channel = 0; channel < channels; ++channel, image += height * width) {
        for (uint64_t down = 0; down < window.high; ++down, target += window.wide) {
            const int64_t y = top + static_cast<int64_t>(down * window.apart_down);
            if (y < 0 || y >= height) std::fill_n(target, window.wide, pad);
            else if (is_inside) copy_inside(image + y * width + left, window.wide, target);
            else copy_padded(image + y * width, window, left, pad, target);
        }
    }
    return target;
}

// The windows of `channels` channels as rows, one for each place of the output.
void lay_out(const int8_t* image, const Window& window, uint64_t channels, int8_t pad, int8_t* target) noexcept {
    const bool is_each_pixel = window.high * window.wide * window.step_down * window.step_right == 1 &&
                               window.top + window.bottom + window.left + window.right == 0;
    if (is_each_pixel) return turn(image, channels, window.height * window.width, target);
    for (uint64_t row = 0; row < window.rows; ++row) {
        const int64_t top = static_cast<int64_t>(row * window.step_down) - static_cast<int64_t>(window.top);
        for (uint64_t column = 0; column < window.columns; ++column) {
            const int64_t left = static_cast<int64_t>(column * window.step_right) - static_cast<int64_t>(window.left);
            target = lay_out_one(image, window, channels, top, left, pad, target);
        }
    }
}

}  // namespace

Status compute_product(const int32_t* parameters, const Operands& operands, int32_t* sums, Kernel kernel,
                       Workspace& workspace) noexcept {
    const ProductShape shape{static_cast<uint64_t>(parameters[0]), static_cast<uint64_t>(parameters[1]),
                             static_cast<uint64_t>(parameters[2])};
    const bool is_by_row = parameters[3] != 0;
    if (!is_within_bound(operands, is_by_row ? shape.rows : shape.columns, shape.depth)) return Status::Refused;
    for (uint64_t row = 0; row < shape.rows; ++row) {
        int32_t* target = sums + row * shape.columns;
        if (is_by_row || operands.data[2] == nullptr) std::fill_n(target, shape.columns, bias_at(operands, row));
        else std::memcpy(target, operands.data[2], 4 * shape.columns);
    }
    const bool done = multiply(kernel, operands.int8s(0), operands.int8s(1), sums, shape, workspace);
    return done ? Status::Done : Status::NoMemory;
}

Status compute_convolution(const int32_t* parameters, const Operands& operands, int32_t* sums, Kernel kernel,
                           Workspace& workspace) noexcept {
    const Window window = convolution_window(parameters);
    const auto outputs = static_cast<uint64_t>(parameters[3]), groups = static_cast<uint64_t>(parameters[14]);
    const uint64_t channels = window.channels / groups, depth = channels * window.high * window.wide;
    const ProductShape shape{outputs / groups, depth, window.rows * window.columns};
    if (!is_within_bound(operands, outputs, depth)) return Status::Refused;
    if (!workspace.windows.resize(depth * shape.columns)) return Status::NoMemory;
    auto* windows = reinterpret_cast<int8_t*>(workspace.windows.data());
    for (uint64_t output = 0; output < outputs; ++output) {
        std::fill_n(sums + output * shape.columns, shape.columns, bias_at(operands, output));
    }
    for (uint64_t group = 0; group < groups; ++group) {
        const int8_t* image = operands.int8s(0) + group * channels * window.height * window.width;
        lay_out(image, window, channels, static_cast<int8_t>(parameters[15]), windows);
        const int8_t* weights = operands.int8s(1) + group * shape.rows * depth;
        int32_t* target = sums + group * shape.rows * shape.columns;
        if (!multiply(kernel, weights, windows, target, shape, workspace)) return Status::NoMemory;
    }
    return Status::Done;
}

}  // namespace blockstm::ai
