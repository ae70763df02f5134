"""Tables on disk as Python objects; see ``database.pyx``."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.store cimport core


cdef class DatabaseSnapshot


cdef class Database:
    cdef core.Environment environment
    cdef core.SharedMutex closing  # exclusively where the environment closes; shared by whatever uses it
    cdef readonly str path
    cdef readonly tuple names
    cdef readonly bint read_only
    cdef int pid
    cdef Atomic[int32_t] is_closing  # set with `closing` held exclusively: then it is closed, or soon will be
    cdef Atomic[int64_t] pins  # blocks that run on what it holds; they read its map. Changed with `closing` shared
    cdef list snapshots  # weak references to those that are open, and to some that are no more
    cdef Py_ssize_t snapshots_max  # when there are so many the latter go
    cdef object listing  # a lock of those
    cdef object __weakref__

    cdef int check(self) except -1
    cdef int note(self, DatabaseSnapshot snapshot) except -1
    cdef void add_pins(self, int64_t count) noexcept nogil
    cdef object error_of(self, const core.Failure* failure, str action)
    cdef int add_changes(self, core.Batch* batch, object changes) except -1
    cdef int commit_native(self, core.Batch* batch) except -1


cdef class DatabaseSnapshot:
    cdef core.Snapshot snapshot
    cdef Atomic[int32_t] was_closed  # or is being closed, or was never open
    cdef readonly Database database
    cdef object __weakref__

    cdef bint renew(self) noexcept nogil
    cdef int check(self) except -1
    # A locked reader, and the snapshot is not closed until `leave`, which follows what was read. NULL, and `leave`
    # follows: it is closed.
    cdef core.Reader* enter(self) noexcept nogil
    cdef void leave(self) noexcept nogil


cdef core.ByteView view_of(bytes data) noexcept
# The library's functions, once they are installed.
cdef const core.Mdbx* shared_library() noexcept nogil
