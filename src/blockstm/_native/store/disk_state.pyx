# distutils: sources = src/blockstm/_native/store/environment.cpp src/blockstm/_native/store/snapshot.cpp src/blockstm/_native/store/batch.cpp src/blockstm/_native/store/disk_accounts.cpp src/blockstm/_native/store/disk_nodes.cpp src/blockstm/_native/store/node_batch.cpp src/blockstm/_native/store/disk_reading.cpp src/blockstm/_native/trie/trie.cpp src/blockstm/_native/trie/neighbours.cpp src/blockstm/_native/trie/node.cpp src/blockstm/_native/trie/node_store.cpp src/blockstm/_native/trie/refresher.cpp src/blockstm/_native/trie/accounts.cpp src/blockstm/_native/trie/stored_nodes.cpp src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""A state of accounts on disk, as blocks run on it and move it on: read without the GIL, with its tries.

The state is what the store has, with everything on top that was applied since the last `flush`. Of its tries only
what blocks touched is in memory; it is dropped when it takes too much, and read again by path.

Threads: any thread may use it. What changes it waits for readers and for other changes; while a block runs on it
(`_pin`) that is refused, and none begins to run on it meanwhile.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_Destructor, PyCapsule_GetContext, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport ENOMEM
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from posix.unistd cimport getpid

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STATE_CAPSULE, BLOCKSTM_VM_ABI_VERSION, blockstm_bytes,
    blockstm_state,
)
from blockstm._native.store cimport core
from blockstm._native.store.database cimport Database, DatabaseSnapshot, shared_library, view_of
from blockstm._native.store.snapshot_nodes cimport damaged_node
from blockstm._native.trie cimport core as trie
from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.base.pins cimport Pinned, pin_on
from blockstm._native.trie.core cimport Status

from threading import Lock

from blockstm.errors import InputError, UsageError

cdef enum:
    ADDRESS_SIZE = 20
    WORD_SIZE = 32
    SLOT_KEY_SIZE = 52
    HASH_SIZE = 32
    CLOSED = -1

cdef bytes EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")


