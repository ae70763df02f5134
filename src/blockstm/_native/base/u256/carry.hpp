// Arithmetic of 64-bit limbs, below everything that has more of them. Sums of several limbs pass the carry
// in the processor's flag: written for x86-64 by hand because gcc 12 has no other way to it. 128-bit
// arithmetic turns the carry into a number and back, and the `_addcarry_u64` intrinsics store each limb to
// memory whenever a call is near.
// Pure functions; any thread may call them. Limbs lie least significant first.
#pragma once

#include <cstdint>
#include <type_traits>

namespace blockstm {

using u128 = unsigned __int128;

[[gnu::always_inline]] inline constexpr uint64_t low_half(u128 wide) noexcept {
    return static_cast<uint64_t>(wide);
}
[[gnu::always_inline]] inline constexpr uint64_t high_half(u128 wide) noexcept {
    return static_cast<uint64_t>(wide >> 64);
}
[[gnu::always_inline]] inline constexpr u128 join(uint64_t high, uint64_t low) noexcept {
    return static_cast<u128>(high) << 64 | low;
}
[[gnu::always_inline]] inline constexpr u128 multiply(uint64_t left, uint64_t right) noexcept {
    return static_cast<u128>(left) * right;
}

// sum = left + right + carry, one limb; the carry that leaves.
[[gnu::always_inline]] inline constexpr bool add_limb(uint64_t left, uint64_t right, bool carry,
                                                      uint64_t& sum) noexcept {
    const u128 wide = static_cast<u128>(left) + right + carry;
    sum = low_half(wide);
    return high_half(wide) != 0;
}

// difference = left - right - borrow, one limb; the borrow that leaves.
[[gnu::always_inline]] inline constexpr bool subtract_limb(uint64_t left, uint64_t right, bool borrow,
                                                           uint64_t& difference) noexcept {
    const u128 wide = static_cast<u128>(left) - right - borrow;
    difference = low_half(wide);
    return high_half(wide) != 0;
}

// sum = left + right; whether a carry leaves.
[[gnu::always_inline]] inline constexpr bool add_four(const uint64_t (&left)[4], const uint64_t (&right)[4],
                                                      uint64_t (&sum)[4]) noexcept {
    bool carry = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t r0 = left[0], r1 = left[1], r2 = left[2], r3 = left[3];
        asm("addq %5, %0\n\tadcq %6, %1\n\tadcq %7, %2\n\tadcq %8, %3"
            : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3), "=@ccc"(carry)
            : "rme"(right[0]), "rme"(right[1]), "rme"(right[2]), "rme"(right[3]));
        sum[0] = r0, sum[1] = r1, sum[2] = r2, sum[3] = r3;
        return carry;
    }
#endif
    for (int place = 0; place < 4; ++place) carry = add_limb(left[place], right[place], carry, sum[place]);
    return carry;
}

// difference = left - right; whether a borrow leaves: whether left < right.
[[gnu::always_inline]] inline constexpr bool subtract_four(const uint64_t (&left)[4],
                                                           const uint64_t (&right)[4],
                                                           uint64_t (&difference)[4]) noexcept {
    bool borrow = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t r0 = left[0], r1 = left[1], r2 = left[2], r3 = left[3];
        asm("subq %5, %0\n\tsbbq %6, %1\n\tsbbq %7, %2\n\tsbbq %8, %3"
            : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3), "=@ccc"(borrow)
            : "rme"(right[0]), "rme"(right[1]), "rme"(right[2]), "rme"(right[3]));
        difference[0] = r0, difference[1] = r1, difference[2] = r2, difference[3] = r3;
        return borrow;
    }
#endif
    for (int place = 0; place < 4; ++place) {
        borrow = subtract_limb(left[place], right[place], borrow, difference[place]);
    }
    return borrow;
}

