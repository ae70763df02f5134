"""A block of record transactions that compiled code runs: what a kernel is to the engine."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.abi cimport blockstm_view, blockstm_vm
from blockstm._native.base.fork_locks cimport ForkMutex

cdef enum:
    MAX_KNOWN = 256  # places of exceptions, a power of two

# How one run of the code ended.
cdef enum Ending:
    RETURNED_NONE = 0
    RETURNED_VALUE = 1
    RAISED_STATIC = 2  # an exception whose arguments are constants: `info` lives with the code
    RAISED_DYNAMIC = 3  # `raise_error` has to be called, once, to free `info`; Python's own error
    # is set where that is NULL
    STOPPED = 4  # a view call said that the run is over

# Runs the code on a copy of one record.
ctypedef int32_t (*Run)(
    blockstm_view* view, const uint8_t* record, uint64_t* value, void** info
) noexcept nogil
# Sets the Python error that `info` describes, or, where memory runs out, another or none; needs the GIL.
ctypedef int32_t (*RaiseError)(void* info) noexcept

# What the exceptions met so far come to, so that a revert takes the GIL once and not every time.
# Any thread may look up while one adds: a place is taken by storing `info` last (release), and a
# reader that sees it (acquire) sees its status. `lock` orders those who add.
cdef cppclass Known:
    Atomic[uint64_t] info[MAX_KNOWN]
    int32_t status[MAX_KNOWN]
    int32_t count
    ForkMutex lock


cdef class RecordCode:
    cdef Run run
    cdef RaiseError raise_error
    cdef Known* known
    cdef readonly object owner  # of the machine code
    cdef readonly str returns

    cdef object error_of(self, void* info)


# The context of the VM's table.
cdef struct Records:
    Run run
    Known* known
    const uint8_t* data
    int64_t stride
    int64_t count
    void* block  # the RecordBlock, borrowed


cdef class RecordBlock:
    cdef blockstm_vm table
    cdef Records records
    cdef Py_buffer buffer
    cdef bint is_open
    cdef RecordCode code
    cdef dict errors  # index -> what its last run raised, where the arguments are not constants
    cdef readonly object keys
    cdef readonly object values

    cdef object made_again(self, object error, int status)
