"""What is expected of a block's transactions; see the ``.pxd``."""
from cpython.buffer cimport PyBUF_CONTIG_RO, PyBUF_FORMAT, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libcpp.vector cimport vector

from itertools import pairwise

from blockstm.errors import InputError
from blockstm.messages import brief
from blockstm.types import HintsReport

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.expected cimport (
    DECLARED, EARLY_FIRST, GROUPED, LISTED, OPTIMISTIC, TAKEN_FIRST, TRUST_FIRST, Expected, Schedule,
)
from blockstm._native.engine.groups cimport GROUP_TRUST_FIRST, NOT_MERGED, Groups

cdef extern from "engine/expected_accesses.hpp" namespace "blockstm" nogil:
    const uint8_t EXPECTED_WRITE

    cppclass ExpectedAccess:
        int64_t location
        int32_t index
        uint8_t kind

    cppclass ExpectedDependency:
        int32_t index
        int32_t writer

    void dependencies_of_accesses(vector[ExpectedAccess]& accesses,
                                  vector[ExpectedDependency]& dependencies) except +
    void sort_dependencies(vector[ExpectedDependency]& dependencies)

cdef extern from "engine/expected_groups.hpp" namespace "blockstm" nogil:
    void join_writers(const vector[ExpectedAccess]& accesses, vector[int32_t]& root) except +
    void join_dependencies(const vector[ExpectedDependency]& dependencies, vector[int32_t]& root) except +
    void number_groups(vector[int32_t]& root, ExpectedGroups& groups) except +

cdef dict SCHEDULES = {OPTIMISTIC: "optimistic", DECLARED: "declared", GROUPED: "grouped", LISTED: "listed"}


cdef class Numbers:
    """The int64 or uint8 numbers of a buffer."""

    cdef Py_buffer buffer
    cdef bint is_held
    cdef int64_t count

    def __cinit__(self, given, int itemsize):
        PyObject_GetBuffer(given, &self.buffer, PyBUF_CONTIG_RO | PyBUF_FORMAT)
        self.is_held = True
        kind = (self.buffer.format or b"B").decode().lstrip("@=<")
        if self.buffer.itemsize != itemsize or kind not in ("q", "l", "B"):
            wanted = "int64" if itemsize == 8 else "uint8"
            raise InputError(f"expected {wanted} numbers, not of the format {brief(kind)}")
        self.count = self.buffer.len // itemsize

    def __dealloc__(self):
        if self.is_held:
            PyBuffer_Release(&self.buffer)


cdef int check_starts(const int64_t* start, int64_t starts, int64_t count, int64_t total) except -1:
    """Refuse starts that do not go from 0 to ``total`` without a step back."""
    cdef int64_t place
    if starts != count + 1 or start[0] != 0 or start[count] != total:
        raise InputError(f"the starts of {count} transactions are {count + 1} numbers from 0 to {total}")
    for place in range(count):
        if start[place] > start[place + 1]:
            raise InputError(f"the starts do not ascend at transaction {place}")
    return 0


