"""Tables on disk as Python objects; see ``database.pyx``."""
from libc.stdint cimport uint32_t

from blockstm._native.store cimport core


cdef class Database:
    cdef core.Environment environment
    cdef core.SharedMutex closing  # exclusively where the environment closes; shared by whatever uses it
    cdef readonly str path
    cdef readonly tuple names
    cdef readonly bint read_only
    cdef int pid
    cdef bint is_closing  # written with the GIL and `closing`, read with either
    cdef long pins  # blocks that run on what it holds; they read its map. With the GIL
    cdef object snapshots  # those that are open, weakly
    cdef object __weakref__

    cdef int check(self) except -1
    cdef object error_of(self, const core.Failure* failure, str action)
    cdef int add_changes(self, core.Batch* batch, object changes) except -1
    cdef int commit_native(self, core.Batch* batch) except -1


cdef class DatabaseSnapshot:
    cdef core.Snapshot snapshot
    cdef bint was_closed  # or is being closed; with the GIL
    cdef readonly Database database
    cdef object __weakref__

    cdef bint renew(self) noexcept nogil
    cdef int check(self) except -1


cdef core.ByteView view_of(bytes data) noexcept
# The library's functions, once they are installed.
cdef const core.Mdbx* shared_library() noexcept nogil
