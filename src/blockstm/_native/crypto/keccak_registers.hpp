// Keccak-f[1600] of one state in the 32 vector registers of AVX-512, one lane in the lower half of each: 25 hold the
// state, five the parities of columns, and two are to spare. Compilers do not get by with those.
//
// The order of the instructions was found by measuring. What waits for the parities fills the processor's queues, so
// all of a row is added to before the first of it is turned, and three rows are under way before chi of the first.
//
// Rounds work in place: what arrives in a row stays where it lay, so the lanes wander. Each of four rounds is the same
// with other registers; then all are put back, by moves that processors do while they rename registers.
// Included only by keccak.cpp.
#pragma once

#include <cstdint>

#include "crypto/keccak_rounds.hpp"

namespace blockstm {

#define BLOCKSTM_XMM(n) "%%xmm" #n
#define BLOCKSTM_MOVE(from, to) "vmovdqa64 " BLOCKSTM_XMM(from) ", " BLOCKSTM_XMM(to) "\n"
#define BLOCKSTM_XOR(from, to) "vpxorq " BLOCKSTM_XMM(from) ", " BLOCKSTM_XMM(to) ", " BLOCKSTM_XMM(to) "\n"
#define BLOCKSTM_XOR2(a, b, to) "vpxorq " BLOCKSTM_XMM(a) ", " BLOCKSTM_XMM(b) ", " BLOCKSTM_XMM(to) "\n"
#define BLOCKSTM_XOR3(a, b, to) "vpternlogq $0x96, " BLOCKSTM_XMM(a) ", " BLOCKSTM_XMM(b) ", " BLOCKSTM_XMM(to) "\n"
#define BLOCKSTM_TURN(n, lane) BLOCKSTM_TURNED(n, lane, lane)
#define BLOCKSTM_TURNED(n, from, to) "vprolq $" #n ", " BLOCKSTM_XMM(from) ", " BLOCKSTM_XMM(to) "\n"
// to ^= ~a & b
#define BLOCKSTM_CHI(a, b, to) "vpternlogq $0xd2, " BLOCKSTM_XMM(b) ", " BLOCKSTM_XMM(a) ", " BLOCKSTM_XMM(to) "\n"

// Chi of a row.
#define BLOCKSTM_ROW(a, b, c, d, e) \
    BLOCKSTM_MOVE(a, 26) BLOCKSTM_MOVE(b, 27) \
    BLOCKSTM_CHI(b, c, a) BLOCKSTM_CHI(c, d, b) BLOCKSTM_CHI(d, e, c) BLOCKSTM_CHI(e, 26, d) BLOCKSTM_CHI(26, 27, e)

// What theta adds to the lanes of columns 0 to 4 is in registers 30, 31, 28, 29, 25. First all are added, then turned.
#define BLOCKSTM_ARRIVE_0(a, b, c, d, e) \
    BLOCKSTM_XOR(30, a) BLOCKSTM_XOR(31, b) BLOCKSTM_XOR(28, c) BLOCKSTM_XOR(29, d) BLOCKSTM_XOR(25, e) \
    BLOCKSTM_TURN(44, b) BLOCKSTM_TURN(43, c) BLOCKSTM_TURN(21, d) BLOCKSTM_TURN(14, e)
#define BLOCKSTM_ARRIVE_1(a, b, c, d, e) \
    BLOCKSTM_XOR(29, a) BLOCKSTM_XOR(25, b) BLOCKSTM_XOR(30, c) BLOCKSTM_XOR(31, d) BLOCKSTM_XOR(28, e) \
    BLOCKSTM_TURN(28, a) BLOCKSTM_TURN(20, b) BLOCKSTM_TURN(3, c) BLOCKSTM_TURN(45, d) BLOCKSTM_TURN(61, e)
#define BLOCKSTM_ARRIVE_2(a, b, c, d, e) \
    BLOCKSTM_XOR(31, a) BLOCKSTM_XOR(28, b) BLOCKSTM_XOR(29, c) BLOCKSTM_XOR(25, d) BLOCKSTM_XOR(30, e) \
    BLOCKSTM_TURN(1, a) BLOCKSTM_TURN(6, b) BLOCKSTM_TURN(25, c) BLOCKSTM_TURN(8, d) BLOCKSTM_TURN(18, e)
#define BLOCKSTM_ARRIVE_3(a, b, c, d, e) \
    BLOCKSTM_XOR(25, a) BLOCKSTM_XOR(30, b) BLOCKSTM_XOR(31, c) BLOCKSTM_XOR(28, d) BLOCKSTM_XOR(29, e) \
    BLOCKSTM_TURN(27, a) BLOCKSTM_TURN(36, b) BLOCKSTM_TURN(10, c) BLOCKSTM_TURN(15, d) BLOCKSTM_TURN(56, e)
#define BLOCKSTM_ARRIVE_4(a, b, c, d, e) \
    BLOCKSTM_XOR(28, a) BLOCKSTM_XOR(29, b) BLOCKSTM_XOR(25, c) BLOCKSTM_XOR(30, d) BLOCKSTM_XOR(31, e) \
    BLOCKSTM_TURN(62, a) BLOCKSTM_TURN(55, b) BLOCKSTM_TURN(39, c) BLOCKSTM_TURN(41, d) BLOCKSTM_TURN(2, e)

// A round, and the place of its constant; a to e are the rows.
#define BLOCKSTM_ROUND(constant, a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4, d0, d1, d2, d3, d4, \
                       e0, e1, e2, e3, e4) \
    BLOCKSTM_XOR2(a0, b0, 25) BLOCKSTM_XOR2(a1, b1, 26) BLOCKSTM_XOR2(a2, b2, 27) \
    BLOCKSTM_XOR2(a3, b3, 28) BLOCKSTM_XOR2(a4, b4, 29) \
    BLOCKSTM_XOR(c0, 25) BLOCKSTM_XOR(c1, 26) BLOCKSTM_XOR(c2, 27) BLOCKSTM_XOR(c3, 28) BLOCKSTM_XOR(c4, 29) \
    BLOCKSTM_XOR3(d0, e0, 25) BLOCKSTM_XOR3(d1, e1, 26) BLOCKSTM_XOR3(d2, e2, 27) \
    BLOCKSTM_XOR3(d3, e3, 28) BLOCKSTM_XOR3(d4, e4, 29) \
    BLOCKSTM_TURNED(1, 26, 30) BLOCKSTM_TURNED(1, 27, 31) BLOCKSTM_XOR(29, 30) BLOCKSTM_XOR(25, 31) \
    BLOCKSTM_TURN(1, 25) BLOCKSTM_XOR(28, 25) BLOCKSTM_TURN(1, 28) BLOCKSTM_XOR(26, 28) \
    BLOCKSTM_TURN(1, 29) BLOCKSTM_XOR(27, 29) \
    BLOCKSTM_ARRIVE_0(a0, b1, c2, d3, e4) \
    BLOCKSTM_ARRIVE_1(a3, b4, c0, d1, e2) \
    BLOCKSTM_ARRIVE_2(a1, b2, c3, d4, e0) \
    BLOCKSTM_ROW(a0, b1, c2, d3, e4) \
    "vpxorq " #constant "(%[constants])%{1to2%}, " BLOCKSTM_XMM(a0) ", " BLOCKSTM_XMM(a0) "\n" \
    BLOCKSTM_ARRIVE_3(a4, b0, c1, d2, e3) \
    BLOCKSTM_ROW(a3, b4, c0, d1, e2) \
    BLOCKSTM_ARRIVE_4(a2, b3, c4, d0, e1) \
    BLOCKSTM_ROW(a1, b2, c3, d4, e0) \
    BLOCKSTM_ROW(a4, b0, c1, d2, e3) \
    BLOCKSTM_ROW(a2, b3, c4, d0, e1)