cdef class Expectations:
    """What is expected of ``count`` transactions.

    Args:
        offset: the index of the first one in its block.
        dependencies: int64 starts (one more than transactions) and int64 indices of transactions.
        accesses: int64 starts, int64 locations (any numbers), uint8 kinds (0 read, 1 add, 2 write).
        weights: int64, one for each transaction.
        has_values: whether what they write is listed with its values.

    Raises:
        InputError: an array is of another kind or length. What is in it is not believed, so not refused.
    """

    def __cinit__(self, int64_t count, *, int64_t offset=0, dependencies=None, accesses=None, weights=None,
                  bint has_values=False):
        cdef vector[ExpectedDependency] found
        cdef Numbers numbers
        cdef int64_t index
        if count < 0 or offset < 0 or count + offset > INT32_MAX // 2:
            raise InputError(f"there are no blocks of {count + offset} transactions")
        self.count = count + offset
        for index in range(self.count):
            self.root.push_back(<int32_t>index)
        if dependencies is not None:
            starts, indices = dependencies
            add_dependencies(self, Numbers(starts, 8), Numbers(indices, 8), count, offset, found)
            join_dependencies(found, self.root)
        if accesses is not None:
            starts, locations, kinds = accesses
            add_accesses(self, Numbers(starts, 8), Numbers(locations, 8), Numbers(kinds, 1), count, offset, found)
        number_groups(self.root, self.grouped)
        self.root.clear()
        keep_dependencies(self, found)
        if weights is not None:
            numbers = Numbers(weights, 8)
            if numbers.count != count:
                raise InputError(f"{numbers.count} weights of {count} transactions")
            keep_weights(self, <const int64_t*>numbers.buffer.buf, count, offset,
                         LONG_SHARE_OF_LISTED if has_values else LONG_SHARE)

    def dependencies(self):
        """The dependencies that are kept, of each transaction from the highest down."""
        return [tuple([self.dependency[place] for place in range(self.first[index], self.first[index + 1])])
                for index in range(self.count)]

    def groups(self):
        """The groups of two transactions or more, each ascending."""
        members = [self.grouped.member[place] for place in range(self.grouped.member.size())]
        starts = [self.grouped.first[group] for group in range(self.grouped.first.size())]
        groups = [tuple(members[start:end]) for start, end in pairwise(starts)]
        return [each for each in groups if len(each) > 1]

    def long_transactions(self):
        """Those that are begun early."""
        return tuple([self.long_index[place] for place in range(self.long_index.size())])


cdef int add_dependencies(Expectations expectations, Numbers starts, Numbers indices, int64_t count,
                          int64_t offset, vector[ExpectedDependency]& found) except -1:
    cdef const int64_t* start = <const int64_t*>starts.buffer.buf
    cdef const int64_t* writer = <const int64_t*>indices.buffer.buf
    cdef ExpectedDependency each
    cdef int64_t index, place
    check_starts(start, starts.count, count, indices.count)
    for index in range(count):
        for place in range(start[index], start[index + 1]):
            if 0 <= writer[place] < index:
                each.index = <int32_t>(index + offset)
                each.writer = <int32_t>(writer[place] + offset)
                found.push_back(each)
            else:
                expectations.ignored += 1
    return 0


cdef int keep_dependencies(Expectations expectations, vector[ExpectedDependency]& found) except -1:
    cdef size_t place = 0
    cdef int64_t index
    cdef uint32_t kept
    sort_dependencies(found)
    expectations.first.reserve(expectations.count + 1)
    expectations.dependency.reserve(found.size())
    for index in range(expectations.count):
        expectations.first.push_back(<uint32_t>expectations.dependency.size())
        kept = 0
        while place < found.size() and found[place].index == index:
            if kept < DEPENDENCIES_MAX:
                expectations.dependency.push_back(found[place].writer)
                kept += 1
            else:
                expectations.ignored += 1
            place += 1
    expectations.first.push_back(<uint32_t>expectations.dependency.size())
    return 0


cdef int keep_weights(Expectations expectations, const int64_t* weight, int64_t count, int64_t offset,
                      int share) except -1:
    """Keep which transactions are long, the longest first: those with 1/``share`` of the weight, or more."""
    cdef double total = 0
    cdef int64_t index
    found = []
    for index in range(count):
        total += weight[index] if weight[index] > 0 else 0
    for index in range(count):
        if weight[index] > 0 and <double>weight[index] * <double>share >= total:
            found.append((-weight[index], index))
    for weighed, _ in found:
        expectations.has_long = expectations.has_long or -<double>weighed * <double>LONG_SHARE >= total
    for _, index in sorted(found):
        expectations.long_index.push_back(<int32_t>(index + offset))
    return 0


cdef int add_accesses(Expectations expectations, Numbers starts, Numbers locations, Numbers kinds, int64_t count,
                      int64_t offset, vector[ExpectedDependency]& found) except -1:
    cdef vector[ExpectedAccess] accesses
    cdef ExpectedAccess each
    cdef const int64_t* start = <const int64_t*>starts.buffer.buf
    cdef const uint8_t* kind = <const uint8_t*>kinds.buffer.buf
    cdef int64_t index, place
    if kinds.count != locations.count:
        raise InputError(f"{kinds.count} kinds of {locations.count} locations")
    check_starts(start, starts.count, count, locations.count)
    accesses.reserve(locations.count)
    for index in range(count):
        for place in range(start[index], start[index + 1]):
            if kind[place] > EXPECTED_WRITE:
                raise InputError(f"an access is 0 (read), 1 (add) or 2 (write), not {kind[place]}")
            each.location = (<const int64_t*>locations.buffer.buf)[place]
            each.index = <int32_t>(index + offset)
            each.kind = kind[place]
            accesses.push_back(each)
    dependencies_of_accesses(accesses, found)
    join_writers(accesses, expectations.root)
    return 0


