"""What is expected of a block's transactions, as its workers use it; see expectations.pxd.

The counts are for the report.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.groups cimport Groups, member_before

# How what is expected is used; see `blockstm.hints.schedules`.
cdef enum Schedule:
    OPTIMISTIC = 0   # not at all
    DECLARED = 1     # transactions wait for those that they depend on
    GROUPED = 2      # and for those of their group
    LISTED = 3       # all reads are known: nothing is validated again before its turn while that proves right

cdef enum:
    TRUST_FIRST = 4
    TRUST_FULL = 8
    HOLDS_FIRST = 16      # transactions that may be held before one was found to have been held rightly ...
    HOLDS_PER_RIGHT = 8   # ... and how many more for each that was: it may be held once for each dependency
    EARLY_FIRST = 1       # long transactions that may be begun early before one proved right ...
    EARLY_PER_RIGHT = 2   # ... and how many more for each that did
    TAKEN_FIRST = 2       # held transactions that workers without work may run, before one proved right ...
    TAKEN_PER_RIGHT = 2   # ... and how many more for each that did

cdef struct Expected:
    int64_t count                  # transactions of which something is expected: those before this index
    const uint32_t* first          # of each transaction, its first dependency; one more for the end
    const int32_t* dependency      # from the highest down
    const int32_t* long_index      # long transactions, the longest first
    int64_t long_count
    bint has_long                  # one of them is long in any block
    Groups groups
    bint lists_reads               # the schedule is `LISTED`
    Atomic[int32_t]* held          # by transaction: 1 where it was held and has not run since
    uint64_t padding_before[8]
    Atomic[int32_t] trust          # up where a transaction read what a dependency wrote; at 0 none is held
    Atomic[int32_t] doubted        # 1: the last verdict was that a transaction does not read what was expected
    Atomic[int32_t] early_left     # long transactions that may yet be begun early; 0 once one was wrong
    Atomic[int32_t] taken_left     # held transactions that may yet be run
    Atomic[int64_t] holds
    Atomic[int64_t] right
    Atomic[int64_t] wrong
    Atomic[int64_t] early
    Atomic[int64_t] early_wrong
    Atomic[int64_t] taken
    Atomic[int64_t] taken_right
    Atomic[int64_t] taken_wrong
    uint64_t padding_after[8]


cdef inline bint expects_nothing_of(const Expected* expected, int64_t index) noexcept nogil:
    """Whether a transaction is not to be held for others."""
    if index >= expected.count or expected.trust.peek() <= 0:
        return True
    return (expected.first[index] == expected.first[index + 1]
            and not (expected.groups.is_used and member_before(&expected.groups, index) >= 0))


cdef inline bint reads_are_known(const Expected* expected) noexcept nogil:
    """Whether no transaction need be validated before its turn: it was run after all that it reads from."""
    return expected != NULL and expected.lists_reads and expected.trust.peek() > 0


cdef inline bint take_hold(Expected* expected) noexcept nogil:
    """Count a transaction as held, unless too few have proved right for that: what was not held is run and judged."""
    cdef int64_t holds = expected.holds.peek()
    while holds < HOLDS_FIRST + HOLDS_PER_RIGHT * expected.right.peek():
        if expected.holds.adjust(holds, holds + 1):
            return True
    return False


cdef inline bint take_early(Expected* expected) noexcept nogil:
    """Whether one more long transaction may be begun early; then it is counted."""
    cdef int32_t left = expected.early_left.peek()
    while left > 0:
        if expected.early_left.adjust(left, left - 1):
            return True
    return False


cdef inline void learn_early(Expected* expected, bint was_right) noexcept nogil:
    """A long transaction that was begun early has been validated in its turn."""
    if was_right:
        expected.early_left.count_up(EARLY_PER_RIGHT)
        return
    expected.early_wrong.count_up(1)
    expected.early_left.suggest(0)


cdef inline bint take_held(Expected* expected) noexcept nogil:
    """Whether one more held transaction may be run before what it waits for; then it is counted."""
    cdef int32_t left = expected.taken_left.peek()
    while left > 0:
        if expected.taken_left.adjust(left, left - 1):
            return True
    return False


cdef inline void learn_taken(Expected* expected, bint was_right) noexcept nogil:
    """A held transaction that was run all the same has read what it waited for, as that came late, or it has not."""
    if was_right:
        expected.taken_right.count_up(1)
        expected.taken_left.count_up(TAKEN_PER_RIGHT)
    else:
        expected.taken_wrong.count_up(1)


cdef inline bint learn_trust(Expected* expected, bint was_right) noexcept nogil:
    """A transaction has run and read what a dependency wrote, or it has not. False: that ends the trust."""
    cdef int32_t trust = expected.trust.peek()
    expected.doubted.suggest(not was_right)
    if was_right:
        expected.right.count_up(1)
        if trust < TRUST_FULL and trust > 0:
            expected.trust.adjust(trust, trust + 1)
        return True
    expected.wrong.count_up(1)
    return trust <= 0 or not expected.trust.adjust(trust, trust - 1) or trust > 1