#define BLOCKSTM_RING(a, b, c, d, e, f) \
    BLOCKSTM_MOVE(a, 26) BLOCKSTM_MOVE(b, a) BLOCKSTM_MOVE(c, b) BLOCKSTM_MOVE(d, c) BLOCKSTM_MOVE(e, d) \
    BLOCKSTM_MOVE(f, e) BLOCKSTM_MOVE(26, f)

#define BLOCKSTM_LANES(LANE) \
    LANE(0, 0) LANE(8, 1) LANE(16, 2) LANE(24, 3) LANE(32, 4) LANE(40, 5) LANE(48, 6) LANE(56, 7) LANE(64, 8) \
    LANE(72, 9) LANE(80, 10) LANE(88, 11) LANE(96, 12) LANE(104, 13) LANE(112, 14) LANE(120, 15) LANE(128, 16) \
    LANE(136, 17) LANE(144, 18) LANE(152, 19) LANE(160, 20) LANE(168, 21) LANE(176, 22) LANE(184, 23) LANE(192, 24)
#define BLOCKSTM_LOAD(place, n) "vmovq " #place "(%[state]), " BLOCKSTM_XMM(n) "\n"
#define BLOCKSTM_STORE(place, n) "vmovq " BLOCKSTM_XMM(n) ", " #place "(%[state])\n"

