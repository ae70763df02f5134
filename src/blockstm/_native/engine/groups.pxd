"""Groups of transactions that are expected to write the same locations, as the workers of a block use them.

A group's members are run one after another, mostly by one worker, whose cache has what they share; different
groups side by side. While the block runs a group *splits* where its members turn out not to read what those
before them wrote: then no member waits for the one before it. Two groups *merge* where a member of one meets
a write of the other: from then on its members wait for those of the other, too. Any worker may split or
merge: both are single words that decide when a transaction is run, and nothing else.
"""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.base.atomics cimport Atomic

cdef enum:
    GROUP_TRUST_FIRST = 2
    GROUP_TRUST_FULL = 4
    NOT_MERGED = -1
    NEVER_MERGED = -2     # it was, and that proved wrong
    MEMBERS_NEAR = 4      # before a member, among which one should have written what it reads

cdef struct Groups:
    bint is_used
    const int32_t* group         # of each transaction
    const int32_t* place         # of each transaction in its group
    const int32_t* first         # of each group, the start of its members; one more for the end
    const int32_t* member        # ascending within a group
    Atomic[int32_t]* trust       # of each group; 0: it is split
    Atomic[int32_t]* merged      # of each group: another, or `NOT_MERGED`, `NEVER_MERGED`
    int64_t count                # of groups
    Atomic[int64_t] splits
    Atomic[int64_t] merges
    Atomic[int64_t] followed     # members that were run by the worker that ran the one before them, right after it


cdef inline int32_t member_before(const Groups* groups, int64_t index) noexcept nogil:
    """The member of its group before a transaction, or -1."""
    cdef int32_t place = groups.place[index]
    return groups.member[groups.first[groups.group[index]] + place - 1] if place else -1


cdef inline int32_t member_after(const Groups* groups, int64_t index) noexcept nogil:
    """The member of its group after a transaction, or -1."""
    cdef int32_t group = groups.group[index]
    cdef int32_t place = groups.first[group] + groups.place[index] + 1
    return groups.member[place] if place < groups.first[group + 1] else -1


cdef inline int32_t last_member_below(const Groups* groups, int32_t group, int64_t index) noexcept nogil:
    """The highest member of a group below a transaction, or -1."""
    cdef int32_t low = groups.first[group], high = groups.first[group + 1], middle
    while low < high:
        middle = (low + high) // 2
        if groups.member[middle] < index:
            low = middle + 1
        else:
            high = middle
    return groups.member[low - 1] if low > groups.first[group] else -1


cdef inline int32_t awaited_member(const Groups* groups, int64_t index) noexcept nogil:
    """The member of its group that a transaction waits for, or -1."""
    return member_before(groups, index) if groups.trust[groups.group[index]].peek() > 0 else -1


cdef inline int32_t awaited_of_merged(const Groups* groups, int64_t index) noexcept nogil:
    """The member of the group that its own was merged with that a transaction waits for, or -1."""
    cdef int32_t other = groups.merged[groups.group[index]].peek()
    return last_member_below(groups, other, index) if other >= 0 else -1


cdef inline void merge_groups(Groups* groups, int64_t index, int64_t writer) noexcept nogil:
    """A transaction has met a write of another group's."""
    cdef int32_t group = groups.group[index], other = groups.group[writer], not_yet = NOT_MERGED
    if group != other and groups.merged[group].adjust(not_yet, other):
        groups.merges.count_up(1)


cdef inline void learn_merged(Groups* groups, int64_t index, bint was_right) noexcept nogil:
    """A member of a merged group has run, and read what the other group wrote, or it has not."""
    if not was_right:
        groups.merged[groups.group[index]].suggest(NEVER_MERGED)


cdef inline bint learn_group(Groups* groups, int64_t index, bint was_right) noexcept nogil:
    """A member has run, and read what one shortly before it wrote, or it has not. False: the group splits here."""
    cdef Atomic[int32_t]* trust = &groups.trust[groups.group[index]]
    cdef int32_t seen = trust.peek()
    if seen <= 0:
        return True
    if was_right:
        if seen < GROUP_TRUST_FULL:
            trust.adjust(seen, seen + 1)
        return True
    if not trust.adjust(seen, seen - 1) or seen > 1:
        return True
    groups.splits.count_up(1)
    return False
