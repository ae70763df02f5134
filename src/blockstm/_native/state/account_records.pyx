"""What a native block wrote, as changes to accounts in the flat layout of ``trie/account.hpp``.

The GIL is released for long inputs.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from blockstm._native.base.chunks cimport LargeVector, chunk_store, use_chunks
from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_OK, BLOCKSTM_STATE_CAPSULE, blockstm_bytes, blockstm_state,
)
from blockstm._native.base.hashing cimport hash_key, process_seed
from blockstm._native.base.integers cimport reverse_word
from blockstm._native.base.packed cimport Change, PackedWrites
from blockstm._native.base.table cimport Table
from blockstm._native.state.account_changes cimport check_changes
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, EMPTY_CODE_HASH, EPOCH, FIELD_SIZE, NONCE, RECORDED, WORD_SIZE,
    epoch_in, is_no_code, is_slot, is_zero,
)
from blockstm._native.state.account_making cimport has_field
from blockstm._native.state.account_memory cimport AccountMemory
from blockstm._native.state.memory_state cimport read_packed
from blockstm._native.state.record_layout cimport (
    BALANCE_PLACE, CLEARED, CODE_HASH_PLACE, COUNT_PLACE, EXISTS, FLAGS, GONE, HAS_BALANCE, HAS_CODE_HASH,
    HAS_NONCE, HEAD_SIZE, NONCE_PLACE, SLOT_SIZE_IN_RECORD,
)

cdef enum:
    FIRST_CELLS = 1 << 10  # a power of two

# What becomes of one account, beside the head of its record.
cdef struct Changed:
    const uint8_t* address  # in a key
    uint64_t epoch
    uint64_t head           # where its record begins
    uint64_t slots_begin    # where its next slot goes
    uint32_t slot_count
    uint8_t says_recorded   # whether its mark was written
    uint8_t says_epoch
    uint8_t is_something    # whether what was written makes it exist

use_chunks(chunk_store())


def records_of(PackedWrites writes, AccountMemory before=None):
    """The records of a block's writes, and the places of accounts of which it is not known whether they exist.

    An account that is empty afterwards is gone, or exists all the same. Where what was written does not
    tell, ``before`` does, the state that the block ran on; without it the second part names the places.

    Raises:
        InputError: a key or a value is of the wrong kind.
    """
    cdef LargeVector[Change] changes
    cdef LargeVector[uint32_t] numbers  # of each change, the place of its account in `accounts`
    cdef LargeVector[Changed] accounts
    cdef bytes records
    cdef uint8_t* out
    cdef uint64_t size = 0
    cdef bint begins_at_zero = before is not None
    read_packed(writes, changes)
    check_changes(changes, True)
    numbers.resize(changes.size())
    with nogil:
        number_accounts(changes, numbers, accounts)
        count_slots(changes, numbers, accounts, begins_at_zero)
        size = find_places(accounts)
    records = PyBytes_FromStringAndSize(NULL, size)
    out = <uint8_t*>PyBytes_AS_STRING(records)
    with nogil:
        lay_out(changes, numbers, accounts, out)
        if before is not None:
            before.lock.lock_shared()
            find_existence(accounts, &before.table, out)
            before.lock.unlock_shared()
    return records, places_of_unsure(accounts) if before is None else []


def records_on_native(PackedWrites writes, object before):
    """The records where the state that the block ran on is native, by its capsule; None: it could not be read.

    Pre: the state does not change meanwhile.

    Raises:
        InputError: a key or a value is of the wrong kind.
    """
    cdef const blockstm_state* state = <const blockstm_state*>PyCapsule_GetPointer(before, BLOCKSTM_STATE_CAPSULE)
    cdef bytes found
    cdef list unsure
    cdef uint8_t* record
    cdef bint says_recorded
    cdef int existence
    found, unsure = records_of(writes)
    cdef bytes records = PyBytes_FromStringAndSize(PyBytes_AS_STRING(found), PyBytes_GET_SIZE(found))
    for place, says_recorded in unsure:
        record = <uint8_t*>PyBytes_AS_STRING(records) + <uint64_t>place
        with nogil:
            existence = existence_in(state, record, says_recorded)
        if existence < 0:
            return None
        record[FLAGS] |= <uint8_t>existence
    return records


cdef int existence_in(const blockstm_state* state, const uint8_t* record, bint says_recorded) noexcept nogil:
    """The flags of an account's record that say whether it exists; -1: it could not be read."""
    cdef int has = 0
    if not record[FLAGS] & HAS_CODE_HASH:
        has = has_in(state, record, CODE_HASH)
    if has == 0 and not record[FLAGS] & HAS_BALANCE:
        has = has_in(state, record, BALANCE)
    if has == 0 and not record[FLAGS] & HAS_NONCE:
        has = has_in(state, record, NONCE)
    if has != 0:
        return 0 if has > 0 else -1
    if not says_recorded:
        has = has_in(state, record, RECORDED)
    return -1 if has < 0 else EXISTS if has else GONE


