// Elements by themselves, as loops that compilers make vectors of: included by one source for each set of instructions
// that they may use. All of them compute the same.
#pragma once

#include "ai/kernels.hpp"
#include "ai/scaling.hpp"

namespace blockstm::ai {
namespace {

// Vectors that have no product of 64 bits are slower than one number after another: a source whose vectors are such
// says so.
#if !defined(BLOCKSTM_WITHOUT_WIDE_PRODUCTS)
#define BLOCKSTM_OF_64_BITS
#define BLOCKSTM_ONE_BY_ONE
#elif defined(__clang__)
#define BLOCKSTM_OF_64_BITS
#define BLOCKSTM_ONE_BY_ONE _Pragma("clang loop vectorize(disable)")
#else
#define BLOCKSTM_OF_64_BITS [[gnu::optimize("no-tree-vectorize")]]
#define BLOCKSTM_ONE_BY_ONE _Pragma("GCC unroll 4")
#endif

// clipped(rounded_shift(number + offset) + zero) of what is below 2^62 + 2^61, by a shift that moves in zeros: vectors
// of 64 bits have no other one everywhere.
class Scaled {
public:
    explicit Scaled(const Scaling& to, int64_t offset = 0) noexcept
        : shift_(to.shift), added_(TOP + (uint64_t{1} << (to.shift - 1)) + static_cast<uint64_t>(offset)),
          zero_(to.zero - static_cast<int64_t>(TOP >> to.shift)), low_(to.low), high_(to.high) {}
    int8_t operator()(int64_t number) const noexcept {
        return clipped(static_cast<int64_t>((static_cast<uint64_t>(number) + added_) >> shift_) + zero_, low_, high_);
    }

private:
    static constexpr uint64_t TOP = uint64_t{1} << 63;
    int shift_;
    uint64_t added_;
    int64_t zero_, low_, high_;
};

BLOCKSTM_OF_64_BITS void scale_all(const int32_t* numbers, uint64_t count, int32_t multiplier, const Scaling& to,
                                   int8_t* output) noexcept {
    const Scaled scaled(to);
    BLOCKSTM_ONE_BY_ONE
    for (uint64_t place = 0; place < count; ++place) output[place] = scaled(int64_t{numbers[place]} * multiplier);
}

BLOCKSTM_OF_64_BITS void add_all(const Addend& left, const Addend& right, uint64_t count, const Scaling& to,
                                 int8_t* output) noexcept {
    const int64_t left_multiplier = left.multiplier, right_multiplier = right.multiplier;
    const Scaled scaled(to, -(left.zero * left_multiplier + right.zero * right_multiplier));
    const int8_t* a = left.numbers;
    const int8_t* b = right.numbers;
    BLOCKSTM_ONE_BY_ONE
    for (uint64_t place = 0; place < count; ++place) {
        output[place] = scaled(a[place] * left_multiplier + b[place] * right_multiplier);
    }
}

BLOCKSTM_OF_64_BITS void multiply_all(const Factor& left, const Factor& right, uint64_t count, int32_t multiplier,
                                      const Scaling& to, int8_t* output) noexcept {
    const Scaled scaled(to);
    const int32_t left_zero = left.zero, right_zero = right.zero;
    const int8_t* a = left.numbers;
    const int8_t* b = right.numbers;
    BLOCKSTM_ONE_BY_ONE
    for (uint64_t place = 0; place < count; ++place) {
        output[place] = scaled(int64_t{(a[place] - left_zero) * (b[place] - right_zero)} * multiplier);
    }
}

BLOCKSTM_OF_64_BITS void multiply_all_by(const Factor& left, int32_t number, uint64_t count, int32_t multiplier,
                                         const Scaling& to, int8_t* output) noexcept {
    const Scaled scaled(to);
    const int32_t zero = left.zero;
    const int8_t* a = left.numbers;
    BLOCKSTM_ONE_BY_ONE
    for (uint64_t place = 0; place < count; ++place) {
        output[place] = scaled(int64_t{(a[place] - zero) * number} * multiplier);
    }
}

void clip_all(const int8_t* numbers, uint64_t count, int8_t low, int8_t high, int8_t* output) noexcept {
    for (uint64_t place = 0; place < count; ++place) {
        const int8_t number = numbers[place] < low ? low : numbers[place];
        output[place] = number > high ? high : number;
    }
}

// Every `step`-th number against what is there.
template <int step>
void keep_larger_by(const int8_t* numbers, uint64_t count, int8_t* output) noexcept {
    for (uint64_t place = 0; place < count; ++place) {
        const int8_t number = numbers[place * step];
        output[place] = output[place] < number ? number : output[place];
    }
}

void keep_larger(const int8_t* numbers, uint64_t step, uint64_t count, int8_t* output) noexcept {
    if (step == 1) return keep_larger_by<1>(numbers, count, output);
    if (step == 2) return keep_larger_by<2>(numbers, count, output);
    for (uint64_t place = 0; place < count; ++place) {
        if (output[place] < numbers[place * step]) output[place] = numbers[place * step];
    }
}

template <int step>
void add_up_by(const int8_t* numbers, uint64_t count, int32_t less, int32_t* sums) noexcept {
    for (uint64_t place = 0; place < count; ++place) sums[place] += numbers[place * step] - less;
}

void add_up(const int8_t* numbers, uint64_t step, uint64_t count, int32_t less, int32_t* sums) noexcept {
    if (step == 1) return add_up_by<1>(numbers, count, less, sums);
    if (step == 2) return add_up_by<2>(numbers, count, less, sums);
    for (uint64_t place = 0; place < count; ++place) sums[place] += numbers[place * step] - less;
}

constexpr Elementwise TABLE = {scale_all, add_all, multiply_all, multiply_all_by, clip_all, keep_larger, add_up};

}  // namespace
}  // namespace blockstm::ai
