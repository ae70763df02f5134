// Products in the field of secp256k1 by the instructions MULX, ADCX and ADOX: two chains of carries run side
// by side. For processors that have them (`HAS_ADX`); field.hpp has the products for the others. Pure.
#pragma once

#include <cstdint>

namespace blockstm::secp256k1 {

inline constexpr uint64_t FOLD_256 = 0x1000003D1;  // 2 ** 256 modulo p

#if defined(__x86_64__)

// sum += RDX * limb, the low half by one chain of carries, the high half by the other.
#define BLOCKSTM_TERM(limb, low_to, high_to) \
    "mulxq " limb ", %[low], %[high]\n\t"    \
    "adcxq %[low], %[" low_to "]\n\t"        \
    "adoxq %[high], %[" high_to "]\n\t"

// s0..s4 += the limb of a at `offset` times b; s4 is new.
#define BLOCKSTM_ROW(offset, s0, s1, s2, s3, s4)                                              \
    "movq " offset "(%[a]), %%rdx\n\txorl %k[zero], %k[zero]\n\tmovl $0, %k[" s4 "]\n\t"      \
    BLOCKSTM_TERM("0(%[b])", s0, s1)                                                          \
    BLOCKSTM_TERM("8(%[b])", s1, s2)                                                          \
    BLOCKSTM_TERM("16(%[b])", s2, s3)                                                         \
    BLOCKSTM_TERM("24(%[b])", s3, s4)                                                         \
    "adcxq %[zero], %[" s4 "]\n\t"

// Twice s0 and s1 as they are, plus the square of the limb of a at `offset`; carries go on from before.
#define BLOCKSTM_SQUARE(offset, s0, s1)                                \
    "movq " offset "(%[a]), %%rdx\n\tmulxq %%rdx, %[low], %[high]\n\t" \
    "adcxq %[" s0 "], %[" s0 "]\n\tadoxq %[low], %[" s0 "]\n\t"         \
    "adcxq %[" s1 "], %[" s1 "]\n\tadoxq %[high], %[" s1 "]\n\t"

// The upper four limbs, times FOLD_256, onto the lower; then the same with the limb that is above those. What
// is above then ends in `zero`.
#define BLOCKSTM_FOLD                                                                        \
    "movabsq %[fold], %%rdx\n\txorl %k[zero], %k[zero]\n\t"                                  \
    BLOCKSTM_TERM("%[r4]", "r0", "r1")                                                       \
    BLOCKSTM_TERM("%[r5]", "r1", "r2")                                                       \
    BLOCKSTM_TERM("%[r6]", "r2", "r3")                                                       \
    "movl $0, %k[r4]\n\t"                                                                    \
    BLOCKSTM_TERM("%[r7]", "r3", "r4")                                                       \
    "adcxq %[zero], %[r4]\n\tmulxq %[r4], %[low], %[high]\n\t"                               \
    "addq %[low], %[r0]\n\tadcq %[high], %[r1]\n\tadcq $0, %[r2]\n\tadcq $0, %[r3]\n\t"      \
    "adcq $0, %[zero]"

#define BLOCKSTM_RESULTS                                                                                  \
    [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "=&r"(r3), [r4] "=&r"(r4), [r5] "=&r"(r5),       \
        [r6] "=&r"(r6), [r7] "=&r"(r7), [low] "=&r"(low), [high] "=&r"(high), [zero] "=&r"(zero)

// a * b modulo p, before the last reduction: four limbs in `out`, the fifth is returned.
[[gnu::always_inline]] inline uint64_t multiply_adx(const uint64_t (&a)[4], const uint64_t (&b)[4],
                                                    uint64_t (&out)[4]) noexcept {
    uint64_t r0, r1, r2, r3, r4, r5, r6, r7, low, high, zero;
    asm("movq 0(%[a]), %%rdx\n\t"
        "mulxq 0(%[b]), %[r0], %[r1]\n\t"
        "mulxq 8(%[b]), %[low], %[r2]\n\taddq %[low], %[r1]\n\t"
        "mulxq 16(%[b]), %[low], %[r3]\n\tadcq %[low], %[r2]\n\t"
        "mulxq 24(%[b]), %[low], %[r4]\n\tadcq %[low], %[r3]\n\tadcq $0, %[r4]\n\t"
        BLOCKSTM_ROW("8", "r1", "r2", "r3", "r4", "r5")
        BLOCKSTM_ROW("16", "r2", "r3", "r4", "r5", "r6")
        BLOCKSTM_ROW("24", "r3", "r4", "r5", "r6", "r7")
        BLOCKSTM_FOLD
        : BLOCKSTM_RESULTS
        : [a] "r"(a), [b] "r"(b), [fold] "i"(FOLD_256), "m"(a), "m"(b)
        : "rdx", "cc");
    out[0] = r0, out[1] = r1, out[2] = r2, out[3] = r3;
    return zero;
}

// The same of a * a: products of two different limbs are computed once. Those of the first two limbs are
// below 2 ** 384, so nothing is carried out of r5 before the third's.
[[gnu::always_inline]] inline uint64_t square_adx(const uint64_t (&a)[4], uint64_t (&out)[4]) noexcept {
    uint64_t r0, r1, r2, r3, r4, r5, r6, r7, low, high, zero;
    asm("movq 0(%[a]), %%rdx\n\t"
        "mulxq 8(%[a]), %[r1], %[r2]\n\t"
        "mulxq 16(%[a]), %[low], %[r3]\n\taddq %[low], %[r2]\n\t"
        "mulxq 24(%[a]), %[low], %[r4]\n\tadcq %[low], %[r3]\n\tadcq $0, %[r4]\n\t"
        "movq 8(%[a]), %%rdx\n\t"
        "mulxq 16(%[a]), %[low], %[high]\n\taddq %[low], %[r3]\n\tadcq %[high], %[r4]\n\t"
        "movl $0, %k[r5]\n\tadcq $0, %[r5]\n\t"
        "mulxq 24(%[a]), %[low], %[high]\n\taddq %[low], %[r4]\n\tadcq %[high], %[r5]\n\t"
        "movq 16(%[a]), %%rdx\n\t"
        "mulxq 24(%[a]), %[low], %[r6]\n\taddq %[low], %[r5]\n\tadcq $0, %[r6]\n\t"
        "xorl %k[r7], %k[r7]\n\t"
        "movq 0(%[a]), %%rdx\n\tmulxq %%rdx, %[r0], %[high]\n\t"
        "adcxq %[r1], %[r1]\n\tadoxq %[high], %[r1]\n\t"
        BLOCKSTM_SQUARE("8", "r2", "r3")
        BLOCKSTM_SQUARE("16", "r4", "r5")
        BLOCKSTM_SQUARE("24", "r6", "r7")
        BLOCKSTM_FOLD
        : BLOCKSTM_RESULTS
        : [a] "r"(a), [fold] "i"(FOLD_256), "m"(a)
        : "rdx", "cc");
    out[0] = r0, out[1] = r1, out[2] = r2, out[3] = r3;
    return zero;
}

#undef BLOCKSTM_TERM
#undef BLOCKSTM_ROW
#undef BLOCKSTM_SQUARE
#undef BLOCKSTM_FOLD
#undef BLOCKSTM_RESULTS

#endif

}  // namespace blockstm::secp256k1
