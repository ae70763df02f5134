"""Accounts in native memory; see the ``.pxd``.

Threads: as of any `MemoryState`. The index of slots is made when it is first needed, under the lock.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

from blockstm._native.evm.account_changes cimport check_changes, make_changes
from blockstm._native.evm.account_index cimport (
    AccountIndex, index_free, index_init, index_last, index_read,
)
from blockstm._native.evm.account_keys cimport ADDRESS_SIZE, WORD_SIZE
from blockstm._native.evm.account_loading cimport load_account
from blockstm._native.integers cimport read_word
from blockstm._native.memory cimport MemoryState, change_of, read_packed
from blockstm._native.packed cimport Change, PackedWrites
from blockstm._native.table cimport (
    TABLE_OK, Entry, entry_has_value, entry_key, entry_value, table_reserve,
)

from blockstm._native.evm.locations import LOCATION_VALUES, LOCATIONS
from blockstm.errors import UsageError
from blockstm.types import DELETED


cdef class AccountMemory(MemoryState):
    """Accounts as locations, with the keys and values of `blockstm._native.evm.locations`."""

    def __cinit__(self, *args, **options):
        index_init(&self.index)

    def __dealloc__(self):
        index_free(&self.index)

    @classmethod
    def of(cls, accounts) -> AccountMemory:
        """What these accounts are, address → `blockstm.state.accounts.Account`.

        Raises:
            InputError: an address, a number or a hash is not one.
        """
        cdef AccountMemory memory = cls(keys="bytes", values="bytes")  # nobody else knows it yet
        cdef uint64_t count = 0
        for account in accounts.values():
            count += 2 + len(account.storage)
        if table_reserve(&memory.table, count) != TABLE_OK:
            raise MemoryError
        for address, account in accounts.items():
            load_account(&memory.table, address, account)
        return memory

    def move(self, writes) -> list[bytes]:
        """Move on by the writes of a block, location → value; the hashes of the codes among them.

        An account of a new epoch loses what it stored before, and what is stored in an epoch that
        is over is nothing. Zero and nothing are the same. The marks "stored" are kept true.

        Raises:
            InputError: a key or a value is of the wrong kind; nothing was changed.
            UsageError: a block is running on this state; nothing was changed.
        """
        cdef vector[Change] changes
        cdef list held = []  # what the changes point into
        cdef bytes key, data
        if isinstance(writes, PackedWrites) and is_of_accounts(writes):
            read_packed(writes, changes)
        else:
            changes.reserve(len(writes))
            for location, value in writes.items():
                is_nothing = value is DELETED or not value
                data = None if is_nothing else LOCATION_VALUES.encode_at(location, value)
                key = LOCATIONS.encode(location)
                held.append(key)
                held.append(data)
                changes.push_back(change_of(key, data))
        check_changes(changes)
        self.move_on(changes)
        return codes_among(changes)

    cdef move_on(self, vector[Change]& changes):
        """All of it, or nothing when the state is pinned."""
        cdef int32_t status = TABLE_OK
        cdef bint pinned
        with nogil:
            self.lock.lock()
            pinned = self.pins != 0
            if not pinned and changes.size():
                self.version += 1
                status = make_changes(&self.table, &self.index, changes)
                self.settle()
            self.lock.unlock()
        if pinned:
            raise UsageError("the state cannot be changed while a block is running on it")
        if status != TABLE_OK:
            raise MemoryError

    cdef void settle(self) noexcept nogil:
        cdef uint32_t count = self.table.count
        MemoryState.settle(self)
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
        status = self.copy_slots(<const uint8_t*>PyBytes_AS_STRING(ours), copied)
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

    cdef int32_t copy_slots(self, const uint8_t* address, vector[uint8_t]& copied) noexcept nogil:
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
        """Everyone who has or had a location, in the order in which they came."""
        cdef vector[uint8_t] copied
        cdef uint32_t number
        cdef const uint8_t* address
        cdef int32_t status
        self.lock.lock()
        status = index_read(&self.index, &self.table)
        if status == TABLE_OK:
            copied.reserve(ADDRESS_SIZE * <size_t>self.index.addresses.count)
            for number in range(self.index.addresses.count):
                address = entry_key(&self.index.addresses.entries[number])
                copied.insert(copied.end(), address, address + ADDRESS_SIZE)
        self.lock.unlock()
        if status != TABLE_OK:
            raise MemoryError
        return [
            PyBytes_FromStringAndSize(<const char*>copied.data() + place, ADDRESS_SIZE)
            for place in range(0, copied.size(), ADDRESS_SIZE)
        ]


cdef bint is_of_accounts(PackedWrites writes) noexcept:
    return writes.key_codec is LOCATIONS and writes.value_codec is LOCATION_VALUES


cdef list codes_among(vector[Change]& changes):
    """The hashes of the codes that were written."""
    cdef size_t place
    found = []
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE:
            found.append(PyBytes_FromStringAndSize(<const char*>changes[place].key, WORD_SIZE))
    return found
