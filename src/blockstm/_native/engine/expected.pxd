"""What is expected of a block's transactions, as its workers use it; see expectations.pxd.

The counts are for the report.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic

cdef enum:
    TRUST_FIRST = 4
    TRUST_FULL = 8

cdef struct Expected:
    int64_t count                  # transactions of which something is expected: those before this index
    const uint32_t* first          # of each transaction, its first dependency; one more for the end
    const int32_t* dependency      # from the highest down
    const int32_t* long_index      # long transactions, the longest first
    int64_t long_count
    Atomic[int32_t]* held          # by transaction: 1 where it was held and has not run since
    uint64_t padding_before[8]
    Atomic[int32_t] trust          # up where a transaction read what a dependency wrote; at 0 none is held
    Atomic[int32_t] trust_in_long  # 0: a long transaction that was begun early was wrong
    Atomic[int64_t] holds
    Atomic[int64_t] right
    Atomic[int64_t] wrong
    Atomic[int64_t] early
    Atomic[int64_t] early_wrong
    uint64_t padding_after[8]


cdef inline bint expects_nothing_of(const Expected* expected, int64_t index) noexcept nogil:
    """Whether a transaction is not to be held for others."""
    return (index >= expected.count or expected.first[index] == expected.first[index + 1]
            or expected.trust.peek() <= 0)


cdef inline bint learn_trust(Expected* expected, bint was_right) noexcept nogil:
    """A transaction has run and read what a dependency wrote, or it has not. False: that ends the trust."""
    cdef int32_t trust = expected.trust.peek()
    if was_right:
        expected.right.count_up(1)
        if trust < TRUST_FULL and trust > 0:
            expected.trust.adjust(trust, trust + 1)
        return True
    expected.wrong.count_up(1)
    return trust <= 0 or not expected.trust.adjust(trust, trust - 1) or trust > 1
