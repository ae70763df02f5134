"""A request: one block to run, checked and bound to its VM."""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.expectations cimport Expectations
from blockstm._native.engine.expected cimport Schedule
from blockstm._native.engine.mvmemory.listed cimport ListedValues


cdef class Request:
    cdef BoundVm vm
    cdef int64_t count
    cdef int32_t workers           # how many may work on it
    cdef object state              # to be pinned meanwhile; or None
    cdef bint skip_invalid
    cdef object limit
    cdef object options            # a Config
    cdef Expectations expectations  # of the transactions; or None
    cdef ListedValues listed       # what they are said to write; or None
    cdef Schedule schedule         # how they are used

    cdef object pin(self)
