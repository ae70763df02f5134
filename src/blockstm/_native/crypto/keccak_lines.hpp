// Keccak-f[1600] of one state in five vector registers of AVX-512, five lanes in each: a *line* of the 5 x 5 lanes,
// those at p, p + t, ..., p + 4t modulo 5 for some direction t. Half as many instructions a round as with a lane in
// each register, and what a round takes is how long they wait for one another.
//
// Pi is linear: it makes of a line another line, of direction pi(t), so that no lane has to move for it. Six rounds
// lead through all directions: rows, columns and four between, and back to rows, whose lanes are then E apart. What
// theta and chi need is that lanes which meet lie in the same place of their registers:
//
// - the parities of columns: place i of every line is in the same column;
// - chi: line l + 1 is line l, moved by (1, 0).
//
// From the one to the other, a line turns in its register by an instruction of its own, beside the ways that are
// waited for: those lead through two such permutations a round, of lines for the parities and of parities for lines.
//
// Where lines are columns a parity is that of one register; where they are rows, chi is within one.
//
// A vector ternary operation waits longer for its second and third operand than for its first, on Zen 5: so the first
// is what comes last. Instructions stand in the order in which they are wanted, and the compiler is to leave it so.
// Included only by keccak.cpp.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "crypto/keccak_rounds.hpp"

#if !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("no-schedule-insns2")
#endif

namespace blockstm::lines {

#define BLOCKSTM_LINES [[gnu::always_inline, gnu::target("avx512f,avx512bw,bmi2")]] inline
#define BLOCKSTM_UNROLL _Pragma("GCC unroll 5")

// --- the 25 places, modulo 5 ----------------------------------------------------------------------

constexpr int modulo_5(int number) noexcept { return (number % 5 + 5) % 5; }
constexpr int quotient(int number, int divisor) noexcept {
    const int inverse[] = {0, 1, 3, 2, 4};
    return modulo_5(number * inverse[modulo_5(divisor)]);
}

struct Place {
    int x, y;
};

constexpr Place pi(Place place) noexcept { return {modulo_5(place.y), modulo_5(2 * place.x + 3 * place.y)}; }

// Of the lines when a round of six begins.
constexpr Place direction(int round) noexcept {
    Place way{1, 0};
    while (round-- > 0) way = pi(way);
    return way;
}

inline constexpr int E = direction(6).x;
static_assert(direction(6).y == 0);

// --- constants ------------------------------------------------------------------------------------

struct alignas(64) Eight {
    uint64_t each[8];
};

// For a permutation: place i takes what is at (i + by) / scale.
constexpr Eight shifted(int by, int scale) noexcept {
    Eight eight{};
    for (int i = 0; i < 8; ++i) eight.each[i] = i < 5 ? quotient(i + by, scale) : i;
    return eight;
}

// What rho turns the lanes of a line by.
constexpr Eight turns_of(Place start, Place way) noexcept {
    Eight eight{};
    for (int i = 0; i < 5; ++i) {
        eight.each[i] = KECCAK_TURNS[modulo_5(start.x + i * way.x) + 5 * modulo_5(start.y + i * way.y)];
    }
    return eight;
}

struct Constants {
    Eight shift[5];     // by so many places
    Eight from_row[5];  // and from a row whose lanes are E apart to one that is in order
    Eight to_row;       // back to those
    Eight turns[6][5];  // of a round's lines, when what theta adds has been added
    uint64_t before[25];  // iota's constant of the round before; the last one's at the end
};

constexpr Constants make_constants() noexcept {
    Constants made{};
    for (int by = 0; by < 5; ++by) {
        made.shift[by] = shifted(by, 1);
        made.from_row[by] = shifted(by, E);
    }
    made.to_row = shifted(0, quotient(1, E));
    for (int round = 0; round < 6; ++round) {
        for (int line = 0; line < 5; ++line) {
            const Place start = round < 5 ? Place{line, line} : Place{line, 0};
            made.turns[round][line] = turns_of(start, direction(round));
        }
    }
    for (int round = 0; round < 24; ++round) made.before[round + 1] = KECCAK_ROUND_CONSTANTS[round];
    return made;
}

inline constexpr Constants constants = make_constants();

// --- instructions ---------------------------------------------------------------------------------

using Line = __m512i;
using Lines = Line[5];

BLOCKSTM_LINES Line load(const Eight& eight) noexcept { return _mm512_load_si512(&eight); }
BLOCKSTM_LINES Line sum(Line a, Line b) noexcept { return _mm512_xor_si512(a, b); }
BLOCKSTM_LINES Line sum(Line last, Line a, Line b) noexcept {
    __asm__("vpternlogq $0x96, %2, %1, %0" : "+v"(last) : "v"(a), "v"(b));
    return last;
}
// a ^ (~b & c)
BLOCKSTM_LINES Line chi(Line a, Line b, Line c) noexcept {
    __asm__("vpternlogq $0xd2, %2, %1, %0" : "+v"(a) : "v"(b), "v"(c));
    return a;
}
// With masks of all, as gcc warns of its own header where there is none.
constexpr __mmask8 ALL = 0xff;
BLOCKSTM_LINES Line permuted(Line line, Line index) noexcept {
    return _mm512_maskz_permutexvar_epi64(ALL, index, line);
}
BLOCKSTM_LINES Line turned_by(Line line, Line bits) noexcept { return _mm512_maskz_rolv_epi64(ALL, line, bits); }
BLOCKSTM_LINES Line turned(Line line) noexcept { return _mm512_maskz_rol_epi64(ALL, line, 1); }
BLOCKSTM_LINES Line at_first(uint64_t lane) noexcept {
    return _mm512_maskz_set1_epi64(1, static_cast<long long>(lane));
}

// --- what rounds are made of ----------------------------------------------------------------------

// What theta adds to a line, and rho. `left` and `right` are the parities of the columns at x - 1, and of those at
// x + 1 turned by one bit, for each shift that there is, or for each column.
template <int round>
BLOCKSTM_LINES void add_parities(const Lines& aligned, const Lines& left, const Lines& right, Lines& out) noexcept {
    constexpr int step = round == 1 ? 1 : direction(round).x;  // columns: one of each
    Lines sums;
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) {
        sums[line] = sum(right[quotient(line + 1, step)], left[quotient(line - 1, step)], aligned[line]);
    }
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) {
        out[line] = turned_by(sums[line], load(constants.turns[round][line]));
    }
}

