"""What is expected of a block's transactions before it runs: on which others they depend, which are long.

Expectations decide when work is done, never what is right: a transaction of which too much was expected
is claimed a little later, and every run is validated as without them. They are below the scheduler and
know indices only. `Expectations` is made by a caller and read by any number of blocks; `ExpectedInBlock`
is its use in one block, where the workers learn how far to trust it.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libcpp.vector cimport vector

from blockstm._native.engine.expected cimport Expected, Schedule

cdef extern from "engine/expected_groups.hpp" namespace "blockstm" nogil:
    cppclass ExpectedGroups:
        vector[int32_t] group
        vector[int32_t] place
        vector[int32_t] first
        vector[int32_t] member

cdef enum:
    DEPENDENCIES_MAX = 8   # of one transaction: the highest, which are most likely executed last
    LONG_SHARE = 16        # a transaction with this part of the block's weight is long ...
    LONG_SHARE_OF_LISTED = 64  # ... or this, where what it reads is listed: then it is not begun in vain


# Immutable once it is made.
cdef class Expectations:
    cdef readonly int64_t count
    cdef readonly int64_t ignored
    cdef vector[uint32_t] first
    cdef vector[int32_t] dependency
    cdef vector[int32_t] long_index
    cdef bint has_long             # one has `LONG_SHARE`
    cdef vector[int32_t] root      # of the set of each transaction, while the groups are made
    cdef ExpectedGroups grouped


cdef class ExpectedInBlock:
    cdef Expected expected
    cdef Expectations expectations
    cdef Schedule schedule

    cdef int use_groups(self) except -1
    cdef void hold_none(self) noexcept
    cdef dict report(self)


# None: nothing is expected.
cdef ExpectedInBlock expected_in(Expectations expectations, int64_t count, Schedule schedule)
cdef Expected* members_of(ExpectedInBlock expected) noexcept
# ``more``: members of the report that others know.
cdef object report_on(ExpectedInBlock expected, dict more)
