# distutils: sources = src/blockstm/_native/store/environment.cpp src/blockstm/_native/store/snapshot.cpp src/blockstm/_native/store/disk_nodes.cpp src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""The nodes of the state that a database has, for tries that stay at that state.

Threads: any thread may use them.
"""
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint32_t

from blockstm._native.store cimport core
from blockstm._native.store.database cimport Database, DatabaseSnapshot, shared_library
from blockstm._native.trie cimport core as trie

from blockstm.errors import StoreDamaged


cdef class SnapshotNodes:
    """The nodes of the state that a database has now, as the source of a `NodeStore`.

    ``tables`` are those of the nodes of accounts and of storages, of accounts, of slots.
    """

    def __cinit__(self, Database database, *, tables, uint32_t readers=1):
        cdef core.NodeTables places
        core.use_library(shared_library()[0])
        places.accounts, places.storages, places.account_rows, places.slot_rows = tables
        self.at = database.snapshot(readers)
        self.nodes = new core.DiskNodes(self.at.snapshot, places)

    def __dealloc__(self):
        del self.nodes

    def __blockstm_nodes__(self):
        """The capsule that a `NodeStore` reads through; valid as long as this object."""
        return PyCapsule_New(<void*><trie.NodeSource*>self.nodes, "blockstm.nodes", NULL)

    def renew(self) -> None:
        """Read from what the store has now. Pre: its nodes are the same."""
        self.at.check()
        with nogil:
            self.at.renew()

    def error(self, bytes hash, bint is_unreadable, bint is_missing):
        """The exception for a node that was not to be had."""
        cdef core.Failure failure = self.nodes.take_failure()
        if is_unreadable:
            return self.at.database.error_of(&failure, "be read")
        return damaged_node(self.at.database, hash, is_missing)


cdef object damaged_node(Database database, bytes hash, bint is_missing):
    missing = "is not there" if is_missing else "is not what another one names"
    return StoreDamaged(f"{database.path}: the node 0x{hash.hex()} of the state's tries {missing}")
