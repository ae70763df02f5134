"""Accounts in native memory; see the ``.pxd``.

Threads: as of any `MemoryState`. The index of slots is made when it is first needed, under the lock.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libcpp.vector cimport vector
from posix.unistd cimport getpid

from blockstm._native.base.chunks cimport LargeVector, chunk_store, use_chunks
from blockstm._native.abi cimport BLOCKSTM_STATE_HASHED
from blockstm._native.base.integers cimport read_word
from blockstm._native.base.packed cimport Change, PackedWrites, packed_from
from blockstm._native.base.table cimport (
    TABLE_OK, Entry, Table, entry_has_value, entry_key, entry_value, table_free, table_init, table_reserve,
)
from blockstm._native.state.account_changes cimport check_changes, make_changes, make_records
from blockstm._native.state.account_index cimport (
    AccountIndex, index_free, index_init, index_last, index_read,
)
from blockstm._native.state.account_keys cimport ADDRESS_SIZE, WORD_SIZE
from blockstm._native.state.account_loading cimport load_account
from blockstm._native.state.memory_state cimport MemoryState, change_of, read_packed

from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm.errors import InputError, UsageError
from blockstm.messages import kind_of

use_chunks(chunk_store())


cdef class AccountMemory(MemoryState):
    """Accounts as locations, with the keys and values of `blockstm._native.state.locations`."""

    def __cinit__(self, *args, **options):
        index_init(&self.index)

    def __dealloc__(self):
        index_free(&self.index)

    @classmethod
    def of(cls, accounts, trusted=()) -> AccountMemory:
        """What these accounts are, address → `blockstm.state.accounts.Account`.

        Args:
            accounts: anything with the members of an account.
            trusted: a type whose objects were checked when they were made.

        Raises:
            InputError: an address, a number or a hash is not one, or a code has another hash.
        """
        cdef AccountMemory memory = cls(keys="bytes", values="bytes")  # not shared yet
        cdef uint64_t count = 0
        for account in accounts.values():
            count += 2 + slots_of(account)
        if table_reserve(&memory.table, count) != TABLE_OK:
            raise MemoryError
        for address, account in accounts.items():
            load_account(&memory.table, address, account, type(account) is trusted)
        memory.abi.flags |= BLOCKSTM_STATE_HASHED  # as is all that `move` and `move_by_records` bring
        return memory

    def move(self, PackedWrites writes, *, trusted=False, undo=False):
        """Move on by the writes of a block: the hashes of the codes among them, and how to undo them.

        An account of a new epoch loses what it stored before, and what is stored in an epoch that
        is over is nothing. Zero and nothing are the same. The marks "stored" are kept true.

        Args:
            writes: at locations of accounts.
            trusted: whether their codes are known to fit their hashes.
            undo: whether the writes that undo these are made, too; else they are None.

        Raises:
            InputError: a key or a value is of the wrong kind; nothing was changed.
            UsageError: a block is running on this state; nothing was changed.
        """
        cdef LargeVector[Change] changes
        read_packed(writes, changes)
        check_changes(changes, trusted)
        undoing = self.change(changes, None, undo)
        return codes_among(changes), undoing

    def move_by_records(self, bytes records, dict codes, *, undo=False):
        """The writes that undo what ``records`` changed, None unless ``undo``.

        Args:
            records: changes of accounts, as `blockstm._native.trie.records.Records` writes them.
            codes: code hash → code, of codes that come with them.

        Raises:
            UsageError: a block is running on this state; nothing was changed.
        """
        cdef LargeVector[Change] changes
        for code_hash, code in codes.items():
            changes.push_back(change_of(code_hash, code))
        return self.change(changes, records, undo)

    cdef object change(self, LargeVector[Change]& changes, bytes records, bint wants_undo):
        """All of it, or nothing when the state is pinned; the writes that undo it, if they are wanted."""
        cdef Table before
        table_init(&before)
        try:
            self.change_noting(changes, records, &before if wants_undo else NULL)
            return packed_table(&before) if wants_undo else None
        finally:
            table_free(&before)

    cdef object change_noting(self, LargeVector[Change]& changes, bytes records, Table* before):
        cdef const uint8_t* begin = NULL
        cdef uint64_t size = 0
        cdef int32_t status = TABLE_OK
        cdef bint pinned, by_records = records is not None
        if by_records:
            begin, size = <const uint8_t*>PyBytes_AS_STRING(records), PyBytes_GET_SIZE(records)
        with nogil:
            self.lock.lock()
            pinned = self.pins_in(getpid()) != 0
            if not pinned and (changes.size() or size):
                self.version += 1
                if by_records:
                    status = make_records(&self.table, &self.index, begin, size, changes, before)
                else:
                    status = make_changes(&self.table, &self.index, changes, before)
                self.compact()
            self.lock.unlock()
        if pinned:
            raise UsageError("the state cannot be changed while a block is running on it")
        if status != TABLE_OK:
            raise MemoryError

    cdef void compact(self) noexcept nogil:
        cdef uint32_t count = self.table.count
        MemoryState.compact(self)
        if self.table.count != count:  # the entries have other numbers now
            index_free(&self.index)

    # ---- reading

    @property
    def changes(self) -> int:
        """How often it was changed: two equal counts stand for the same contents."""
        return self.version

    def slots(self, address) -> dict[int, int]:
        """The slots of an account that are not zero, in the order in which they came."""
        cdef bytes ours = address
        cdef vector[uint8_t] copied  # no Python object is made under the lock
        cdef size_t place
        cdef int32_t status
        if PyBytes_GET_SIZE(ours) != ADDRESS_SIZE:
            return {}
        self.lock.lock()
        try:
            status = self.copy_slots(<const uint8_t*>PyBytes_AS_STRING(ours), copied)
        finally:
            self.lock.unlock()
        if status != TABLE_OK:
            raise MemoryError
        found = {}
        place = copied.size()
        while place:
            place -= 2 * WORD_SIZE
            slot = read_word(copied.data() + place, WORD_SIZE, False)
            found[slot] = read_word(copied.data() + place + WORD_SIZE, WORD_SIZE, True)
        return found

    cdef int32_t copy_slots(self, const uint8_t* address, vector[uint8_t]& copied) except -100:
        """Slots and values of an account, the newest first; under the lock."""
        cdef const Entry* entry
        cdef const uint8_t* key
        cdef uint32_t place
        cdef int32_t status = index_read(&self.index, &self.table)
        if status != TABLE_OK:
            return status
        place = index_last(&self.index, address)
        while place:
            entry = &self.table.entries[place - 1]
            if entry_has_value(entry):
                key = entry_key(entry) + ADDRESS_SIZE
                copied.insert(copied.end(), key, key + WORD_SIZE)
                copied.insert(copied.end(), entry_value(entry), entry_value(entry) + WORD_SIZE)
            place = self.index.before[place - 1]
        return TABLE_OK

    def addresses(self) -> list[bytes]:
        """The accounts that have or had a location, in the order in which they came."""
        cdef vector[uint8_t] copied
        cdef uint32_t number
        cdef const uint8_t* address
        cdef int32_t status
        self.lock.lock()
        try:
            status = index_read(&self.index, &self.table)
            if status == TABLE_OK:
                copied.reserve(ADDRESS_SIZE * <size_t>self.index.addresses.count)
                for number in range(self.index.addresses.count):
                    address = entry_key(&self.index.addresses.entries[number])
                    copied.insert(copied.end(), address, address + ADDRESS_SIZE)
        finally:
            self.lock.unlock()
        if status != TABLE_OK:
            raise MemoryError
        return [
            PyBytes_FromStringAndSize(<const char*>copied.data() + place, ADDRESS_SIZE)
            for place in range(0, copied.size(), ADDRESS_SIZE)
        ]


cdef Py_ssize_t slots_of(account) except -1:
    """How many slots an account has; something without slots is no account."""
    try:
        return len(account.storage)
    except (AttributeError, TypeError):
        raise InputError(f"an account is a blockstm.ethereum.Account, not {kind_of(account)}") from None


cdef PackedWrites packed_table(const Table* table):
    """What a table holds, its keys without a value included, as writes at locations of accounts."""
    cdef LargeVector[Change] changes
    cdef const Entry* entry
    cdef Change change
    cdef uint32_t number
    changes.reserve(table.count)
    for number in range(table.count):
        entry = &table.entries[number]
        change.key, change.key_size = entry_key(entry), entry.key_size
        change.value = NULL
        change.value_size = 0
        if entry_has_value(entry):
            change.value, change.value_size = entry_value(entry), entry.value_size
        changes.push_back(change)
    return packed_from(changes, LOCATIONS, LOCATION_VALUES)


cdef list codes_among(LargeVector[Change]& changes):
    """The hashes of the codes that came."""
    cdef size_t place
    found = []
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE and changes[place].value != NULL:
            found.append(PyBytes_FromStringAndSize(<const char*>changes[place].key, WORD_SIZE))
    return found