BLOCKSTM_LINES void chi_of_lines(const Lines& from, Lines& to) noexcept {
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) {
        to[line] = chi(from[line], from[(line + 1) % 5], from[(line + 2) % 5]);
    }
}

// Line l begins at (l, 0) before, at (l, l) after, which pi makes (l, 0).
template <int round>
BLOCKSTM_LINES void align(const Lines& lines, const Lines& shift, Lines& aligned) noexcept {
    constexpr Place way = direction(round);
    aligned[0] = lines[0];
    BLOCKSTM_UNROLL for (int line = 1; line < 5; ++line) {
        const int by = quotient(line, way.x - way.y);
        aligned[modulo_5(-by * way.y)] = permuted(lines[line], shift[modulo_5(-by)]);
    }
}

// --- rounds, each with iota's constant of the one before ------------------------------------------

// From rows whose lanes are E apart.
BLOCKSTM_LINES void round_of_rows(Lines& lines, uint64_t before) noexcept {
    const Line added = at_first(before);
    const Line parity = sum(sum(lines[0], lines[1], lines[2]), sum(lines[3], lines[4], added));
    lines[0] = sum(lines[0], added);
    const Line parity_turned = turned(parity);
    Lines from_row, left, right, aligned, arrived;
    BLOCKSTM_UNROLL for (int by = 0; by < 5; ++by) from_row[by] = load(constants.from_row[by]);
    BLOCKSTM_UNROLL for (int by = 0; by < 5; ++by) left[by] = permuted(parity, from_row[by]);
    BLOCKSTM_UNROLL for (int by = 0; by < 5; ++by) right[by] = permuted(parity_turned, from_row[by]);
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) aligned[line] = permuted(lines[line], from_row[line]);
    add_parities<0>(aligned, left, right, arrived);
    chi_of_lines(arrived, lines);
}

BLOCKSTM_LINES void round_of_columns(Lines& lines, uint64_t before, const Lines& shift) noexcept {
    Lines pairs, fifth, parity, right, aligned, arrived;
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) pairs[line] = permuted(lines[line], shift[1]);
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) fifth[line] = permuted(lines[line], shift[4]);
    fifth[0] = sum(fifth[0], _mm512_set1_epi64(static_cast<long long>(before)));
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) pairs[line] = sum(pairs[line], lines[line]);
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) parity[line] = permuted(pairs[line], shift[2]);
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) parity[line] = sum(parity[line], pairs[line], fifth[line]);
    lines[0] = sum(lines[0], at_first(before));
    align<1>(lines, shift, aligned);
    BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) right[line] = turned(parity[line]);
    add_parities<1>(aligned, parity, right, arrived);
    chi_of_lines(arrived, lines);
}

// What the parities of columns are summed from, and how they come to their lines.
template <int round>
BLOCKSTM_LINES void round_between(Lines& lines, uint64_t before, const Lines& shift) noexcept {
    constexpr Place way = direction(round);
    Lines meeting, left, right, aligned, arrived;
    BLOCKSTM_UNROLL for (int line = 1; line < 5; ++line) {
        meeting[line] = permuted(lines[line], shift[modulo_5(-quotient(line, way.x))]);
    }
    lines[0] = sum(lines[0], at_first(before));
    if constexpr (round < 5) {
        align<round>(lines, shift, aligned);
    } else {  // rows come of it, whatever their order
        BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) aligned[line] = lines[line];
    }
    left[0] = sum(sum(meeting[1], lines[0], meeting[2]), meeting[3], meeting[4]);
    right[0] = turned(left[0]);
    BLOCKSTM_UNROLL for (int by = 1; by < 5; ++by) left[by] = permuted(left[0], shift[by]);
    BLOCKSTM_UNROLL for (int by = 1; by < 5; ++by) right[by] = permuted(right[0], shift[by]);
    add_parities<round>(aligned, left, right, arrived);
    if constexpr (round < 5) {
        chi_of_lines(arrived, lines);
    } else {
        Lines next, after_next;
        BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) {
            next[line] = permuted(arrived[line], shift[quotient(1, E)]);
            after_next[line] = permuted(arrived[line], shift[quotient(2, E)]);
        }
        BLOCKSTM_UNROLL for (int line = 0; line < 5; ++line) {
            lines[2 * line % 5] = chi(arrived[line], next[line], after_next[line]);
        }
    }
}