cdef class DiskState(Pinned):
    """The accounts of a database as of its last commit, and what is applied on top of it.

    Args:
        database: where they are.
        root: of the state that the database has.
        tables: the places of the tables of accounts, slots, codes, nodes of the accounts' trie, nodes of
            storage tries.
        cache_bytes: of accounts and slots that are kept in memory, in bytes.
        node_bytes: that nodes of tries may take between blocks, in bytes.
        readers: how many threads can read from the disk at once.

    Raises:
        StoreError: the database cannot be read.
        MemoryError: the cache does not fit.
    """

    def __cinit__(self, Database database, bytes root=EMPTY_ROOT, *, tables, uint64_t cache_bytes,
                  uint64_t node_bytes, uint32_t readers):
        core.use_library(shared_library()[0])
        self.database, self.readers, self.node_bytes, self.changing = database, readers, node_bytes, Lock()
        accounts, slots, self.flat_tables.codes, self.node_tables.accounts, self.node_tables.storages = tables
        self.flat_tables.accounts = self.node_tables.account_rows = accounts
        self.flat_tables.slots = self.node_tables.slot_rows = slots
        self.at = database.snapshot(readers)
        if not self.reading.accounts.open(self.at.snapshot, self.flat_tables, cache_bytes):
            raise MemoryError(f"a cache of {cache_bytes} bytes does not fit into memory")
        self.nodes = new core.DiskNodes(self.at.snapshot, self.node_tables)
        self.abi.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.abi.struct_size = sizeof(blockstm_state)
        self.abi.context = &self.reading
        self.abi.read = core.read_location
        self.open_tries(root)

    def __dealloc__(self):
        self.drop_tries()
        del self.nodes

    cdef int open_tries(self, bytes root) except -1:
        """Forget the nodes in memory; they are read again when they are needed."""
        if PyBytes_GET_SIZE(root) != HASH_SIZE:
            raise InputError(f"a root is {HASH_SIZE} bytes, not {PyBytes_GET_SIZE(root)}")
        self.drop_tries()
        self.node_store = new trie.NodeStore()
        self.tries = new trie.Accounts()
        self.node_store.set_source(self.nodes)
        if self.tries.open(self.node_store[0], <const uint8_t*>PyBytes_AS_STRING(root)) != Status.Ok:
            raise MemoryError
        self.set_root(root)
        return 0

    cdef void drop_tries(self) noexcept:
        self.written_tries.forget()
        if self.tries != NULL:
            del self.tries
            self.tries = NULL
        if self.node_store != NULL:
            del self.node_store
            self.node_store = NULL

    # ---- reading

    @cython.critical_section
    cdef DatabaseSnapshot current(self):
        """What is in the store, as long as the caller holds on to it."""
        return self.at

    cdef void enter(self) noexcept nogil:
        """Until `leave` the state does not change, nor is its snapshot closed."""
        self.lock.lock_shared()
        self.at.snapshot.closing().lock_shared()

    cdef void leave(self) noexcept nogil:
        self.at.snapshot.closing().unlock_shared()
        self.lock.unlock_shared()

    @property
    @cython.critical_section
    def root(self) -> bytes:
        """The root of the state, with everything that was applied."""
        return self.root_now

    @cython.critical_section
    cdef void set_root(self, bytes root) noexcept:
        self.root_now = root

    def read(self, bytes key):
        """The value at a location, both as bytes; None where there is none.

        Raises:
            StoreError: that cannot be told.
        """
        cdef blockstm_bytes value
        cdef const uint8_t* at = <const uint8_t*>PyBytes_AS_STRING(key)
        cdef uint64_t size = PyBytes_GET_SIZE(key)
        cdef int status = CLOSED
        self.current().check()
        with nogil:
            self.enter()
            if self.at.snapshot.is_open():
                status = core.read_location(&self.reading, at, size, &value)
        try:
            if status == BLOCKSTM_OK:
                return PyBytes_FromStringAndSize(<const char*>value.data, value.size)
        finally:
            self.leave()
        if status == CLOSED:
            raise self.current().closed()
        if status == BLOCKSTM_ABSENT:
            return None
        raise MemoryError() if status == BLOCKSTM_NO_MEMORY else self.read_error()

    def read_error(self):
        """The exception for what could not be read."""
        cdef core.Failure failure = self.reading.take_failure()
        if failure.code == core.CODE_OK:
            return MemoryError(f"{self.database.path} cannot be read: there is no memory for it")
        return self.database.error_of(&failure, "be read")

    def prefetch(self, bytes addresses, bytes slots):
        """Read accounts with their codes, and slots, into the cache. What cannot be read is left to who needs it.

        Args:
            addresses: 20 bytes each, one behind the other.
            slots: address and slot, 52 bytes each.
        """
        cdef const uint8_t* address = <const uint8_t*>PyBytes_AS_STRING(addresses)
        cdef const uint8_t* slot = <const uint8_t*>PyBytes_AS_STRING(slots)
        cdef uint64_t address_count = PyBytes_GET_SIZE(addresses) // ADDRESS_SIZE
        cdef uint64_t slot_count = PyBytes_GET_SIZE(slots) // SLOT_KEY_SIZE
        cdef uint64_t place
        cdef uint8_t value[WORD_SIZE]
        cdef core.Failure failure
        self.current().check()
        with nogil:
            for place in range(address_count + slot_count):
                self.enter()  # for each: who changes the state does not wait long
                if not self.at.snapshot.is_open():
                    pass
                elif place < address_count:
                    self.reading.accounts.prefetch(address + ADDRESS_SIZE * place)
                else:
                    self.reading.accounts.slot(slot + SLOT_KEY_SIZE * (place - address_count), value, failure)
                self.leave()

    def prefetch_changed(self, bytes records):
        """The same with the accounts and slots that changes are of, given as flat records."""
        cdef core.ByteView view = view_of(records)
        self.current().check()
        with nogil:
            self.enter()
            if self.at.snapshot.is_open():
                self.reading.accounts.prefetch_changed(view)
            self.leave()

    # ---- changing

    def root_after(self, object writes, bytes records, uint32_t workers):
        """The root of the state with changes on top, given as flat records; the state stays as it is.

        ``writes`` stands for them: given to `apply` as the very same object, nothing is computed again.
        """
        cdef TriesAfter after
        self.current().check()  # first: a lock is not whole in a forked child
        with self.changing:
            after = self.after(records, workers)
            self.plan((writes, after))
        return after.root

    @cython.critical_section
    cpdef tuple plan(self, tuple planned):
        """What was planned so far, and is no more."""
        before, self.planned = self.planned, planned
        return before

    cdef TriesAfter after(self, bytes records, uint32_t workers):
        cdef TriesAfter after = TriesAfter.__new__(TriesAfter)
        cdef uint8_t root[HASH_SIZE]
        cdef uint8_t blamed[HASH_SIZE]
        cdef Bytes view = Bytes(<const uint8_t*>PyBytes_AS_STRING(records), PyBytes_GET_SIZE(records))
        cdef Status status = Status.Ok
        self.current().check()
        after.state, after.tries = self, new trie.Accounts()
        with nogil:
            self.node_store.lock()
            self.written_tries.mark(self.tries[0], self.node_store[0], self.node_bytes)
            after.node_store = self.node_store
            if not after.tries.share(self.tries[0]):
                status = Status.OutOfMemory
            if status == Status.Ok:
                status = after.tries.apply(view, workers)
            if status == Status.Ok:
                status = after.tries.root(workers, root)
            memcpy(blamed, self.node_store.space().blamed, HASH_SIZE)
            self.node_store.unlock()
        if status != Status.Ok:
            raise self.trie_error(status, blamed)
        after.root = PyBytes_FromStringAndSize(<const char*>root, HASH_SIZE)
        return after

    cdef object trie_error(self, Status status, const uint8_t* blamed):
        """The exception for a status that is not Ok."""
        if status == Status.OutOfMemory:
            return MemoryError()
        if status == Status.BadInput:
            return InputError("the records of accounts do not follow their layout")
        if status == Status.Unreadable:
            failure = self.nodes.take_failure()
            return self.database.error_of(&failure, "be read")
        hash = PyBytes_FromStringAndSize(<const char*>blamed, HASH_SIZE)
        return damaged_node(self.database, hash, status == Status.Missing)

    def apply(self, object writes, bytes records, dict codes, uint32_t workers):
        """Make changes part of the state: the records that take them back.

        Args:
            writes: stands for them, see `root_after`.
            records: the changes, as `blockstm._native.trie.records.Records` writes them.
            codes: code hash → code, of codes that come with them.
            workers: threads that share the computation of the root.

        Raises:
            StoreError: what they change cannot be read; the state is as it was.
            UsageError: a block is running on the state; it is as it was.
        """
        cdef list held = list(codes.items())
        self.current().check()
        with self.changing:
            return self.apply_alone(writes, records, held, workers)

    cdef bytes apply_alone(self, object writes, bytes records, list codes, uint32_t workers):
        cdef TriesAfter after
        self.current().check()
        cdef tuple planned = self.plan(None)
        after = planned[1] if planned is not None and planned[0] is writes else self.after(records, workers)
        undo = self.change_accounts(records, codes)
        self.take_over(after)
        return undo

    cdef bytes change_accounts(self, bytes records, list codes):
        cdef Array[uint8_t] undo
        cdef core.Failure failure
        cdef core.ByteView view = view_of(records)
        cdef int code = core.CODE_OK
        cdef bint is_pinned
        cdef bytes undoing = None
        cdef Array[core.ByteView] held  # hashes and codes
        cdef size_t place
        for code_hash, data in codes:
            if not held.push(view_of(code_hash)) or not held.push(view_of(data)):
                raise MemoryError
        with nogil:
            self.lock.lock()
            self.at.snapshot.closing().lock_shared()
            is_pinned = self.pins != 0
            if not self.at.snapshot.is_open():
                code = failure.set(core.CODE_CLOSED)
            elif not is_pinned:
                code = self.reading.accounts.stage(view, undo, failure)
            self.at.snapshot.closing().unlock_shared()
            if not is_pinned and code == core.CODE_OK:
                for place in range(held.size() / 2):  # codes that no account has are no harm
                    if not self.reading.accounts.put_code(held[2 * place], held[2 * place + 1]):
                        code = failure.set(ENOMEM)
        try:
            if not is_pinned and code == core.CODE_OK:
                undoing = PyBytes_FromStringAndSize(<const char*>undo.data(), undo.size())
                self.reading.accounts.take_staged()
        finally:
            self.lock.unlock()
        # Not before: an exception may collect garbage, and a pin in it waits for the lock.
        if is_pinned:
            raise UsageError("the state cannot be changed while a block is running on it")
        if code != core.CODE_OK:
            raise self.database.error_of(&failure, "be read")
        return undoing

    cdef void take_over(self, TriesAfter after) noexcept:
        with nogil:
            self.node_store.lock()
            self.tries, after.tries = after.tries, self.tries
            after.tries.drop()
            self.node_store.unlock()
        self.set_root(after.root)

    # ---- changing in two steps: blocks run on the accounts, and the tries follow behind

    def apply_ahead(self, bytes records, dict codes):
        """Make changes part of the accounts alone, the tries of which are to `follow`; otherwise as `apply`."""
        cdef list held = list(codes.items())
        self.current().check()
        with self.changing:
            return self.change_accounts(records, held)

    def follow(self, bytes records, bytes root, uint32_t workers):
        """Make changes that `apply_ahead` was given part of the tries, in the same order: the root they have then.

        Where that is not ``root`` the tries stay as they are. One thread at a time; it waits for no other.

        Raises:
            StoreError: a node cannot be read; the tries stay as they are.
        """
        cdef TriesAfter after = self.after(records, workers)
        if root is None or after.root == root:
            self.take_over(after)
        return after.root

    # ---- to the disk

    def commit(self, changes) -> None:
        """Make everything that was applied durable, with other changes in the same transaction; see
        `Database.commit`. What fails changes nothing, and may be tried again.

        Raises:
            StoreError: it could not be written.
            UsageError: a block is running on the state.
        """
        self.database.check()
        self.freeze()
        found = None
        try:
            found = self.collect()
            self.write(found, changes)
        except BaseException:
            self.thaw(found)
            raise
        self.adopt()

    def freeze(self) -> None:
        """Set apart what was applied: that is what `collect` finds. Then comes `write`, which may run beside
        everything but another step to the disk, and then `adopt`; or, if one fails, `thaw`.

        Raises:
            UsageError: a block is running on the state.
        """
        cdef bint is_pinned
        self.current().check()
        with self.changing:
            with nogil:
                self.lock.lock()
                is_pinned = self.pins != 0
                if not is_pinned:
                    self.reading.accounts.freeze()
                self.lock.unlock()
        if is_pinned:
            raise UsageError("the state cannot be written while a block is running on it")

    def collect(self) -> Collected:
        """What the store lacks of the accounts that are frozen and of the tries, which stand at the same block.
        Without memory for it nothing is lost: what is to be removed is said again."""
        cdef Collected found = Collected.__new__(Collected)
        cdef cbool is_filled, is_shared, is_noted
        found.state = self
        found.nodes = new core.BatchOfNodes(found.batch, self.node_tables)
        self.plan(None)
        with nogil:
            is_filled = self.reading.accounts.fill(found.batch)  # of what is frozen, which nobody changes
            self.node_store.lock()
            self.written_tries.mark(self.tries[0], self.node_store[0], self.node_bytes)
            is_shared = is_filled and found.tries.share(self.tries[0])
            is_noted = is_shared and found.tries.collect(found.nodes[0])
            if is_noted:
                self.tries.leave_notes()
            elif is_shared:
                self.tries.swap_notes(found.tries)
            self.node_store.unlock()
        if not is_noted:
            raise MemoryError
        return found

    def write(self, Collected found, changes) -> None:
        """Make it durable, together with other changes, or nothing.

        Raises:
            StoreError: it could not be written.
        """
        cdef DatabaseSnapshot at
        self.database.add_changes(&found.batch, changes)
        self.database.commit_native(&found.batch)
        at = self.database.snapshot(self.readers)
        with nogil:
            self.node_store.lock()
            self.nodes.move_to(at.snapshot)
            self.written_tries.take(found.tries)
            self.node_store.unlock()
        self.written = at

    def adopt(self) -> None:
        """Read from the store what was written.

        Raises:
            UsageError: a block is running on the state.
        """
        cdef DatabaseSnapshot before = self.current()
        cdef bint is_pinned
        with self.changing:
            with nogil:
                self.lock.lock()
                is_pinned = self.pins != 0
                if not is_pinned:
                    self.reading.accounts.rebase(self.written.snapshot)
            if not is_pinned:
                with cython.critical_section(self):
                    self.at, self.written = self.written, None  # under the lock: readers look at it without the GIL
            self.lock.unlock()
        if is_pinned:
            raise UsageError("the state cannot be written while a block is running on it")
        before.close()

    def renew(self) -> None:
        """Read from what the store has now, of which accounts, slots and nodes are the same.

        So pages that other tables have left since can be used again. While a block runs on the state nothing is done.
        """
        self.current().check()
        with self.changing:
            with nogil:
                self.lock.lock()
                if self.pins == 0:
                    self.at.renew()
                self.lock.unlock()

    def thaw(self, Collected found) -> None:
        """Have what could not be written be part of what is written next."""
        cdef cbool is_kept = True
        with self.changing:
            with nogil:
                self.lock.lock()
                is_kept = self.reading.accounts.thaw()
                self.lock.unlock()
                if found is not None:
                    self.node_store.lock()
                    is_kept = self.tries.take_notes(found.tries) and is_kept
                    self.node_store.unlock()
        if not is_kept:
            raise MemoryError

    # ---- for the executor

    def __blockstm_state__(self):
        """The capsule through which workers read; it keeps this object alive."""
        self.current().check()
        capsule = PyCapsule_New(&self.abi, BLOCKSTM_STATE_CAPSULE, <PyCapsule_Destructor>drop_owner)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void*>self)
        return capsule

    def _pin(self):
        """A pin: until it is left, or goes, the state cannot be changed."""
        self.current().check()
        self.reading.take_failure()  # of runs that were aborted before
        with self.changing:
            pin = pin_on(self)
        self.database.check()  # it may have begun to close before it could see the pin
        return pin

    cdef void count_pins(self, long change, int pid) noexcept:
        # Without the GIL: who has the lock may wait for it.
        with nogil:
            self.lock.lock()
            self.add_pins(change, pid)
            self.lock.unlock()
            self.database.add_pins(change)  # states share it

    @property
    def pending_bytes(self) -> int:
        """Memory of what is not in the store, and of nodes of tries, in bytes.

        Of the nodes what they took lately, where a root is being computed.
        """
        self.current().check()
        with self.changing:
            if self.node_store.try_lock():
                self.node_bytes_seen = self.written_tries.in_use(self.node_store[0], self.node_bytes)
                self.node_store.unlock()
            return self.node_bytes_seen + self.reading.accounts.pending_memory()

    @property
    def stats(self) -> dict[str, int]:
        """How often reads were answered from memory, and how much memory is taken."""
        cdef core.ReadCounts* counts = &self.reading.accounts.counts
        cdef uint64_t met, read, node_bytes, pool_bytes, pending_bytes
        if self.database.pid != getpid():
            self.database.check()
        with self.changing:
            with nogil:
                self.node_store.lock()
                met, read, node_bytes = self.node_store.met(), self.node_store.read(), self.node_store.in_use()
                pool_bytes = self.node_store.memory()
                self.node_store.unlock()
            pending_bytes = self.reading.accounts.pending_memory()
        return {
            "account_hits": counts.account_hits.peek(), "account_misses": counts.account_misses.peek(),
            "slot_hits": counts.slot_hits.peek(), "slot_misses": counts.slot_misses.peek(),
            "code_hits": counts.code_hits.peek(), "code_misses": counts.code_misses.peek(),
            "node_hits": met - read, "node_misses": read,
            "node_bytes": node_bytes, "node_pool_bytes": pool_bytes, "pending_bytes": pending_bytes,
        }


cdef void drop_owner(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


# What the two below hold, which makes no cycle, stays until they are gone: they give back to it.
@cython.no_gc_clear
cdef class TriesAfter:
    """The tries of a state with changes on top, which may become its own."""

    def __dealloc__(self):
        if self.node_store != NULL and self.state.node_store == self.node_store:
            self.node_store.lock()
            self.tries.drop()
            self.node_store.unlock()
        del self.tries


@cython.no_gc_clear
cdef class Collected:
    """What `DiskState.collect` found. It holds on to the nodes, which others may have changed meanwhile."""

    def __dealloc__(self):
        if self.state is not None:
            self.state.node_store.lock()
            self.tries.drop()
            self.state.node_store.unlock()
        del self.nodes