// Whether left < right; the difference is not kept.
[[gnu::always_inline]] inline constexpr bool less_four(const uint64_t (&left)[4],
                                                       const uint64_t (&right)[4]) noexcept {
    bool borrow = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        uint64_t rest = left[1];
        asm("cmpq %[b0], %[a0]\n\tsbbq %[b1], %[rest]\n\tmovq %[a2], %[rest]\n\tsbbq %[b2], %[rest]\n\t"
            "movq %[a3], %[rest]\n\tsbbq %[b3], %[rest]"
            : [rest] "+&r"(rest), "=@ccc"(borrow)
            : [a0] "r"(left[0]), [a2] "rme"(left[2]), [a3] "rme"(left[3]), [b0] "rme"(right[0]),
              [b1] "rme"(right[1]), [b2] "rme"(right[2]), [b3] "rme"(right[3]));
        return borrow;
    }
#endif
    uint64_t unused = 0;
    for (int place = 0; place < 4; ++place) borrow = subtract_limb(left[place], right[place], borrow, unused);
    return borrow;
}

// r2:r1:r0 += addend; what overflows r2 is lost.
[[gnu::always_inline]] inline constexpr void add_wide(uint64_t& r0, uint64_t& r1, uint64_t& r2,
                                                      u128 addend) noexcept {
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        asm("addq %3, %0\n\tadcq %4, %1\n\tadcq $0, %2"
            : "+&r"(r0), "+&r"(r1), "+&r"(r2)
            : "rme"(low_half(addend)), "rme"(high_half(addend))
            : "cc");
        return;
    }
#endif
    bool carry = add_limb(r0, low_half(addend), false, r0);
    carry = add_limb(r1, high_half(addend), carry, r1);
    r2 += carry;
}

// r2:r1:r0 -= subtrahend; whether a borrow leaves r2.
[[gnu::always_inline]] inline constexpr bool subtract_wide(uint64_t& r0, uint64_t& r1, uint64_t& r2,
                                                           u128 subtrahend) noexcept {
    bool borrow = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        asm("subq %4, %0\n\tsbbq %5, %1\n\tsbbq $0, %2"
            : "+&r"(r0), "+&r"(r1), "+&r"(r2), "=@ccc"(borrow)
            : "rme"(low_half(subtrahend)), "rme"(high_half(subtrahend)));
        return borrow;
    }
#endif
    borrow = subtract_limb(r0, low_half(subtrahend), false, r0);
    borrow = subtract_limb(r1, high_half(subtrahend), borrow, r1);
    return subtract_limb(r2, 0, borrow, r2);
}

// r3:r2:r1:r0 -= subtrahend; whether a borrow leaves r3.
[[gnu::always_inline]] inline constexpr bool subtract_wide(uint64_t& r0, uint64_t& r1, uint64_t& r2,
                                                           uint64_t& r3, u128 subtrahend) noexcept {
    bool borrow = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        asm("subq %5, %0\n\tsbbq %6, %1\n\tsbbq $0, %2\n\tsbbq $0, %3"
            : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3), "=@ccc"(borrow)
            : "rme"(low_half(subtrahend)), "rme"(high_half(subtrahend)));
        return borrow;
    }
#endif
    borrow = subtract_wide(r0, r1, r2, subtrahend);
    return subtract_limb(r3, 0, borrow, r3);
}

// high:low += addend, and minus; whether a carry or a borrow leaves.
[[gnu::always_inline]] inline constexpr bool add_pair(uint64_t& high, uint64_t& low, uint64_t addend_high,
                                                      uint64_t addend_low) noexcept {
    bool carry = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        asm("addq %3, %0\n\tadcq %4, %1"
            : "+&r"(low), "+&r"(high), "=@ccc"(carry)
            : "rme"(addend_low), "rme"(addend_high));
        return carry;
    }
#endif
    carry = add_limb(low, addend_low, false, low);
    return add_limb(high, addend_high, carry, high);
}

[[gnu::always_inline]] inline constexpr bool subtract_pair(uint64_t& high, uint64_t& low, uint64_t other_high,
                                                           uint64_t other_low) noexcept {
    bool borrow = false;
#if defined(__x86_64__)
    if (!std::is_constant_evaluated()) {
        asm("subq %3, %0\n\tsbbq %4, %1"
            : "+&r"(low), "+&r"(high), "=@ccc"(borrow)
            : "rme"(other_low), "rme"(other_high));
        return borrow;
    }
#endif
    borrow = subtract_limb(low, other_low, false, low);
    return subtract_limb(high, other_high, borrow, high);
}

}  // namespace blockstm
