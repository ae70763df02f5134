"""Python objects in the native core: a VM that is a Python callable, and the view it is given.

A value is a pointer to an object; whatever a block meets is kept alive until the block's end by
one list, so that pointers can be handed around without counting. A location's key is an object
too: a dict of the block maps it to the location, so equality of keys is Python's own.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_vm
from blockstm._native.context cimport Context
from blockstm._native.frontier cimport Answer, Frontier
from blockstm._native.numbers cimport ObjectNumbers
from blockstm._native.outcomes cimport Outcomes
from blockstm._native.slots cimport View


cdef class ObjectContext(Context):
    cdef object callable
    cdef list transactions
    cdef object capacity           # a `blockstm.types.Admission`; None where nothing is shared
    cdef object state
    cdef object state_get
    cdef bint state_is_dict
    cdef bint state_is_mapping
    cdef dict locations            # key -> location
    cdef list kept                 # keeps every object alive that a payload points to
    cdef blockstm_vm table
    cdef ObjectNumbers number_table
    cdef object failed_sum         # the last exception that an addition raised

    cdef void fill_tables(self)
    cdef bint admits(self, int32_t index, Answer* refused) noexcept
    cdef bint counts(self, int32_t index, Answer* answer) noexcept
    cdef void keep_error(self, object error, Answer* answer) noexcept
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
