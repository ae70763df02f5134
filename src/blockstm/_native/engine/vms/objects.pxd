"""Python objects in the native core: a VM that is a Python callable, and the view it is given.

A value is a pointer to an object. Lists keep every object of a block alive to its end, so that workers
can hand pointers around without counting references. While one worker has the block to itself, the
objects of a run are released with the next run, but for keys, values of the state, outcomes, and
committed values. A location's key is an object too: a dict of the block maps it to the location, so
equality of keys is Python's own.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_vm
from blockstm._native.base.keeping cimport keep, keep_at
from blockstm._native.engine.context cimport Context
from blockstm._native.engine.frontier cimport ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.numbers cimport ObjectNumbers
from blockstm._native.engine.results.outcomes cimport Outcomes
from blockstm._native.engine.view.accesses cimport View


cdef class ObjectContext(Context):
    cdef object callable
    cdef list transactions
    cdef object capacity           # a `blockstm.types.Admission`; None where nothing is shared
    cdef object state
    cdef object state_get
    cdef bint state_is_dict
    cdef bint state_is_mapping
    cdef dict locations            # key -> location
    # Objects that payloads point to, kept alive:
    cdef list kept                 # to the block's end
    cdef list passing              # to the next run, while one worker has the block to itself
    cdef list held                 # by location: while it is the value that this worker committed there
    cdef Py_ssize_t passed         # how many places of `passing` are in use; the others are NULL
    cdef blockstm_vm table
    cdef ObjectNumbers number_table
    cdef object failed_sum         # the last exception that an addition raised

    cdef inline bint keep_for_run(self, object value) noexcept:
        """Keep an object of the current run alive as long as a worker may read it."""
        if not self.store.exclusive:
            return keep(self.kept, value)
        if not keep_at(self.passing, self.passed, value):
            return False
        self.passed += 1
        return True

    cdef void fill_tables(self)
    cdef bint admits(self, int32_t index, ExecutionResult* refused) noexcept
    cdef bint counts(self, int32_t index, ExecutionResult* result) noexcept
    cdef void keep_error(self, object error, ExecutionResult* result) noexcept
    cdef dict writes(self, const Frontier* frontier)
    cdef int32_t failure(self, object error) noexcept

    cdef uint32_t locate(self, object key, View* view) except? 0xffffffff
    cdef void execute(self, View* view, int32_t index, int32_t* status) noexcept
    cdef object read_state(self, object key)


cdef class PythonView:
    cdef View* view                # NULL once the transaction has ended
    cdef ObjectContext context
    cdef unsigned long thread

    cdef View* open(self) except NULL
    cdef object number(self, object key)
    cdef object sum_again(self, View* view, uint32_t location)
    cdef object add_again(self, View* view, uint32_t location, object delta)


cdef class ObjectOutcomes(Outcomes):
    cdef list values               # None where all are

    @staticmethod
    cdef ObjectOutcomes of(const Frontier* frontier, int32_t count)
