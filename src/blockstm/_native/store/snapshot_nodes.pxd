"""The nodes of the state that a database has; see ``snapshot_nodes.pyx``."""
from blockstm._native.store cimport core
from blockstm._native.store.database cimport Database, DatabaseSnapshot


cdef class SnapshotNodes:
    cdef DatabaseSnapshot at
    cdef core.DiskNodes* nodes


cdef object damaged_node(Database database, bytes hash, bint is_missing)
