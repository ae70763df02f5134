// The field of secp256k1, eight numbers side by side in vectors of 52-bit limbs (AVX-512 IFMA). To be
// included where the compiler may use those instructions, and there only: it lies in an unnamed namespace, so
// that no other code is ever linked to these functions. Pure.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/limbs.hpp"

namespace blockstm::secp256k1 {
namespace {

constexpr int LANES = 8;
constexpr int LIMBS = 5;
constexpr int LIMB_BITS = 52;
constexpr int TOP_BITS = 48;  // of the highest limb, in a number of 256 bits

using Vector = __m512i;
using Lanes = __mmask8;  // a bit for each lane

// A sanitizer checks every limb: with all of a ladder in one function its compilation takes minutes.
#if defined(BLOCKSTM_SANITIZED)
#define BLOCKSTM_INLINE inline
#else
#define BLOCKSTM_INLINE [[gnu::always_inline]] inline
#endif

BLOCKSTM_INLINE Vector broadcast(uint64_t word) noexcept { return _mm512_set1_epi64(static_cast<long long>(word)); }

BLOCKSTM_INLINE Vector limb_mask() noexcept { return broadcast((uint64_t{1} << LIMB_BITS) - 1); }
BLOCKSTM_INLINE Vector top_mask() noexcept { return broadcast((uint64_t{1} << TOP_BITS) - 1); }

// 2 ** 256 and 2 ** 260 modulo p.
BLOCKSTM_INLINE Vector fold_256() noexcept { return broadcast(0x1000003D1); }
BLOCKSTM_INLINE Vector fold_260() noexcept { return broadcast(0x1000003D10); }

// sum + the low and the high 52 bits of left * right, whose operands are their low 52 bits.
BLOCKSTM_INLINE Vector add_low(Vector sum, Vector left, Vector right) noexcept {
    return _mm512_madd52lo_epu64(sum, left, right);
}
BLOCKSTM_INLINE Vector add_high(Vector sum, Vector left, Vector right) noexcept {
    return _mm512_madd52hi_epu64(sum, left, right);
}

// Numbers below 2 ** 256 + 2 ** 219: all limbs are within 52 bits, as products want them.
struct Tight {
    Vector limb[LIMBS];
};

// Sums of products and of tight numbers: no limb is negative or reaches 2 ** 62.
struct Loose {
    Vector limb[LIMBS];
};

// 4096 p, whose limbs are so large that no limb of what may be taken from it is larger: at most 2 ** 59.9.
BLOCKSTM_INLINE Loose multiple_of_p() noexcept {
    return {{broadcast(0x100fefffffc2f000), broadcast(0x100ffffffffffeff), broadcast(0x100ffffffffffeff),
             broadcast(0x100ffffffffffeff), broadcast(0xffffffffffffeff)}};
}

template <class Left, class Right>
BLOCKSTM_INLINE Loose operator+(const Left& left, const Right& right) noexcept {
    Loose sum;
    for (int i = 0; i < LIMBS; ++i) sum.limb[i] = _mm512_add_epi64(left.limb[i], right.limb[i]);
    return sum;
}

// Limb by limb: `left` has multiple_of_p() in it.
template <class Left, class Right>
BLOCKSTM_INLINE Loose operator-(const Left& left, const Right& right) noexcept {
    Loose difference;
    for (int i = 0; i < LIMBS; ++i) difference.limb[i] = _mm512_sub_epi64(left.limb[i], right.limb[i]);
    return difference;
}

template <int bits, class Number>
BLOCKSTM_INLINE Loose shifted(const Number& number) noexcept {
    Loose out;
    for (int i = 0; i < LIMBS; ++i) out.limb[i] = _mm512_slli_epi64(number.limb[i], bits);
    return out;
}

// `sum` less `number`, or plus it in the lanes of `plus`.
template <class Number>
BLOCKSTM_INLINE Loose add_or_subtract(const Loose& sum, const Number& number, Lanes plus) noexcept {
    Loose out;
    for (int i = 0; i < LIMBS; ++i) {
        out.limb[i] = _mm512_mask_add_epi64(_mm512_sub_epi64(sum.limb[i], number.limb[i]), plus, sum.limb[i],
                                            number.limb[i]);
    }
    return out;
}

// What exceeds 256 bits is folded in first (at most 2 ** 14 * 2 ** 33), so that one pass of carries is enough.
BLOCKSTM_INLINE Tight tighten(const Loose& number) noexcept {
    Tight out;
    const Vector above = _mm512_srli_epi64(number.limb[4], TOP_BITS);
    Vector carried = add_low(number.limb[0], above, fold_256());
    for (int i = 0; i < LIMBS - 1; ++i) {
        out.limb[i] = _mm512_and_si512(carried, limb_mask());
        const Vector next = i + 1 < LIMBS - 1 ? number.limb[i + 1] : _mm512_and_si512(number.limb[4], top_mask());
        carried = _mm512_add_epi64(next, _mm512_srli_epi64(carried, LIMB_BITS));
    }
    out.limb[LIMBS - 1] = carried;
    return out;
}

// The product of which the columns are given, modulo p. What exceeds 260 bits is folded in, and then what of
// that does.
BLOCKSTM_INLINE Loose fold(Vector (&column)[2 * LIMBS]) noexcept {
    for (int i = LIMBS; i < 2 * LIMBS - 1; ++i) {
        column[i + 1] = _mm512_add_epi64(column[i + 1], _mm512_srli_epi64(column[i], LIMB_BITS));
    }
    const Vector top = _mm512_srli_epi64(column[2 * LIMBS - 1], LIMB_BITS);
    Loose out;
    for (int i = 0; i < LIMBS; ++i) out.limb[i] = add_low(column[i], column[LIMBS + i], fold_260());
    for (int i = 0; i < LIMBS - 1; ++i) out.limb[i + 1] = add_high(out.limb[i + 1], column[LIMBS + i], fold_260());
    Vector again = add_high(_mm512_setzero_si512(), column[2 * LIMBS - 1], fold_260());
    again = add_low(again, top, fold_260());
    out.limb[0] = add_low(out.limb[0], again, fold_260());
    out.limb[1] = add_high(out.limb[1], again, fold_260());
    return out;
}

// Limbs of the result are below 2 ** 56. Columns are summed row by row: five sums are under way at a time.
BLOCKSTM_INLINE Loose operator*(const Tight& left, const Tight& right) noexcept {
    Vector column[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; ++i) column[i] = _mm512_setzero_si512();
#pragma GCC unroll 5
    for (int i = 0; i < LIMBS; ++i) {
#pragma GCC unroll 5
        for (int j = 0; j < LIMBS; ++j) column[i + j] = add_low(column[i + j], left.limb[i], right.limb[j]);
#pragma GCC unroll 5
        for (int j = 0; j < LIMBS; ++j) column[i + j + 1] = add_high(column[i + j + 1], left.limb[i], right.limb[j]);
    }
    return fold(column);
}

// Each product of two different limbs is computed once and counts twice.
BLOCKSTM_INLINE Loose square(const Tight& number) noexcept {
    Vector column[2 * LIMBS];
    for (int i = 0; i < 2 * LIMBS; ++i) column[i] = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int i = 0; i < LIMBS - 1; ++i) {
#pragma GCC unroll 4
        for (int j = i + 1; j < LIMBS; ++j) column[i + j] = add_low(column[i + j], number.limb[i], number.limb[j]);
#pragma GCC unroll 4
        for (int j = i + 1; j < LIMBS; ++j) {
            column[i + j + 1] = add_high(column[i + j + 1], number.limb[i], number.limb[j]);
        }
    }
    for (int i = 1; i < 2 * LIMBS; ++i) column[i] = _mm512_add_epi64(column[i], column[i]);
#pragma GCC unroll 5
    for (int i = 0; i < LIMBS; ++i) {
        column[2 * i] = add_low(column[2 * i], number.limb[i], number.limb[i]);
        column[2 * i + 1] = add_high(column[2 * i + 1], number.limb[i], number.limb[i]);
    }
    return fold(column);
}

BLOCKSTM_INLINE Tight times(const Tight& left, const Tight& right) noexcept { return tighten(left * right); }
BLOCKSTM_INLINE Tight squared(const Tight& number) noexcept { return tighten(square(number)); }

BLOCKSTM_INLINE Tight select(const Tight& otherwise, Lanes lanes, const Tight& there) noexcept {
    Tight out;
    for (int i = 0; i < LIMBS; ++i) out.limb[i] = _mm512_mask_mov_epi64(otherwise.limb[i], lanes, there.limb[i]);
    return out;
}

// The numbers below p that they stand for. A tight number is below 2 p.
inline Tight canonical(const Tight& number) noexcept {
    // number + 2 ** 256 - p reaches 2 ** 256 where number reaches p.
    Tight reduced;
    Vector carried = _mm512_add_epi64(number.limb[0], fold_256());
    for (int i = 0; i < LIMBS - 1; ++i) {
        reduced.limb[i] = _mm512_and_si512(carried, limb_mask());
        carried = _mm512_add_epi64(number.limb[i + 1], _mm512_srli_epi64(carried, LIMB_BITS));
    }
    const Vector limit = broadcast(uint64_t{1} << TOP_BITS);
    reduced.limb[LIMBS - 1] = _mm512_sub_epi64(carried, limit);
    return select(number, _mm512_cmpge_epu64_mask(carried, limit), reduced);
}

inline Lanes is_zero(const Tight& number) noexcept {
    const Tight exact = canonical(number);
    Vector bits = exact.limb[0];
    for (int i = 1; i < LIMBS; ++i) bits = _mm512_or_si512(bits, exact.limb[i]);
    return _mm512_cmpeq_epi64_mask(bits, _mm512_setzero_si512());
}

BLOCKSTM_INLINE Tight small(uint64_t word) noexcept {
    Tight out{{broadcast(word)}};
    for (int i = 1; i < LIMBS; ++i) out.limb[i] = _mm512_setzero_si512();
    return out;
}

// Four words of 64 bits a lane, the lowest first, to limbs and back (of canonical numbers).
BLOCKSTM_INLINE Tight from_words(const Vector (&word)[4]) noexcept {
    Tight out;
    out.limb[0] = _mm512_and_si512(word[0], limb_mask());
    for (int i = 1; i < 4; ++i) {
        const Vector low = _mm512_srli_epi64(word[i - 1], static_cast<unsigned>(64 - 12 * i));
        const Vector high = _mm512_slli_epi64(word[i], static_cast<unsigned>(12 * i));
        out.limb[i] = _mm512_and_si512(_mm512_or_si512(low, high), limb_mask());
    }
    out.limb[4] = _mm512_srli_epi64(word[3], 16);
    return out;
}

BLOCKSTM_INLINE void to_words(const Tight& number, Vector (&word)[4]) noexcept {
    for (int i = 0; i < 4; ++i) {
        const Vector low = _mm512_srli_epi64(number.limb[i], static_cast<unsigned>(12 * i));
        const Vector high = _mm512_slli_epi64(number.limb[i + 1], static_cast<unsigned>(52 - 12 * i));
        word[i] = _mm512_or_si512(low, high);
    }
}

// number ** (2 ** count), of several independent numbers at a time: one would wait for itself.
template <int width>
inline void square_often(Tight (&number)[width], int count) noexcept {
    for (int turn = 0; turn < count; ++turn) {
        for (int i = 0; i < width; ++i) number[i] = squared(number[i]);
    }
}

template <int width>
inline void multiply_all(Tight (&number)[width], const Tight (&other)[width]) noexcept {
    for (int i = 0; i < width; ++i) number[i] = times(number[i], other[i]);
}

// number ** (2 ** count - 1) of counts that an addition chain visits.
template <int width>
struct Ones {
    Tight one[width], two[width], twenty_two[width], all[width];  // `all`: 223 ones

