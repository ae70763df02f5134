"""A state of accounts on disk; see ``disk_state.pyx``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_state
from blockstm._native.base.pins cimport Pinned
from blockstm._native.store cimport core
from blockstm._native.store.database cimport Database, DatabaseSnapshot
from blockstm._native.trie cimport core as trie


cdef class TriesAfter
cdef class Collected


cdef class DiskState(Pinned):
    cdef readonly Database database
    # What is in the store; what is pending lies on top of it. Set under `lock` and in a critical section, which is
    # nothing where there is a GIL; read in either, as are the root and what is planned in the second.
    cdef DatabaseSnapshot at
    cdef DatabaseSnapshot written  # what is in the store, to be adopted
    cdef core.DiskReading reading
    cdef core.DiskNodes* nodes
    cdef trie.NodeStore* node_store
    cdef trie.Accounts* tries
    cdef trie.WrittenTries written_tries
    cdef core.FlatTables flat_tables
    cdef core.NodeTables node_tables
    cdef uint64_t node_bytes  # when the tries take more, they are read anew
    cdef uint64_t node_bytes_seen  # what they took lately
    cdef uint32_t readers
    cdef core.SharedMutex lock  # exclusively while the state changes, or `at`
    cdef object changing  # a lock: changes and roots take turns, from beginning to end; no pin is added without it
    cdef blockstm_state abi
    cdef bytes root_now
    cdef tuple planned  # writes whose root was asked, and the tries after them
    cdef object __weakref__

    cdef DatabaseSnapshot current(self)
    cdef void enter(self) noexcept nogil
    cdef void leave(self) noexcept nogil
    cdef int open_tries(self, bytes root) except -1
    cdef void drop_tries(self) noexcept
    cdef void set_root(self, bytes root) noexcept
    cpdef tuple plan(self, tuple planned)
    cdef TriesAfter after(self, bytes records, uint32_t workers)
    cdef object trie_error(self, trie.Status status, const uint8_t* blamed)
    cdef bytes apply_alone(self, object writes, bytes records, list codes, uint32_t workers)
    cdef bytes change_accounts(self, bytes records, list codes)
    cdef void take_over(self, TriesAfter after) noexcept


cdef class TriesAfter:
    cdef DiskState state
    cdef trie.NodeStore* node_store
    cdef trie.Accounts* tries
    cdef bytes root


cdef class Collected:
    cdef DiskState state
    cdef trie.Accounts tries
    cdef core.Batch batch
    cdef core.BatchOfNodes* nodes  # of the batch, which are encoded when it is written