cdef int has_in(const blockstm_state* state, const uint8_t* address, uint8_t field) noexcept nogil:
    """Whether a state has a field of an account that is not zero; -1: it could not be read."""
    cdef uint8_t key[FIELD_SIZE]
    cdef blockstm_bytes value
    memcpy(key, address, ADDRESS_SIZE)
    key[ADDRESS_SIZE] = field
    cdef int status = state.read(state.context, key, FIELD_SIZE, &value)
    return 1 if status == BLOCKSTM_OK else 0 if status == BLOCKSTM_ABSENT else -1


cdef int number_accounts(
    LargeVector[Change]& changes, LargeVector[uint32_t]& numbers, LargeVector[Changed]& accounts
) except -1 nogil:
    """An entry for each account, with its address."""
    cdef LargeVector[uint64_t] cells  # with 32 bits of hash, and a number + 1; at most half of them filled
    cdef size_t place
    cdef int64_t number = 0
    cdef Changed account
    memset(&account, 0, sizeof(Changed))
    cells.resize(FIRST_CELLS)
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE:  # code
            continue
        # What an account has stands together, mostly.
        if accounts.empty() or memcmp(accounts[number].address, changes[place].key, ADDRESS_SIZE) != 0:
            number = number_of(cells, accounts, changes[place].key)
            if <size_t>number == accounts.size():
                account.address = changes[place].key
                accounts.push_back(account)
        numbers[place] = <uint32_t>number
    return 0


cdef int64_t number_of(
    LargeVector[uint64_t]& cells, LargeVector[Changed]& accounts, const uint8_t* address
) except -1 nogil:
    """The number of the account with this address; of one that is not known, the next, which is its from now on."""
    cdef uint64_t hashed = hash_key(address, ADDRESS_SIZE, process_seed()) >> 32
    cdef uint64_t place = hashed & (cells.size() - 1)
    cdef uint64_t cell = cells[place]
    while cell:
        if cell >> 32 == hashed and memcmp(accounts[<uint32_t>cell - 1].address, address, ADDRESS_SIZE) == 0:
            return <int64_t>(<uint32_t>cell - 1)
        place = (place + 1) & (cells.size() - 1)
        cell = cells[place]
    cells[place] = hashed << 32 | (accounts.size() + 1)
    if 2 * accounts.size() + 2 > cells.size():
        widen(cells)
    return <int64_t>accounts.size()


cdef int widen(LargeVector[uint64_t]& cells) except -1 nogil:
    """Twice as many cells."""
    cdef LargeVector[uint64_t] wider
    cdef size_t before
    cdef uint64_t place
    wider.resize(2 * cells.size())
    for before in range(cells.size()):
        if cells[before] == 0:
            continue
        place = cells[before] >> 32 & (wider.size() - 1)
        while wider[place]:
            place = (place + 1) & (wider.size() - 1)
        wider[place] = cells[before]
    cells.swap(wider)
    return 0


cdef void count_slots(
    LargeVector[Change]& changes, LargeVector[uint32_t]& numbers, LargeVector[Changed]& accounts, bint begins_at_zero
) noexcept nogil:
    """How many slots each account has of the epoch that they must be of.

    Where nothing was cleared that is the epoch before: 0, or else, within a block, the last one.
    """
    cdef size_t place
    cdef Changed* account
    for place in range(changes.size()):
        if changes[place].key_size == FIELD_SIZE and changes[place].key[ADDRESS_SIZE] == EPOCH:
            read_epoch(&accounts[numbers[place]], &changes[place])
    for place in range(0 if begins_at_zero else changes.size()):
        account = &accounts[numbers[place]]
        if is_slot(changes[place].key_size) and not account.says_epoch:
            account.epoch = max(account.epoch, epoch_in(changes[place].key, changes[place].key_size))
    for place in range(changes.size()):
        if is_slot(changes[place].key_size):
            account = &accounts[numbers[place]]
            account.slot_count += is_current(account, &changes[place])


cdef void read_epoch(Changed* account, const Change* change) noexcept nogil:
    cdef uint8_t word[WORD_SIZE]
    read_value(change, word)
    account.says_epoch = True
    memcpy(&account.epoch, word, 8)


cdef bint is_current(const Changed* account, const Change* slot) noexcept nogil:
    return epoch_in(slot.key, slot.key_size) == account.epoch