    explicit Ones(const Tight (&number)[width]) noexcept {
        Tight three[width], six[width], eleven[width], forty_four[width], eighty_eight[width];
        copy(one, number);
        extend(two, one, 1, one);
        extend(three, two, 1, one);
        extend(six, three, 3, three);
        extend(all, six, 3, three);  // 9
        extend(eleven, all, 2, two);
        extend(twenty_two, eleven, 11, eleven);
        extend(forty_four, twenty_two, 22, twenty_two);
        extend(eighty_eight, forty_four, 44, forty_four);
        extend(all, eighty_eight, 88, eighty_eight);  // 176
        extend(all, all, 44, forty_four);             // 220
        extend(all, all, 3, three);
    }

    // Appends `count` bits to the exponent of `out`, and adds that of `last`.
    static void extend(Tight (&out)[width], const Tight (&first)[width], int count,
                       const Tight (&last)[width]) noexcept {
        Tight power[width];
        copy(power, first);
        square_often(power, count);
        multiply_all(power, last);
        copy(out, power);
    }

    static void copy(Tight (&out)[width], const Tight (&in)[width]) noexcept {
        for (int i = 0; i < width; ++i) out[i] = in[i];
    }
};

// number ** ((p + 1) / 4): a square root of each that has one. The exponent is 223 ones, 0, 22 ones, 00001100.
template <int width>
[[gnu::noinline]] void square_roots(Tight (&number)[width]) noexcept {
    const Ones<width> ones(number);
    ones.extend(number, ones.all, 23, ones.twenty_two);
    ones.extend(number, number, 6, ones.two);
    square_often(number, 2);
}

// number ** (p - 2), the inverse of each that is not zero: 223 ones, 0, 22 ones, 0000101101.
template <int width>
[[gnu::noinline]] void invert(Tight (&number)[width]) noexcept {
    const Ones<width> ones(number);
    ones.extend(number, ones.all, 23, ones.twenty_two);
    ones.extend(number, number, 5, ones.one);
    ones.extend(number, number, 3, ones.two);
    ones.extend(number, number, 2, ones.one);
}

}  // namespace
}  // namespace blockstm::secp256k1
