// Points of secp256k1, eight side by side, in Jacobian coordinates (x / z**2, y / z**3). The formulas are
// those for points that differ and are not infinity; where they do not hold, z becomes zero, and then every
// later z is zero, since each is a product with the one before: so one look at the last tells of all. To be
// included as lane_field.hpp is. Pure.
#pragma once

#include "crypto/secp256k1/generator.hpp"
#include "crypto/secp256k1/lane_field.hpp"

namespace blockstm::secp256k1 {
namespace {

struct LaneAffine {
    Tight x, y;
};

struct LanePoint {
    Tight x, y, z;
};

// x3 = 9 x**4 - 8 x y**2, y3 = 3 x**2 (4 x y**2 - x3) - 8 y**4, z3 = 2 y z.
BLOCKSTM_INLINE LanePoint twice(const LanePoint& point) noexcept {
    const Loose xx = square(point.x);
    const Tight yy = squared(point.y);
    const Tight slope = tighten(shifted<1>(xx) + xx);
    const Loose xyy = point.x * yy;
    LanePoint out;
    out.x = tighten(square(slope) + multiple_of_p() - shifted<3>(xyy));
    out.z = tighten(shifted<1>(point.y * point.z));
    const Tight rest = tighten(shifted<2>(xyy) + multiple_of_p() - out.x);
    out.y = tighten(slope * rest + multiple_of_p() - shifted<3>(square(yy)));
    return out;
}

// point + (x, y), or point + (x, -y) in the lanes of `opposite`. `ratio` gets z3 / z1, the difference of the
// x: zero where the sum is not one of different points.
BLOCKSTM_INLINE LanePoint add(const LanePoint& point, const LaneAffine& other, Lanes opposite,
                              Tight& ratio) noexcept {
    const Tight zz = squared(point.z);
    ratio = tighten(other.x * zz + multiple_of_p() - point.x);
    const Tight zzz = times(point.z, zz);
    const Loose lifted = multiple_of_p() - point.y;
    const Tight slope = tighten(add_or_subtract(lifted, other.y * zzz, static_cast<Lanes>(~opposite)));
    const Tight hh = squared(ratio), hhh = times(ratio, hh);
    const Loose v = point.x * hh;
    LanePoint out;
    out.z = times(point.z, ratio);
    out.x = tighten(square(slope) + multiple_of_p() - hhh - shifted<1>(v));
    const Tight rest = tighten(v + multiple_of_p() - out.x);
    out.y = tighten(slope * rest + multiple_of_p() - point.y * hhh);
    return out;
}

BLOCKSTM_INLINE LanePoint add(const LanePoint& point, const LaneAffine& other, Lanes opposite) noexcept {
    Tight ratio;
    return add(point, other, opposite, ratio);
}

// The digits of eight numbers at one place, as they are written by scalars.hpp.
struct LaneDigits {
    Vector multiple;  // which odd multiple, from 0
    Lanes negative;
};

// `base` is 16 or 256.
BLOCKSTM_INLINE LaneDigits read_digits(const uint8_t* digits, uint64_t base) noexcept {
    const Vector digit = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(digits)));
    const Vector half = broadcast(base / 2);
    const Lanes negative = _mm512_cmplt_epu64_mask(digit, half);
    const Vector above = _mm512_sub_epi64(digit, half);
    return {_mm512_mask_sub_epi64(above, negative, broadcast(base / 2 - 1), digit), negative};
}

// The odd multiples of a point and of its image under (x, y) -> (BETA x, y), which have the same y.
struct OddLaneMultiples {
    static constexpr int COUNT = 8;

    Tight x[COUNT], image_x[COUNT], y[COUNT];

    BLOCKSTM_INLINE LaneAffine at(Vector place, const Tight (&xs)[COUNT]) const noexcept {
        LaneAffine out{xs[0], y[0]};
        for (int i = 1; i < COUNT; ++i) {
            const Lanes here = _mm512_cmpeq_epi64_mask(place, broadcast(static_cast<uint64_t>(i)));
            out.x = select(out.x, here, xs[i]);
            out.y = select(out.y, here, y[i]);
        }
        return out;
    }
};

// Fills `out` with points that share one z, which is returned: on the curve y**2 = x**3 + 7 z**6 they are
// affine, and the formulas do not look at the 7.
inline Tight fill_odd_multiples(const LaneAffine& point, const Tight& beta, OddLaneMultiples& out) noexcept {
    constexpr int COUNT = OddLaneMultiples::COUNT;
    const LanePoint two = twice({point.x, point.y, small(1)});
    const LaneAffine step{two.x, two.y};  // affine on the curve of two.z, as is `sum` before the first step
    const Tight zz = squared(two.z);
    LanePoint sum{times(point.x, zz), times(point.y, times(zz, two.z)), small(1)};
    Tight ratio[COUNT];
    for (int i = 0; i < COUNT; ++i) {
        if (i > 0) sum = add(sum, step, 0, ratio[i]);
        out.x[i] = sum.x;
        out.y[i] = sum.y;
    }
    Tight scale = small(1);  // the last z over that of point i
    for (int i = COUNT - 1; i >= 0; --i) {
        if (i < COUNT - 1) {
            scale = times(scale, ratio[i + 1]);
            const Tight square = squared(scale);
            out.x[i] = times(out.x[i], square);
            out.y[i] = times(out.y[i], times(square, scale));
        }
        out.image_x[i] = times(out.x[i], beta);
    }
    return times(sum.z, two.z);
}

// Eight rows of eight words become eight columns.
BLOCKSTM_INLINE void transpose(Vector (&row)[8]) noexcept {
    Vector pair[8], four[8];
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_epi64(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi64(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; ++j) {
            four[i + j] = _mm512_shuffle_i64x2(pair[i + j], pair[i + j + 2], 0x88);
            four[i + j + 2] = _mm512_shuffle_i64x2(pair[i + j], pair[i + j + 2], 0xdd);
        }
    }
    for (int j = 0; j < 2; ++j) {
        row[j] = _mm512_shuffle_i64x2(four[j], four[j + 4], 0x88);
        row[j + 4] = _mm512_shuffle_i64x2(four[j], four[j + 4], 0xdd);
        row[j + 2] = _mm512_shuffle_i64x2(four[j + 2], four[j + 6], 0x88);
        row[j + 6] = _mm512_shuffle_i64x2(four[j + 2], four[j + 6], 0xdd);
    }
}

// One point of a generator's table for each lane.
BLOCKSTM_INLINE LaneAffine gather(const TablePoint* table, Vector place) noexcept {
    alignas(64) uint64_t places[LANES];
    _mm512_store_si512(places, place);
    Vector row[8];
    for (int lane = 0; lane < LANES; ++lane) row[lane] = _mm512_load_si512(table + places[lane]);
    transpose(row);
    return {from_words({row[0], row[1], row[2], row[3]}), from_words({row[4], row[5], row[6], row[7]})};
}

}  // namespace
}  // namespace blockstm::secp256k1
