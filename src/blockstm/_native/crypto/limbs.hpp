// 256 bits as four machine words, the lowest first: sums, differences, one reduction by a modulus. By hand
// on x86-64, for gcc turns carries in 128-bit numbers into many moves, and copies limbs by vector registers
// that wait for what was just stored. Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <type_traits>

namespace blockstm {

struct Limbs {
    uint64_t limb[4];

    friend constexpr bool operator==(const Limbs&, const Limbs&) noexcept = default;
};

constexpr bool is_zero(const Limbs& value) noexcept {
    return (value.limb[0] | value.limb[1] | value.limb[2] | value.limb[3]) == 0;
}

constexpr bool is_below(const Limbs& left, const Limbs& right) noexcept {
    for (int place = 3; place > 0; --place) {
        if (left.limb[place] != right.limb[place]) return left.limb[place] < right.limb[place];
    }
    return left.limb[0] < right.limb[0];
}

constexpr bool bit(const Limbs& value, int place) noexcept {
    return value.limb[place / 64] >> (place % 64) & 1;
}

constexpr Limbs from_bytes(const uint8_t bytes[32]) noexcept {
    Limbs value{};
    for (int place = 0; place < 32; ++place) {
        value.limb[3 - place / 8] = value.limb[3 - place / 8] << 8 | bytes[place];
    }
    return value;
}

constexpr void to_bytes(const Limbs& value, uint8_t bytes[32]) noexcept {
    for (int place = 0; place < 32; ++place) {
        bytes[place] = static_cast<uint8_t>(value.limb[3 - place / 8] >> (56 - place % 8 * 8));
    }
}

// Both return what left the 256 bits: the carry or the borrow.
constexpr uint64_t add(Limbs& value, const Limbs& other) noexcept {
    unsigned __int128 sum = 0;
    for (int place = 0; place < 4; ++place) {
        sum += static_cast<unsigned __int128>(value.limb[place]) + other.limb[place];
        value.limb[place] = static_cast<uint64_t>(sum);
        sum >>= 64;
    }
    return static_cast<uint64_t>(sum);
}

constexpr uint64_t subtract(Limbs& value, const Limbs& other) noexcept {
    uint64_t borrow = 0;
    for (int place = 0; place < 4; ++place) {
        const auto wide = static_cast<unsigned __int128>(value.limb[place]) - other.limb[place] - borrow;
        value.limb[place] = static_cast<uint64_t>(wide);
        borrow = static_cast<uint64_t>(wide >> 64) & 1;
    }
    return borrow;
}

// The three that follow are arithmetic modulo `modulus`, of numbers below it.

// What is below twice the modulus, with a fifth limb `top`, made below the modulus.
[[gnu::always_inline]] constexpr void reduce_once(Limbs& value, uint64_t top, const Limbs& modulus) noexcept {
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t a = value.limb[0], b = value.limb[1], c = value.limb[2], d = value.limb[3];
        uint64_t reduced_a = a, reduced_b = b, reduced_c = c, reduced_d = d;
        asm("subq %[m0], %[ra]\n\tsbbq %[m1], %[rb]\n\tsbbq %[m2], %[rc]\n\tsbbq %[m3], %[rd]\n\t"
            "sbbq $0, %[top]\n\t"
            "cmovncq %[ra], %[a]\n\tcmovncq %[rb], %[b]\n\tcmovncq %[rc], %[c]\n\tcmovncq %[rd], %[d]"
            : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d), [ra] "+&r"(reduced_a),
              [rb] "+&r"(reduced_b), [rc] "+&r"(reduced_c), [rd] "+&r"(reduced_d), [top] "+&r"(top)
            : [m0] "m"(modulus.limb[0]), [m1] "m"(modulus.limb[1]), [m2] "m"(modulus.limb[2]),
              [m3] "m"(modulus.limb[3])
            : "cc");
        value.limb[0] = a, value.limb[1] = b, value.limb[2] = c, value.limb[3] = d;
        return;
    }
#endif
    Limbs reduced = value;
    if (top >= subtract(reduced, modulus)) value = reduced;
}

[[gnu::always_inline]] constexpr Limbs add_modulo(const Limbs& left, const Limbs& right,
                                                  const Limbs& modulus) noexcept {
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t a = left.limb[0], b = left.limb[1], c = left.limb[2], d = left.limb[3], top = 0;
        asm("addq %[r0], %[a]\n\tadcq %[r1], %[b]\n\tadcq %[r2], %[c]\n\tadcq %[r3], %[d]\n\t"
            "adcq $0, %[top]"
            : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d), [top] "+&r"(top)
            : [r0] "m"(right.limb[0]), [r1] "m"(right.limb[1]), [r2] "m"(right.limb[2]),
              [r3] "m"(right.limb[3])
            : "cc");
        Limbs sum{{a, b, c, d}};
        reduce_once(sum, top, modulus);
        return sum;
    }
#endif
    Limbs sum = left;
    const uint64_t top = add(sum, right);
    reduce_once(sum, top, modulus);
    return sum;
}

[[gnu::always_inline]] constexpr Limbs subtract_modulo(const Limbs& left, const Limbs& right,
                                                       const Limbs& modulus) noexcept {
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t a = left.limb[0], b = left.limb[1], c = left.limb[2], d = left.limb[3];
        uint64_t m0, m1, m2, m3;
        asm("subq %[r0], %[a]\n\tsbbq %[r1], %[b]\n\tsbbq %[r2], %[c]\n\tsbbq %[r3], %[d]\n\t"
            "sbbq %[m0], %[m0]\n\t"
            "movq %[m0], %[m1]\n\tmovq %[m0], %[m2]\n\tmovq %[m0], %[m3]\n\t"
            "andq %[n0], %[m0]\n\tandq %[n1], %[m1]\n\tandq %[n2], %[m2]\n\tandq %[n3], %[m3]\n\t"
            "addq %[m0], %[a]\n\tadcq %[m1], %[b]\n\tadcq %[m2], %[c]\n\tadcq %[m3], %[d]"
            : [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d), [m0] "=&r"(m0), [m1] "=&r"(m1),
              [m2] "=&r"(m2), [m3] "=&r"(m3)
            : [r0] "m"(right.limb[0]), [r1] "m"(right.limb[1]), [r2] "m"(right.limb[2]),
              [r3] "m"(right.limb[3]), [n0] "m"(modulus.limb[0]), [n1] "m"(modulus.limb[1]),
              [n2] "m"(modulus.limb[2]), [n3] "m"(modulus.limb[3])
            : "cc");
        return {{a, b, c, d}};
    }
#endif
    Limbs difference = left;
    if (subtract(difference, right)) add(difference, modulus);
    return difference;
}

}  // namespace blockstm