[[gnu::target("avx512f,avx512vl")]] inline void keccak_in_registers(uint64_t* state) noexcept {
    const uint64_t* constants = KECCAK_ROUND_CONSTANTS;
    __asm__ __volatile__(
        BLOCKSTM_LANES(BLOCKSTM_LOAD)
        "1:\n"
        BLOCKSTM_ROUND(0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)
        BLOCKSTM_ROUND(8, 0, 6, 12, 18, 24, 3, 9, 10, 16, 22, 1, 7, 13, 19, 20, 4, 5, 11, 17, 23, 2, 8, 14, 15, 21)
        BLOCKSTM_ROUND(16, 0, 9, 13, 17, 21, 18, 22, 1, 5, 14, 6, 10, 19, 23, 2, 24, 3, 7, 11, 15, 12, 16, 20, 4, 8)
        BLOCKSTM_ROUND(24, 0, 22, 19, 11, 8, 17, 14, 6, 3, 20, 9, 1, 23, 15, 12, 21, 18, 10, 7, 4, 13, 5, 2, 24, 16)
        BLOCKSTM_RING(1, 14, 13, 4, 16, 17)
        BLOCKSTM_RING(2, 23, 21, 3, 7, 9)
        BLOCKSTM_RING(5, 11, 6, 20, 19, 24)
        BLOCKSTM_RING(8, 18, 10, 22, 12, 15)
        "add $32, %[constants]\n"
        "cmp %[end], %[constants]\n"
        "jne 1b\n"
        BLOCKSTM_LANES(BLOCKSTM_STORE)
        : [constants] "+r"(constants)
        : [state] "r"(state), [end] "r"(KECCAK_ROUND_CONSTANTS + 24)
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
          "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

#undef BLOCKSTM_XMM
#undef BLOCKSTM_MOVE
#undef BLOCKSTM_XOR
#undef BLOCKSTM_XOR2
#undef BLOCKSTM_XOR3
#undef BLOCKSTM_TURN
#undef BLOCKSTM_TURNED
#undef BLOCKSTM_CHI
#undef BLOCKSTM_ROW
#undef BLOCKSTM_ARRIVE_0
#undef BLOCKSTM_ARRIVE_1
#undef BLOCKSTM_ARRIVE_2
#undef BLOCKSTM_ARRIVE_3
#undef BLOCKSTM_ARRIVE_4
#undef BLOCKSTM_ROUND
#undef BLOCKSTM_RING
#undef BLOCKSTM_LANES
#undef BLOCKSTM_LOAD
#undef BLOCKSTM_STORE

}  // namespace blockstm
