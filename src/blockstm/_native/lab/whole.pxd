"""Signed sums and comparisons of numbers for the plain loop, apart from those of the engine.

The baseline shares no arithmetic with the engine that it is compared with, so that a mistake shows.
"""
from libc.stdint cimport int64_t, uint64_t

from blockstm._native.abi cimport blockstm_number

cdef extern from *:
    bint add_int64 "__builtin_add_overflow"(
        int64_t left, int64_t right, int64_t* total
    ) noexcept nogil
    bint add_word "__builtin_add_overflow"(
        uint64_t left, uint64_t right, uint64_t* total
    ) noexcept nogil
    bint sub_word "__builtin_sub_overflow"(
        uint64_t left, uint64_t right, uint64_t* difference
    ) noexcept nogil


cdef inline int compare_limbs(
    const blockstm_number* left, const blockstm_number* right
) noexcept nogil:
    """The sign of |left| - |right|."""
    cdef int limb
    for limb in range(3, -1, -1):
        if left.limb[limb] != right.limb[limb]:
            return 1 if left.limb[limb] > right.limb[limb] else -1
    return 0


cdef inline int compare_signed(
    const blockstm_number* left, const blockstm_number* right
) noexcept nogil:
    """The sign of left - right; a zero has no sign."""
    if (left.negative != 0) != (right.negative != 0):
        return -1 if left.negative else 1
    return compare_limbs(right, left) if left.negative else compare_limbs(left, right)


cdef inline bint add_limbs(
    const blockstm_number* left, const blockstm_number* right, blockstm_number* total
) noexcept nogil:
    """|total| = |left| + |right|; true where that takes more than 256 bits."""
    cdef uint64_t carry = 0
    cdef bint first, second
    cdef int limb
    for limb in range(4):
        first = add_word(left.limb[limb], right.limb[limb], &total.limb[limb])
        second = add_word(total.limb[limb], carry, &total.limb[limb])
        carry = first or second
    return carry != 0


cdef inline void sub_limbs(
    const blockstm_number* left, const blockstm_number* right, blockstm_number* total
) noexcept nogil:
    """|total| = |left| - |right|, of which the left one is not the smaller."""
    cdef uint64_t borrow = 0
    cdef bint first, second
    cdef int limb
    for limb in range(4):
        first = sub_word(left.limb[limb], right.limb[limb], &total.limb[limb])
        second = sub_word(total.limb[limb], borrow, &total.limb[limb])
        borrow = first or second


cdef inline bint add_signed(
    const blockstm_number* left, const blockstm_number* right, blockstm_number* total
) noexcept nogil:
    """total = left + right; true where its magnitude takes more than 256 bits."""
    cdef int order
    if (left.negative != 0) == (right.negative != 0):
        total.negative = left.negative
        return add_limbs(left, right, total)
    order = compare_limbs(left, right)
    if order >= 0:
        sub_limbs(left, right, total)
        total.negative = left.negative if order else 0
    else:
        sub_limbs(right, left, total)
        total.negative = right.negative
    return False
