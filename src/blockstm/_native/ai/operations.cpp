// An instruction's computation by its opcode; elements by themselves; see operations.hpp.
#include "ai/operations.hpp"

#include <algorithm>

#include "ai/limits.hpp"
#include "ai/scaling.hpp"

namespace blockstm::ai {

Status compute(const Instruction& instruction, const Operands& operands, uint8_t* output, Kernel kernel,
               Workspace& workspace) noexcept {
    const int32_t* parameters = instruction.parameters;
    auto* numbers = reinterpret_cast<int8_t*>(output);
    auto* sums = reinterpret_cast<int32_t*>(output);
    switch (instruction.opcode) {
        case opcode::PRODUCT: return compute_product(parameters, operands, sums, kernel, workspace);
        case opcode::CONVOLUTION: return compute_convolution(parameters, operands, sums, kernel, workspace);
        case opcode::REQUANTISE: return requantise(parameters, operands, numbers, kernel, workspace);
        case opcode::LAYER_NORM: return layer_norm(parameters, operands, numbers, workspace);
        case opcode::ADD: add(parameters, operands, numbers, kernel); break;
        case opcode::MULTIPLY: multiply(parameters, operands, numbers, kernel); break;
        case opcode::JOIN: join(parameters, operands, numbers); break;
        case opcode::CLIP: clip(parameters, operands, numbers, kernel); break;
        case opcode::TABLE: look_up(parameters, operands, numbers); break;
        case opcode::TRANSPOSE: transpose(parameters, operands, numbers); break;
        case opcode::MAX_POOL: max_pool(parameters, operands, numbers, kernel); break;
        case opcode::MEAN_POOL: return mean_pool(parameters, operands, numbers, kernel, workspace);
        case opcode::TOP: find_top(parameters, operands, output); break;
        case opcode::SOFTMAX: softmax(parameters, operands, numbers); break;
        case opcode::GELU: gelu(parameters, operands, numbers); break;
        default: return Status::Refused;
    }
    return Status::Done;
}

Status requantise(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel,
                  Workspace& workspace) noexcept {
    const auto outer = static_cast<uint64_t>(parameters[0]), channels = static_cast<uint64_t>(parameters[1]);
    const auto inner = static_cast<uint64_t>(parameters[2]);
    for (uint64_t channel = 0; channel < channels; ++channel) {
        const int shift = operands.data[2][channel];
        if (operands.int32(1, channel) < 0 || shift < 1 || shift > SHIFT_MAX) return Status::Refused;
    }
    const int32_t* numbers = operands.aligned_int32s(0, outer * channels * inner, workspace.numbers);
    if (numbers == nullptr) return Status::NoMemory;
    for (uint64_t row = 0; row < outer; ++row) {
        for (uint64_t channel = 0; channel < channels; ++channel, numbers += inner, output += inner) {
            if (inner == 1) {  // no vector is worth it
                const int64_t product = int64_t{*numbers} * operands.int32(1, channel);
                const int64_t scaled = rounded_shift(product, operands.data[2][channel]);
                *output = clipped(scaled + parameters[3], parameters[4], parameters[5]);
                continue;
            }
            const Scaling to{operands.data[2][channel], parameters[3], parameters[4], parameters[5]};
            elementwise(kernel).scale(numbers, inner, operands.int32(1, channel), to, output);
        }
    }
    return Status::Done;
}

void add(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept {
    const Addend left{operands.int8s(0), parameters[1], parameters[2]};
    const Addend right{operands.int8s(1), parameters[3], parameters[4]};
    const Scaling to{parameters[5], parameters[6], parameters[7], parameters[8]};
    elementwise(kernel).add(left, right, static_cast<uint64_t>(parameters[0]), to, output);
}

void multiply(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept {
    const auto rows = static_cast<uint64_t>(parameters[0]), inner = static_cast<uint64_t>(parameters[1]);
    const Factor left{operands.int8s(0), parameters[2]}, right{operands.int8s(1), parameters[3]};
    const Scaling to{parameters[5], parameters[6], parameters[7], parameters[8]};
    const Elementwise& each = elementwise(kernel);
    if (inner == 1) return each.multiply(left, right, rows, parameters[4], to, output);
    for (uint64_t row = 0; row < rows; ++row) {
        const Factor numbers{left.numbers + row * inner, left.zero};
        each.multiply_by(numbers, right.numbers[row] - right.zero, inner, parameters[4], to, output + row * inner);
    }
}

void clip(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept {
    elementwise(kernel).clip(operands.int8s(0), static_cast<uint64_t>(parameters[0]),
                             static_cast<int8_t>(parameters[1]), static_cast<int8_t>(parameters[2]), output);
}

void look_up(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept {
    const auto count = static_cast<uint64_t>(parameters[0]);
    for (uint64_t place = 0; place < count; ++place) {
        output[place] = operands.int8s(1)[operands.int8s(0)[place] + 128];
    }
}

void join(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept {
    const auto left = static_cast<uint64_t>(parameters[1]), right = static_cast<uint64_t>(parameters[2]);
    for (uint64_t row = 0; row < static_cast<uint64_t>(parameters[0]); ++row) {
        output = std::copy_n(operands.int8s(0) + row * left, left, output);
        output = std::copy_n(operands.int8s(1) + row * right, right, output);
    }
}

void transpose(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept {
    turn(operands.int8s(0), static_cast<uint64_t>(parameters[0]), static_cast<uint64_t>(parameters[1]), output);
}

// Squares of 32 by 32, so that both sides stay in the cache.
void turn(const int8_t* numbers, uint64_t rows, uint64_t columns, int8_t* output) noexcept {
    constexpr uint64_t SIDE = 32;
    for (uint64_t top = 0; top < rows; top += SIDE) {
        const uint64_t bottom = top + SIDE < rows ? top + SIDE : rows;
        for (uint64_t column = 0; column < columns; ++column) {
            for (uint64_t row = top; row < bottom; ++row) output[column * rows + row] = numbers[row * columns + column];
        }
    }
}

}  // namespace blockstm::ai
