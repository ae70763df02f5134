#include "crypto/secp256k1/recovery_lanes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

// From here on the compiler may use the instructions that `has_lanes` asks for. What others may call as well
// was included before.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512ifma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 has its own vectors "of any value" in mind
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512ifma")
#endif

#include "crypto/secp256k1/lane_points.hpp"

namespace blockstm::secp256k1 {
namespace {

BLOCKSTM_INLINE Tight load(const uint64_t (&words)[4][LANES]) noexcept {
    return from_words({_mm512_load_si512(words[0]), _mm512_load_si512(words[1]), _mm512_load_si512(words[2]),
                       _mm512_load_si512(words[3])});
}

BLOCKSTM_INLINE void store(const Tight& number, uint64_t (&words)[4][LANES]) noexcept {
    Vector word[4];
    to_words(canonical(number), word);
    for (int i = 0; i < 4; ++i) _mm512_store_si512(words[i], word[i]);
}

BLOCKSTM_INLINE Tight opposite(const Tight& number) noexcept { return tighten(multiple_of_p() - number); }

// The points with the x of `width` tasks and the y that they ask for; the others' y are anything.
template <int width>
void lift(const LaneTask* tasks, LaneAffine (&points)[width], LaneResult* results) noexcept {
    Tight right[width], y[width];
    for (int i = 0; i < width; ++i) {
        points[i].x = load(tasks[i].x);
        right[i] = y[i] = tighten(squared(points[i].x) * points[i].x + small(7));
    }
    square_roots(y);
    for (int i = 0; i < width; ++i) {
        results[i].on_curve = is_zero(tighten(square(y[i]) + multiple_of_p() - right[i]));
        const Tight exact = canonical(y[i]);
        const Lanes odd = _mm512_test_epi64_mask(exact.limb[0], broadcast(1));
        points[i].y = select(exact, static_cast<Lanes>(odd ^ tasks[i].odd_lanes), opposite(exact));
    }
}

// The sum of both halves' multiples of the point and its image.
[[gnu::noinline]] LanePoint multiply(const LaneTask& task, const LaneAffine& point, const Tight& beta) noexcept {
    OddLaneMultiples odd;
    const Tight shared_z = fill_odd_multiples(point, beta, odd);
    LaneDigits digits = read_digits(task.digits[HALF_DIGITS - 1], 16);
    LaneAffine entry = odd.at(digits.multiple, odd.x);
    LanePoint sum{entry.x, select(entry.y, digits.negative, opposite(entry.y)), small(1)};
    for (int place = HALF_DIGITS - 1; place >= 0; --place) {
        if (place < HALF_DIGITS - 1) {
            for (int turn = 0; turn < 4; ++turn) sum = twice(sum);
            digits = read_digits(task.digits[place], 16);
            sum = add(sum, odd.at(digits.multiple, odd.x), digits.negative);
        }
        digits = read_digits(task.image_digits[place], 16);
        sum = add(sum, odd.at(digits.multiple, odd.image_x), digits.negative);
    }
    sum.z = times(sum.z, shared_z);
    return sum;
}

[[gnu::noinline]] void add_generator(const LaneTask& task, LanePoint& sum) noexcept {
    for (int place = 0; place < GENERATOR_DIGITS; ++place) {
        const LaneDigits digits = read_digits(task.generator_digits[place], 256);
        sum = add(sum, gather(GENERATOR_TABLE.multiple[place], digits.multiple), digits.negative);
    }
}

// One inversion for all (P. Montgomery's trick); a z of zero, which would make all products zero, counts as one.
void finish(LanePoint* sums, LaneResult* results, int count) noexcept {
    Tight product[LANE_TASKS_MAX], inverse[1];
    for (int i = 0; i < count; ++i) {
        const Lanes lost = is_zero(sums[i].z);
        results[i].computed = static_cast<uint8_t>(results[i].on_curve & ~lost);
        sums[i].z = select(sums[i].z, lost, small(1));
        product[i] = i > 0 ? times(product[i - 1], sums[i].z) : sums[i].z;
    }
    inverse[0] = product[count - 1];
    invert(inverse);
    for (int i = count - 1; i >= 0; --i) {
        const Tight own = i > 0 ? times(inverse[0], product[i - 1]) : inverse[0];
        inverse[0] = times(inverse[0], sums[i].z);
        const Tight square = squared(own);
        store(times(sums[i].x, square), results[i].x);
        store(times(sums[i].y, times(square, own)), results[i].y);
    }
}

}  // namespace

bool has_lanes() noexcept {
    static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma");
    return supported;
}

void recover_lanes(const LaneTask* tasks, LaneResult* results, int count) noexcept {
    LanePoint sums[LANE_TASKS_MAX];
    const Tight beta = from_words({broadcast(BETA.limb[0]), broadcast(BETA.limb[1]), broadcast(BETA.limb[2]),
                                   broadcast(BETA.limb[3])});
    constexpr int WIDTH = 2;  // square roots under way at a time
    for (int first = 0; first < count; first += WIDTH) {
        LaneAffine points[WIDTH];
        const int there = first + 1 < count ? WIDTH : 1;
        if (there == WIDTH) {
            lift(tasks + first, points, results + first);
        } else {
            LaneAffine last[1];
            lift(tasks + first, last, results + first);
            points[0] = last[0];
        }
        for (int i = 0; i < there; ++i) {
            sums[first + i] = multiply(tasks[first + i], points[i], beta);
            add_generator(tasks[first + i], sums[first + i]);
        }
    }
    finish(sums, results, count);
}

}  // namespace blockstm::secp256k1

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace blockstm::secp256k1 {

bool has_lanes() noexcept { return false; }
void recover_lanes(const LaneTask*, LaneResult*, int) noexcept {}

}  // namespace blockstm::secp256k1
#endif