// Of rows whose lanes are E apart, as they are afterwards.
BLOCKSTM_LINES void permute(Lines& lines) noexcept {
    Lines shift;
    BLOCKSTM_UNROLL for (int by = 0; by < 5; ++by) shift[by] = load(constants.shift[by]);
    const uint64_t* before = constants.before;
#pragma GCC unroll 1
    for (; before != constants.before + 24; before += 6) {
        round_of_rows(lines, before[0]);
        round_of_columns(lines, before[1], shift);
        round_between<2>(lines, before[2], shift);
        round_between<3>(lines, before[3], shift);
        round_between<4>(lines, before[4], shift);
        round_between<5>(lines, before[5], shift);
    }
    lines[0] = sum(lines[0], at_first(*before));
}

// --- the sponge, its state in registers from the first block to the hash --------------------------

constexpr __mmask8 ROW = 0x1f;

BLOCKSTM_LINES void load_state(const uint64_t* state, Lines& lines) noexcept {
    const Line to_row = load(constants.to_row);
    BLOCKSTM_UNROLL for (int y = 0; y < 5; ++y) {
        lines[y] = permuted(_mm512_maskz_loadu_epi64(ROW, state + 5 * y), to_row);
    }
}

BLOCKSTM_LINES void store_state(const Lines& lines, uint64_t* state) noexcept {
    const Line from_row = load(constants.from_row[0]);
    BLOCKSTM_UNROLL for (int y = 0; y < 5; ++y) {
        _mm512_mask_storeu_epi64(state + 5 * y, ROW, permuted(lines[y], from_row));
    }
}

// 40 bytes of a block are a row; the last 16 begin one.
BLOCKSTM_LINES void absorb(const uint8_t* block, Lines& lines) noexcept {
    const Line to_row = load(constants.to_row);
    BLOCKSTM_UNROLL for (int y = 0; y < 4; ++y) {
        const Line row = _mm512_maskz_loadu_epi64(y < 3 ? ROW : __mmask8{3}, block + 40 * y);
        lines[y] = sum(lines[y], permuted(row, to_row));
    }
}

// Less than a block, and the padding.
BLOCKSTM_LINES void absorb_last(const uint8_t* data, uint64_t size, Lines& lines) noexcept {
    const Line to_row = load(constants.to_row);
    BLOCKSTM_UNROLL for (uint64_t y = 0; y < 4; ++y) {
        if (size < 40 * y) break;
        const uint64_t left = size - 40 * y;
        const uint64_t taken = left < 40 ? left : 40;
        const __mmask64 bytes = _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(taken));
        const __mmask64 pad = left < 40 ? uint64_t{1} << left : 0;
        const Line row = _mm512_mask_mov_epi8(_mm512_maskz_loadu_epi8(bytes, data + 40 * y), pad, _mm512_set1_epi8(1));
        lines[y] = sum(lines[y], permuted(row, to_row));
    }
    const auto end = static_cast<long long>(uint64_t{1} << 63);  // lane 16, of row 3 the second
    lines[3] = sum(lines[3], _mm512_maskz_set1_epi64(1 << quotient(1, E), end));
}

#undef BLOCKSTM_LINES
#undef BLOCKSTM_UNROLL

[[gnu::target("avx512f,avx512bw,bmi2")]] inline void permute_state(uint64_t* state) noexcept {
    Lines lines;
    load_state(state, lines);
    permute(lines);
    store_state(lines, state);
}

// What is left of a message, and its hash; `state` is null where nothing was before it.
[[gnu::target("avx512f,avx512bw,bmi2")]] inline void finish(const uint64_t* state, const uint8_t* data, uint64_t size,
                                                            uint8_t out[32]) noexcept {
    Lines lines;
    if (state != nullptr) {
        load_state(state, lines);
    } else {
        for (Line& each : lines) each = _mm512_setzero_si512();
    }
    for (; size >= 136; size -= 136, data += 136) {
        absorb(data, lines);
        permute(lines);
    }
    absorb_last(data, size, lines);
    permute(lines);
    const Line hash = permuted(lines[0], load(constants.from_row[0]));
    __asm__("vmovdqu64 %t1, %0" : "=m"(*reinterpret_cast<uint8_t(*)[32]>(out)) : "v"(hash));  // its lower half
}

}  // namespace blockstm::lines

#if !defined(__clang__)
#pragma GCC pop_options
#endif
