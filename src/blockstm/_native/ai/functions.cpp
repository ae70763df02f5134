// Softmax, GELU and layer norm in integers (in the manner of I-BERT: Kim and others, 2021), and the largest of a row;
// see operations.hpp. docs/ai.md has the formulas and why nothing overflows.
#include <algorithm>

#include "ai/operations.hpp"
#include "ai/scaling.hpp"

namespace blockstm::ai {
namespace {

// e to a number of 0 or less: number = p - z * ln2 with -ln2 < p <= 0, and e^p is a parabola.
int64_t exponential(int64_t number, int64_t ln2, int64_t b, int64_t c) noexcept {
    const int64_t halvings = -number / ln2;
    if (halvings > 32) return 0;
    const int64_t p = number + halvings * ln2 + b;
    return (p * p + c) >> halvings;
}

// Newton's method from above, which falls until it is there.
int64_t root_of(int64_t number) noexcept {
    if (number < 2) return number;
    int64_t root = int64_t{1} << ((64 - __builtin_clzll(static_cast<uint64_t>(number)) + 1) / 2);
    for (;;) {
        const int64_t next = (root + number / root) / 2;
        if (next >= root) return root;
        root = next;
    }
}

template <class Number>
void write_top(Number at, uint64_t length, uint64_t count, uint8_t* output) noexcept {
    uint32_t best[256];  // the places of the largest so far, the largest first
    uint64_t held = 0;
    for (uint64_t place = 0; place < length; ++place) {
        const int32_t number = at(place);
        if (held == count && number <= at(best[held - 1])) continue;
        if (held < count) ++held;
        uint64_t rank = held - 1;
        for (; rank > 0 && number > at(best[rank - 1]); --rank) best[rank] = best[rank - 1];
        best[rank] = static_cast<uint32_t>(place);
    }
    std::fill_n(output, 32 * count, uint8_t{0});
    for (uint64_t rank = 0; rank < count; ++rank) {
        uint8_t* end = output + 32 * rank + 31;
        for (int byte = 0; byte < 4; ++byte) end[-byte] = static_cast<uint8_t>(best[rank] >> 8 * byte);
    }
}

}  // namespace

void find_top(const int32_t* parameters, const Operands& operands, uint8_t* output) noexcept {
    const auto rows = static_cast<uint64_t>(parameters[0]), length = static_cast<uint64_t>(parameters[1]);
    const auto count = static_cast<uint64_t>(parameters[2]);
    for (uint64_t row = 0; row < rows; ++row, output += 32 * count) {
        if (parameters[3] != 0) {
            write_top([&](uint64_t place) { return operands.int32(0, row * length + place); }, length, count, output);
        } else {
            const int8_t* numbers = operands.int8s(0) + row * length;
            write_top([numbers](uint64_t place) { return int32_t{numbers[place]}; }, length, count, output);
        }
    }
}

// A row has at most 256 different numbers, so each exponential is computed once for all rows.
void softmax(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept {
    const auto rows = static_cast<uint64_t>(parameters[0]), length = static_cast<uint64_t>(parameters[1]);
    int64_t parts[256];
    std::fill_n(parts, 256, int64_t{-1});
    auto part = [&](int below) {
        if (parts[below] < 0) {
            parts[below] = exponential(-(int64_t{below} << parameters[2]), parameters[3], parameters[4], parameters[5]);
        }
        return parts[below];
    };
    for (uint64_t row = 0; row < rows; ++row) {
        const int8_t* numbers = operands.int8s(0) + row * length;
        const int8_t largest = *std::max_element(numbers, numbers + length);
        int64_t total = 0;
        for (uint64_t place = 0; place < length; ++place) total += part(largest - numbers[place]);
        for (uint64_t place = 0; place < length; ++place) {
            const int64_t share = (256 * parts[largest - numbers[place]] + total / 2) / total;
            *output++ = static_cast<int8_t>(std::min<int64_t>(share, 255) - 128);
        }
    }
}

void gelu(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept {
    const auto count = static_cast<uint64_t>(parameters[0]);
    const int64_t b = parameters[3], one = parameters[4], multiplier = parameters[5];
    for (uint64_t place = 0; place < count; ++place) {
        const int64_t q = int64_t{operands.int8s(0)[place] - parameters[1]} * (int64_t{1} << parameters[2]);
        const int64_t distance = std::min(q < 0 ? -q : q, b) - b;
        const int64_t size = one - distance * distance;
        const int64_t erf = q > 0 ? size : q < 0 ? -size : 0;
        output[place] = clipped(rounded_shift(q * (erf + one) * multiplier, parameters[6]) + parameters[7]);
    }
}

Status layer_norm(const int32_t* parameters, const Operands& operands, int8_t* output, Workspace& workspace) noexcept {
    const auto rows = static_cast<uint64_t>(parameters[0]), length = static_cast<uint64_t>(parameters[1]);
    const auto count = static_cast<int64_t>(length);
    const int64_t epsilon = int64_t{parameters[4]} << 31 | parameters[5];
    if (!workspace.numbers.resize(length)) return Status::NoMemory;
    int32_t* distances = workspace.numbers.data();
    for (uint64_t row = 0; row < rows; ++row) {
        const int8_t* numbers = operands.int8s(0) + row * length;
        int64_t total = 0, squares = 0;
        for (uint64_t place = 0; place < length; ++place) total += numbers[place];
        for (uint64_t place = 0; place < length; ++place) {
            const int64_t distance = count * numbers[place] - total;  // n times that from the mean: exact
            distances[place] = static_cast<int32_t>(distance);
            squares += distance * distance;
        }
        const int64_t deviation = std::max<int64_t>(root_of(squares / count + epsilon), 1);
        for (uint64_t place = 0; place < length; ++place) {
            const int64_t normal = rounded_quotient(int64_t{1024} * distances[place], deviation);
            const int64_t scaled = normal * operands.int32(1, place) + operands.int32(2, place);
            *output++ = clipped(rounded_shift(scaled, parameters[2]) + parameters[3]);
        }
    }
    return Status::Done;
}

}  // namespace blockstm::ai
