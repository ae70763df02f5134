"""Python objects in the native core: a VM that is a Python callable, and the view it is given.

A value is a pointer to an object. Lists keep the objects of a block alive, so that workers can hand
pointers around without counting references. While workers share the block, the objects of runs are
released when so much of them has come together that all workers leave it (`Engine.reclaim`); while one
worker has the block to itself, with the next run. Keys, values of the state, outcomes and committed
values stay. A location's key is an object too: a dict of the block maps it to the location, so
equality of keys is Python's own.

Threads: workers take turns by the GIL, or run at once in a free-threaded Python. What they share there is a list or
a dict, which locks itself, or stands in a critical section, which is nothing where there is a GIL. What each run
would have to touch (references, lists) each worker has for itself.
"""
from cpython.bytearray cimport PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemRef
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_GET_LENGTH
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_number, blockstm_vm
from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.keeping cimport keep, keep_at
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.numbers cimport ObjectNumbers
from blockstm._native.engine.mvmemory.pieces cimport RECLAIM_BYTES
from blockstm._native.engine.view.accesses cimport View


cdef enum:
    OBJECT_BYTES = 32              # of a number
    UNKNOWN_BYTES = 8 << 10        # of an object that may hold others


cdef inline blockstm_number number_of(object value):
    cdef blockstm_number number
    number.limb[0] = <uint64_t><PyObject*>value
    number.limb[1] = number.limb[2] = number.limb[3] = number.negative = 0
    return number


cdef inline object item_in(dict items, object key, object default):
    """`items.get`, whatever other threads do to the dict: Cython's borrows what it finds."""
    cdef PyObject* found
    cdef object item = default
    if PyDict_GetItemRef(items, key, &found):
        item = <object>found
        Py_DECREF(item)
    return item


cdef struct Keeping:
    # What one worker keeps of its runs, in a cache line of its own: a list that the context owns.
    PyObject* listed
    Atomic[uint64_t] bytes         # that it holds, about, since the last time
    uint64_t unused[6]


cdef inline uint64_t bytes_of(object value) noexcept:
    """How many bytes an object holds, about; calls no code of the object's own."""
    if PyLong_CheckExact(value) or PyFloat_CheckExact(value):
        return OBJECT_BYTES
    if PyBytes_CheckExact(value):
        return OBJECT_BYTES + <uint64_t>PyBytes_GET_SIZE(value)
    if PyUnicode_CheckExact(value):
        return OBJECT_BYTES + <uint64_t>PyUnicode_GET_LENGTH(value)
    if PyByteArray_CheckExact(value):
        return OBJECT_BYTES + <uint64_t>PyByteArray_GET_SIZE(value)
    return UNKNOWN_BYTES


cdef class BoundPythonVm(BoundVm):
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
    cdef list shared               # until they are reclaimed, while workers share the block: lists, by worker
    cdef Keeping* keeping          # the same lists, and behind them one of what no worker is known of
    cdef int32_t workers           # of the block
    cdef list passing              # to the next run, while one worker has the block to itself
    cdef list held                 # by location: while it is the value that this worker committed there
    cdef Py_ssize_t passed         # how many places of `passing` are in use; the others are NULL
    cdef blockstm_vm table
    cdef ObjectNumbers number_table
    cdef object failed_sum         # the last exception that an addition raised

    cdef inline bint keep_for_run(self, object value, int32_t worker) noexcept:
        """Keep an object of the worker's current run alive as long as a worker may read it."""
        cdef Keeping* keeping
        if not self.store.exclusive:
            keeping = &self.keeping[worker]
            if keeping.bytes.count_up(bytes_of(value)) > RECLAIM_BYTES:
                self.store.reclaims.suggest(1)
            return keep(<list>keeping.listed, value)
        if not keep_at(self.passing, self.passed, value):
            return False
        self.passed += 1
        return True

    cdef void fill_tables(self)
    cdef int keep_anew(self, list common) except -1
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
    cdef void* of                  # its BoundPythonVm, which outlives the transaction
    cdef unsigned long thread

    cdef View* open(self) except NULL
    cdef object number(self, object key)
    cdef object sum_again(self, View* view, uint32_t location)
    cdef object add_again(self, View* view, uint32_t location, object delta)