cdef void change_field(Changed* account, uint8_t* head, const Change* change) noexcept nogil:
    """What a field becomes, into the head of the account's record."""
    cdef uint8_t word[WORD_SIZE]
    cdef uint8_t field = change.key[ADDRESS_SIZE]
    cdef bint is_none
    if field == CODE_HASH:
        head[FLAGS] |= HAS_CODE_HASH
        is_none = change.value == NULL or change.value_size == 0
        memcpy(head + CODE_HASH_PLACE, EMPTY_CODE_HASH if is_none else change.value, WORD_SIZE)
        account.is_something |= not is_no_code(head + CODE_HASH_PLACE)
        return
    read_value(change, word)
    if field == NONCE:
        head[FLAGS] |= HAS_NONCE
        memcpy(head + NONCE_PLACE, word, 8)
        account.is_something |= not is_zero(word, 8)
    elif field == BALANCE:
        head[FLAGS] |= HAS_BALANCE
        reverse_word(word, head + BALANCE_PLACE)
        account.is_something |= not is_zero(word, WORD_SIZE)
    elif field == RECORDED:
        account.says_recorded = True
        if word[0]:
            head[FLAGS] |= EXISTS
            account.is_something = True


cdef void read_value(const Change* change, uint8_t* word) noexcept nogil:
    """A number, 32 bytes, little-endian; zero where there is none."""
    memset(word, 0, WORD_SIZE)
    if change.value != NULL:
        memcpy(word, change.value, change.value_size)


cdef void find_existence(LargeVector[Changed]& accounts, const Table* before, uint8_t* records) noexcept nogil:
    """For accounts whose writes do not tell: the other parts of the account are as they were before."""
    cdef size_t place
    cdef uint8_t* head
    for place in range(accounts.size()):
        head = records + accounts[place].head
        if not accounts[place].is_something and not keeps_something(head, before):
            head[FLAGS] |= EXISTS if is_marked(&accounts[place], before) else GONE


cdef bint keeps_something(const uint8_t* head, const Table* before) noexcept nogil:
    cdef uint8_t flags = head[FLAGS]
    if not flags & HAS_CODE_HASH and has_field(before, head, CODE_HASH):
        return True
    if not flags & HAS_BALANCE and has_field(before, head, BALANCE):
        return True
    return not flags & HAS_NONCE and has_field(before, head, NONCE)


cdef bint is_marked(const Changed* account, const Table* before) noexcept nogil:
    return not account.says_recorded and has_field(before, account.address, RECORDED)


cdef list places_of_unsure(LargeVector[Changed]& accounts):
    """Where the records stand; of whom the mark was removed, with a true beside it."""
    cdef size_t place
    return [
        (accounts[place].head, bool(accounts[place].says_recorded))
        for place in range(accounts.size())
        if not accounts[place].is_something
    ]


cdef uint64_t find_places(LargeVector[Changed]& accounts) noexcept nogil:
    """Where each account's record begins, and where its slots go; where the last end."""
    cdef uint64_t end = 0
    cdef size_t place
    for place in range(accounts.size()):
        accounts[place].head = end
        accounts[place].slots_begin = end + HEAD_SIZE
        end += HEAD_SIZE + SLOT_SIZE_IN_RECORD * <uint64_t>accounts[place].slot_count
    return end


cdef void lay_out(
    LargeVector[Change]& changes, LargeVector[uint32_t]& numbers, LargeVector[Changed]& accounts, uint8_t* records
) noexcept nogil:
    """The records one behind the other, each with its slots behind it."""
    cdef size_t place
    cdef Changed* account
    for place in range(accounts.size()):
        put_head(&accounts[place], records + accounts[place].head)
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE:  # code
            continue
        account = &accounts[numbers[place]]
        if changes[place].key_size == FIELD_SIZE:
            change_field(account, records + account.head, &changes[place])
        elif is_current(account, &changes[place]):
            put_slot(records + account.slots_begin, &changes[place])
            account.slots_begin += SLOT_SIZE_IN_RECORD


cdef void put_head(const Changed* account, uint8_t* head) noexcept nogil:
    """Of a record that says nothing of the account yet but that it was cleared, if it was."""
    memset(head, 0, HEAD_SIZE)
    memcpy(head, account.address, ADDRESS_SIZE)
    memcpy(head + COUNT_PLACE, &account.slot_count, 4)
    if account.says_epoch and account.epoch:
        head[FLAGS] = CLEARED


cdef void put_slot(uint8_t* slot, const Change* change) noexcept nogil:
    cdef uint8_t word[WORD_SIZE]
    memcpy(slot, change.key + ADDRESS_SIZE, WORD_SIZE)
    read_value(change, word)
    reverse_word(word, slot + WORD_SIZE)
