// Elements by themselves, as loops that compilers make vectors of: included by one source for each set of instructions
// that they may use. All of them compute the same.
#pragma once

#include "ai/kernels.hpp"
#include "ai/scaling.hpp"

namespace blockstm::ai {
namespace {

// rounded_shift of what is below 2^62 + 2^61, by a shift that moves in zeros: vectors of 64 bits have no other one
// everywhere.
class RoundedShift {
public:
    explicit RoundedShift(int shift) noexcept
        : shift_(shift), added_(TOP + (uint64_t{1} << (shift - 1))), taken_(TOP >> shift) {}
    int64_t operator()(int64_t number) const noexcept {
        return static_cast<int64_t>(((static_cast<uint64_t>(number) + added_) >> shift_) - taken_);
    }

private:
    static constexpr uint64_t TOP = uint64_t{1} << 63;
    int shift_;
    uint64_t added_, taken_;
};

void scale_all(const int32_t* numbers, uint64_t count, int32_t multiplier, const Scaling& to, int8_t* output) noexcept {
    const RoundedShift shifted(to.shift);
    const int64_t zero = to.zero, low = to.low, high = to.high;
    for (uint64_t place = 0; place < count; ++place) {
        output[place] = clipped(shifted(int64_t{numbers[place]} * multiplier) + zero, low, high);
    }
}

void add_all(const Addend& left, const Addend& right, uint64_t count, const Scaling& to, int8_t* output) noexcept {
    const RoundedShift shifted(to.shift);
    const int32_t left_zero = left.zero, left_multiplier = left.multiplier;
    const int32_t right_zero = right.zero, right_multiplier = right.multiplier;
    const int64_t zero = to.zero, low = to.low, high = to.high;
    const int8_t* a = left.numbers;
    const int8_t* b = right.numbers;
    for (uint64_t place = 0; place < count; ++place) {
        const int64_t sum = int64_t{a[place] - left_zero} * left_multiplier +
                            int64_t{b[place] - right_zero} * right_multiplier;
        output[place] = clipped(shifted(sum) + zero, low, high);
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

constexpr Elementwise TABLE = {scale_all, add_all, clip_all, keep_larger, add_up};

}  // namespace
}  // namespace blockstm::ai
