// Pools over images; see operations.hpp. A row of the output at a time: each row of the image that its windows show,
// and each place along them, is one pass over it.
#include <algorithm>

#include "ai/operations.hpp"

namespace blockstm::ai {
namespace {

// The places along a row, in steps, at which something that lies `offset` into a window is in the image.
struct Seen {
    uint64_t begin, end;
};

Seen seen_along(uint64_t offset, uint64_t pad, uint64_t step, uint64_t size, uint64_t places) noexcept {
    const uint64_t begin = offset >= pad ? 0 : (pad - offset + step - 1) / step;
    if (size + pad <= offset) return {0, 0};
    return {begin, std::min((size + pad - offset - 1) / step + 1, places)};
}

// A row this short is not worth a pass for each place: its windows are gone through one by one.
constexpr uint64_t SHORT = 4;

// Each number of a row's windows that is in the image, with the window's place.
template <class Visit>
void each_number(const Window& window, const int8_t* channel, uint64_t row, Visit visit) noexcept {
    for (uint64_t down = 0; down < window.high; ++down) {
        const uint64_t y = row * window.step_down + down;
        if (y < window.top || y - window.top >= window.height) continue;
        const int8_t* line = channel + (y - window.top) * window.width;
        for (uint64_t column = 0; column < window.columns; ++column) {
            const uint64_t left = column * window.step_right;
            const uint64_t begin = left < window.left ? window.left - left : 0;
            const uint64_t size = window.left + window.width;
            const uint64_t end = size > left ? std::min(window.wide, size - left) : 0;
            for (uint64_t along = begin; along < end; ++along) visit(line[left + along - window.left], column);
        }
    }
}

// Of each part of the image that the windows of a row of the output show: its first number and the first place in the
// row that it is for.
template <class Visit>
void each_part(const Window& window, const int8_t* channel, uint64_t row, Visit visit) noexcept {
    for (uint64_t down = 0; down < window.high; ++down) {
        const uint64_t y = row * window.step_down + down;
        if (y < window.top || y - window.top >= window.height) continue;
        const int8_t* line = channel + (y - window.top) * window.width;
        for (uint64_t along = 0; along < window.wide; ++along) {
            const Seen seen = seen_along(along, window.left, window.step_right, window.width, window.columns);
            if (seen.begin >= seen.end) continue;
            visit(line + (seen.begin * window.step_right + along - window.left), seen.begin, seen.end - seen.begin);
        }
    }
}

}  // namespace

void max_pool(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept {
    const Window window = pool_window(parameters);
    const Elementwise& each = elementwise(kernel);
    const int8_t* channel = operands.int8s(0);
    for (uint64_t number = 0; number < window.channels; ++number, channel += window.height * window.width) {
        for (uint64_t row = 0; row < window.rows; ++row, output += window.columns) {
            std::fill_n(output, window.columns, int8_t{-128});
            if (window.columns < SHORT) {
                each_number(window, channel, row, [&](int8_t number, uint64_t column) {
                    output[column] = std::max(output[column], number);
                });
                continue;
            }
            each_part(window, channel, row, [&](const int8_t* numbers, uint64_t first, uint64_t count) {
                each.keep_larger(numbers, window.step_right, count, output + first);
            });
        }
    }
}

Status mean_pool(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel,
                 Workspace& workspace) noexcept {
    const Window window = pool_window(parameters);
    const Elementwise& each = elementwise(kernel);
    const Scaling to{parameters[13], parameters[14], -128, 127};
    const int8_t* channel = operands.int8s(0);
    if (!workspace.numbers.resize(window.columns)) return Status::NoMemory;
    int32_t* sums = workspace.numbers.data();
    for (uint64_t number = 0; number < window.channels; ++number, channel += window.height * window.width) {
        for (uint64_t row = 0; row < window.rows; ++row, output += window.columns) {
            std::fill_n(sums, window.columns, 0);
            if (window.columns < SHORT) {
                each_number(window, channel, row, [&](int8_t number, uint64_t column) {
                    sums[column] += number - parameters[11];
                });
            } else {
                each_part(window, channel, row, [&](const int8_t* numbers, uint64_t first, uint64_t count) {
                    each.add_up(numbers, window.step_right, count, parameters[11], sums + first);
                });
            }
            each.scale(sums, window.columns, parameters[12], to, output);
        }
    }
    return Status::Done;
}

}  // namespace blockstm::ai
