// What each instruction computes, on operands that were found to be of the right size. They allocate nothing but in
// the workspace and keep no state.
#pragma once

#include "ai/kernels.hpp"
#include "ai/shapes.hpp"

namespace blockstm::ai {

enum class Status : uint8_t {
    Done,
    Refused,   // what the operands say is malformed
    NoMemory,
};

// Operands lie at any address; those that are not there are null.
struct Operands {
    const uint8_t* data[OPERANDS];

    const int8_t* int8s(int number) const noexcept { return reinterpret_cast<const int8_t*>(data[number]); }
    // `count` of them at an address that int32 may have; copied where they are not. Null where memory ran out.
    const int32_t* aligned_int32s(int number, uint64_t count, Array<int32_t>& copy) const noexcept {
        if (reinterpret_cast<uintptr_t>(data[number]) % alignof(int32_t) == 0) {
            return reinterpret_cast<const int32_t*>(data[number]);
        }
        if (!copy.resize(count)) return nullptr;
        std::memcpy(copy.data(), data[number], 4 * count);
        return copy.data();
    }
    int32_t int32(int number, uint64_t place) const noexcept {
        int32_t value;
        std::memcpy(&value, data[number] + 4 * place, sizeof value);
        return value;
    }
};

// `output` has room for what the shape says, at an address that int32 may have, and no operand lies in it.
Status compute(const Instruction& instruction, const Operands& operands, uint8_t* output, Kernel kernel,
               Workspace& workspace) noexcept;

// The same, by families.
Status compute_product(const int32_t* parameters, const Operands& operands, int32_t* sums, Kernel kernel,
                       Workspace& workspace) noexcept;
Status compute_convolution(const int32_t* parameters, const Operands& operands, int32_t* sums, Kernel kernel,
                           Workspace& workspace) noexcept;
Status requantise(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel,
                  Workspace& workspace) noexcept;
void add(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept;
void multiply(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept;
void clip(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept;
void look_up(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept;
// int8[rows][columns] to int8[columns][rows].
void turn(const int8_t* numbers, uint64_t rows, uint64_t columns, int8_t* output) noexcept;
void transpose(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept;
void join(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept;
void max_pool(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel) noexcept;
Status mean_pool(const int32_t* parameters, const Operands& operands, int8_t* output, Kernel kernel,
                 Workspace& workspace) noexcept;
void find_top(const int32_t* parameters, const Operands& operands, uint8_t* output) noexcept;
void softmax(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept;
void gelu(const int32_t* parameters, const Operands& operands, int8_t* output) noexcept;
Status layer_norm(const int32_t* parameters, const Operands& operands, int8_t* output, Workspace& workspace) noexcept;

}  // namespace blockstm::ai
