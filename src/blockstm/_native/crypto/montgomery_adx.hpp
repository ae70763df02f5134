// Montgomery's product for x86-64 processors with the instructions MULX, ADCX and ADOX (BMI2 and ADX, of
// 2014 and later): two chains of carries run side by side. Chosen at run time, for the core is compiled for
// any x86-64; prime_field.hpp has the product for the others.
// Pure function; any thread may call it.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace blockstm {

#if defined(__x86_64__)

// Asks the processor itself: __builtin_cpu_supports knows "adx" in GCC from 11 and Clang from 15 on.
inline const bool HAS_ADX = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_BMI2) != 0 && (ebx & bit_ADX) != 0;
}();

// One line: sum += RDX * limb, low half by one chain of carries, high half by the other.
#define BLOCKSTM_TERM(limb, low_to, high_to)   \
    "mulxq " limb ", %[low], %[high]\n\t"      \
    "adcxq %[low], " low_to "\n\t"             \
    "adoxq %[high], " high_to "\n\t"

// The sum's six limbs t0..t5 += RDX * (four limbs at `at`); t5 is what was carried beyond t4.
#define BLOCKSTM_ROW(at, t0, t1, t2, t3, t4, t5) \
    BLOCKSTM_TERM("0(%[" at "])", t0, t1)        \
    BLOCKSTM_TERM("8(%[" at "])", t1, t2)        \
    BLOCKSTM_TERM("16(%[" at "])", t2, t3)       \
    BLOCKSTM_TERM("24(%[" at "])", t3, t4)       \
    "movl $0, %k[low]\n\t"                       \
    "adcxq %[low], " t4 "\n\t"                   \
    "adoxq %[low], " t5 "\n\t"                   \
    "adcxq %[low], " t5 "\n\t"

// Adds a row of the product, then the multiple of the modulus that clears t0; t1 is the lowest limb next.
#define BLOCKSTM_ROUND(offset, t0, t1, t2, t3, t4, t5) \
    "movq " offset "(%[right]), %%rdx\n\t"             \
    "xorl %k[" t5 "], %k[" t5 "]\n\t"                  \
    BLOCKSTM_ROW("left", "%[" t0 "]", "%[" t1 "]", "%[" t2 "]", "%[" t3 "]", "%[" t4 "]", "%[" t5 "]") \
    "movq %[" t0 "], %%rdx\n\t"                        \
    "imulq %[factor], %%rdx\n\t"                       \
    "xorl %k[low], %k[low]\n\t"                        \
    BLOCKSTM_ROW("modulus", "%[" t0 "]", "%[" t1 "]", "%[" t2 "]", "%[" t3 "]", "%[" t4 "]", "%[" t5 "]")

// left * right / 2 ** 256 before the last reduction: four limbs in `out`, the fifth is returned. `factor`
// is -1 / modulus modulo 2 ** 64.
[[gnu::always_inline]] inline uint64_t montgomery_adx(const uint64_t (&left)[4], const uint64_t (&right)[4],
                                                      const uint64_t (&modulus)[4], uint64_t factor,
                                                      uint64_t (&out)[4]) noexcept {
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f, low, high;
    asm(BLOCKSTM_ROUND("0", "a", "b", "c", "d", "e", "f")
        BLOCKSTM_ROUND("8", "b", "c", "d", "e", "f", "a")
        BLOCKSTM_ROUND("16", "c", "d", "e", "f", "a", "b")
        BLOCKSTM_ROUND("24", "d", "e", "f", "a", "b", "c")
        : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d), [e] "+&r"(e), [f] "=&r"(f),
          [low] "=&r"(low), [high] "=&r"(high)
        : [left] "r"(left), [right] "r"(right), [modulus] "r"(modulus), [factor] "m"(factor),
          "m"(left), "m"(right), "m"(modulus)
        : "rdx", "cc");
    out[0] = e;
    out[1] = f;
    out[2] = a;
    out[3] = b;
    return c;
}

#undef BLOCKSTM_TERM
#undef BLOCKSTM_ROW
#undef BLOCKSTM_ROUND

#endif

}  // namespace blockstm