cdef class ExpectedInBlock:
    """What is expected in a block of ``count`` transactions, and how far that is trusted."""

    def __cinit__(self, Expectations expectations not None, int64_t count, Schedule schedule):
        cdef Expected* expected = &self.expected
        self.expectations = expectations
        self.schedule = schedule
        expected.lists_reads = schedule == LISTED
        expected.count = expectations.count if expectations.count < count else count
        expected.first = expectations.first.data()
        expected.dependency = expectations.dependency.data()
        expected.long_index = expectations.long_index.data()
        expected.long_count = <int64_t>expectations.long_index.size()
        expected.has_long = expectations.has_long
        expected.trust.prepare(TRUST_FIRST)
        expected.early_left.prepare(EARLY_FIRST)
        expected.taken_left.prepare(TAKEN_FIRST)
        expected.held = <Atomic[int32_t]*>calloc(expected.count + 1, sizeof(Atomic[int32_t]))
        if expected.held == NULL:
            raise MemoryError
        if schedule == GROUPED:
            self.use_groups()

    cdef int use_groups(self) except -1:
        """Begin to trust the groups; none is merged with another."""
        cdef Groups* groups = &self.expected.groups
        cdef int64_t group
        groups.group = self.expectations.grouped.group.data()
        groups.place = self.expectations.grouped.place.data()
        groups.first = self.expectations.grouped.first.data()
        groups.member = self.expectations.grouped.member.data()
        groups.count = <int64_t>self.expectations.grouped.first.size() - 1
        groups.trust = <Atomic[int32_t]*>calloc(groups.count + 1, sizeof(Atomic[int32_t]))
        groups.merged = <Atomic[int32_t]*>calloc(groups.count + 1, sizeof(Atomic[int32_t]))
        if groups.trust == NULL or groups.merged == NULL:
            raise MemoryError
        for group in range(groups.count):
            groups.trust[group].prepare(GROUP_TRUST_FIRST)
            groups.merged[group].prepare(NOT_MERGED)
        groups.is_used = True
        return 0

    cdef void hold_none(self) noexcept:
        """No transaction waits for what it is expected to depend on."""
        self.expected.trust.prepare(0)

    def __dealloc__(self):
        free(self.expected.held)
        free(self.expected.groups.trust)
        free(self.expected.groups.merged)

    cdef dict report(self):
        """The members of a `blockstm.types.HintsReport`; all workers have left."""
        cdef Expected* expected = &self.expected
        return {
            "expected": <int64_t>self.expectations.dependency.size(),
            "ignored": self.expectations.ignored,
            "holds": expected.holds.peek(),
            "right": expected.right.peek(),
            "wrong": expected.wrong.peek(),
            "trusted": expected.trust.peek() > 0,
            "begun_early": expected.early.peek(),
            "begun_early_in_vain": expected.early_wrong.peek(),
            "taken": expected.taken.peek(),
            "taken_in_vain": expected.taken_wrong.peek(),
            "schedule": SCHEDULES[self.schedule],
            "splits": expected.groups.splits.peek(),
            "merges": expected.groups.merges.peek(),
            "followed": expected.groups.followed.peek(),
        }


cdef ExpectedInBlock expected_in(Expectations expectations, int64_t count, Schedule schedule):
    """What is expected in a block of ``count`` transactions; None where nothing is."""
    return None if expectations is None else ExpectedInBlock(expectations, count, schedule)


cdef Expected* members_of(ExpectedInBlock expected) noexcept:
    """What the workers read; NULL where nothing is expected, or that is not used."""
    if expected is None or expected.schedule == OPTIMISTIC:
        return NULL
    return &expected.expected


cdef object report_on(ExpectedInBlock expected, dict more):
    """A `blockstm.types.HintsReport` once all workers have left; None where nothing was expected."""
    return None if expected is None else HintsReport(**(expected.report() | more))
