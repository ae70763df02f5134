# distutils: sources = src/blockstm/_native/store/environment.cpp src/blockstm/_native/store/snapshot.cpp src/blockstm/_native/store/batch.cpp src/blockstm/_native/store/disk_nodes.cpp src/blockstm/_native/store/pages_ahead.cpp src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""Pages of a database that blocks are going to need, read from the disk many at a time; see ``pages_ahead.hpp``.

Threads: any thread may use it, several at once.
"""
from libc.stdint cimport uint64_t

from blockstm._native.store cimport core
from blockstm._native.store.database cimport Database, DatabaseSnapshot, shared_library, view_of


cdef class PagesAhead:
    """Looks at the pages of accounts and slots, and of the nodes above them.

    Args:
        database: where they are.
        tables: the places of the tables of accounts, slots, codes, nodes of the accounts' trie, nodes of
            storage tries.
    """

    cdef Database database
    cdef core.TouchedPages* pages

    def __cinit__(self, Database database, *, tables):
        cdef core.FlatTables flat
        cdef core.NodeTables nodes
        core.use_library(shared_library()[0])
        flat.accounts, flat.slots, flat.codes, nodes.accounts, nodes.storages = tables
        nodes.account_rows, nodes.slot_rows = flat.accounts, flat.slots
        self.database = database
        self.pages = new core.TouchedPages(flat, nodes)

    def __dealloc__(self):
        del self.pages

    def touch(self, bytes addresses, bytes slots) -> int:
        """Have the pages of accounts, 20 bytes each, and of slots, address and slot, in memory.

        Returns:
            For how many of them the disk was waited for. What was looked at lately is left out.

        Raises:
            StoreError: the database cannot be read, or is closed.
        """
        return self.look(view_of(addresses), view_of(slots), core.ByteView())

    def touch_changed(self, bytes records) -> int:
        """The same with those that changes are of, given as flat records."""
        return self.look(core.ByteView(), core.ByteView(), view_of(records))

    cdef uint64_t look(self, core.ByteView addresses, core.ByteView slots, core.ByteView records) except *:
        # One of its own, and no longer than this: what it sees cannot be used again.
        cdef DatabaseSnapshot at = self.database.snapshot(core.SNAPSHOT_READERS_MAX)
        cdef uint64_t waited = 0
        with nogil:
            at.snapshot.closing().lock_shared()
            if at.snapshot.is_open():
                waited += self.pages.touch(at.snapshot, addresses, slots)
                waited += self.pages.touch_changed(at.snapshot, records)
            at.snapshot.closing().unlock_shared()
        at.close()
        return waited
