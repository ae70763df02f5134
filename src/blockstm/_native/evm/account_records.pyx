"""What a native block wrote, as changes to accounts in the flat layout of ``trie/account.hpp``.

The same as `blockstm.ethereum.stateroot.changes_of` says of any writes. The GIL is let go.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from libcpp.vector cimport vector

from blockstm._native.evm.account_changes cimport check_changes
from blockstm._native.evm.account_keys cimport (
    ADDRESS_SIZE, BALANCE, CODE_HASH, EPOCH, FIELD_SIZE, NONCE, RECORDED, WORD_SIZE, epoch_in, is_slot,
    is_zero,
)
from blockstm._native.evm.account_memory cimport AccountMemory, is_of_accounts
from blockstm._native.integers cimport reverse_word
from blockstm._native.memory cimport read_packed
from blockstm._native.packed cimport Change, PackedWrites
from blockstm._native.table cimport (
    TABLE_MISSING, TABLE_NO_MEMORY, Table, entry_has_value, table_find, table_free, table_init, table_intern,
)

cdef enum:
    HAS_NONCE = 1
    HAS_BALANCE = 2
    HAS_CODE_HASH = 4
    CLEARED = 8
    EXISTS = 0x10

cdef enum:  # places in a record
    FLAGS = 20
    NONCE_PLACE = 21
    BALANCE_PLACE = 29
    CODE_HASH_PLACE = 61
    COUNT_PLACE = 93
    HEAD_SIZE = 97
    SLOT_SIZE_IN_RECORD = 64

cdef bytes EMPTY_CODE_HASH = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")


cdef struct Changed:
    uint8_t head[HEAD_SIZE]
    bint says_recorded  # whether its mark was written
    uint64_t epoch
    uint32_t slot_count
    uint64_t slots_begin  # where its next slot goes


def records_of(PackedWrites writes, AccountMemory before):
    """The records of a block's writes on a state; None where they are not what accounts have.

    Raises:
        InputError: a key or a value is of the wrong kind.
    """
    cdef vector[Change] changes
    cdef vector[uint32_t] numbers  # of each change, the place of its account in `accounts`
    cdef vector[Changed] accounts
    cdef bytes records
    cdef uint8_t* out
    cdef uint64_t size = 0
    cdef bint is_done
    cdef const uint8_t* no_code = <const uint8_t*>EMPTY_CODE_HASH
    if not is_of_accounts(writes):
        return None
    read_packed(writes, changes)
    check_changes(changes)
    if not have_short_nonces(changes):
        return None
    numbers.resize(changes.size())
    accounts.reserve(changes.size())
    with nogil:
        is_done = number_accounts(changes, numbers, accounts)
        if is_done:
            gather(changes, numbers, accounts, no_code)
            before.lock.lock_shared()
            mark_existence(accounts, &before.table)
            before.lock.unlock_shared()
            size = find_places(accounts)
    if not is_done:
        raise MemoryError
    records = PyBytes_FromStringAndSize(NULL, size)
    out = <uint8_t*>PyBytes_AS_STRING(records)
    with nogil:
        lay_out(changes, numbers, accounts, out)
    return records


cdef bint have_short_nonces(vector[Change]& changes) noexcept nogil:
    """Whether every nonce has 64 bits: a record has no room for more."""
    cdef const Change* change
    cdef size_t place
    for place in range(changes.size()):
        change = &changes[place]
        if change.key_size != FIELD_SIZE or change.key[ADDRESS_SIZE] != NONCE or change.value == NULL:
            continue
        if change.value_size > 8 and not is_zero(change.value + 8, change.value_size - 8):
            return False
    return True


cdef bint number_accounts(
    vector[Change]& changes, vector[uint32_t]& numbers, vector[Changed]& accounts
) noexcept nogil:
    """A record for each account, with its address; false: out of memory."""
    cdef Table places
    cdef size_t place
    cdef int64_t number = TABLE_MISSING
    cdef Changed* account
    table_init(&places)
    for place in range(changes.size()):
        if changes[place].key_size == WORD_SIZE:  # code
            continue
        # What an account has stands together, mostly.
        if number == TABLE_MISSING or memcmp(accounts[number].head, changes[place].key, ADDRESS_SIZE) != 0:
            number = table_intern(&places, changes[place].key, ADDRESS_SIZE)
            if number == TABLE_NO_MEMORY:
                break
        if <size_t>number == accounts.size():
            accounts.resize(number + 1)
            account = &accounts[number]
            memset(account, 0, sizeof(Changed))
            memcpy(account.head, changes[place].key, ADDRESS_SIZE)
        numbers[place] = <uint32_t>number
    table_free(&places)
    return number != TABLE_NO_MEMORY


cdef void gather(
    vector[Change]& changes, vector[uint32_t]& numbers, vector[Changed]& accounts, const uint8_t* no_code
) noexcept nogil:
    """What becomes of each account, and how many slots it has of the epoch that they must be of."""
    cdef size_t place
    cdef Changed* account
    for place in range(changes.size()):
        if changes[place].key_size == FIELD_SIZE:
            change_field(&accounts[numbers[place]], &changes[place], no_code)
    for place in range(changes.size()):
        if is_slot(changes[place].key_size):
            account = &accounts[numbers[place]]
            account.slot_count += is_current(account, &changes[place])


cdef bint is_current(const Changed* account, const Change* slot) noexcept nogil:
    return epoch_in(slot.key, slot.key_size) == account.epoch


cdef void change_field(Changed* account, const Change* change, const uint8_t* no_code) noexcept nogil:
    cdef uint8_t word[WORD_SIZE]
    cdef uint8_t field = change.key[ADDRESS_SIZE]
    cdef uint8_t* head = account.head
    if field == CODE_HASH:
        head[FLAGS] |= HAS_CODE_HASH
        memcpy(head + CODE_HASH_PLACE, no_code if change.value == NULL else change.value, WORD_SIZE)
        return
    read_value(change, word)
    if field == NONCE:
        head[FLAGS] |= HAS_NONCE
        memcpy(head + NONCE_PLACE, word, 8)
    elif field == BALANCE:
        head[FLAGS] |= HAS_BALANCE
        reverse_word(word, head + BALANCE_PLACE)
    elif field == EPOCH:
        memcpy(&account.epoch, word, 8)
        if account.epoch:
            head[FLAGS] |= CLEARED
    elif field == RECORDED:
        account.says_recorded = True
        if word[0]:
            head[FLAGS] |= EXISTS


cdef void read_value(const Change* change, uint8_t* word) noexcept nogil:
    """A number, 32 bytes, little-endian; zero where there is none."""
    memset(word, 0, WORD_SIZE)
    if change.value != NULL:
        memcpy(word, change.value, change.value_size)


cdef void mark_existence(vector[Changed]& accounts, const Table* before) noexcept nogil:
    """Who is on record in the state before is still, unless the block says otherwise."""
    cdef uint8_t key[FIELD_SIZE]
    cdef size_t place
    cdef int64_t number
    key[ADDRESS_SIZE] = RECORDED
    for place in range(accounts.size()):
        if accounts[place].says_recorded:
            continue
        memcpy(key, accounts[place].head, ADDRESS_SIZE)
        number = table_find(before, key, FIELD_SIZE)
        if number >= 0 and entry_has_value(&before.entries[number]):
            accounts[place].head[FLAGS] |= EXISTS


cdef uint64_t find_places(vector[Changed]& accounts) noexcept nogil:
    """Where each account's slots go, its head before them; where the last end."""
    cdef uint64_t end = 0
    cdef size_t place
    for place in range(accounts.size()):
        accounts[place].slots_begin = end + HEAD_SIZE
        end = accounts[place].slots_begin + SLOT_SIZE_IN_RECORD * <uint64_t>accounts[place].slot_count
    return end


cdef void lay_out(
    vector[Change]& changes, vector[uint32_t]& numbers, vector[Changed]& accounts, uint8_t* records
) noexcept nogil:
    """The records one behind the other, each with its slots behind it."""
    cdef size_t place
    cdef uint8_t* slot
    cdef Changed* account
    cdef uint8_t word[WORD_SIZE]
    for place in range(accounts.size()):
        account = &accounts[place]
        memcpy(account.head + COUNT_PLACE, &account.slot_count, 4)
        memcpy(records + account.slots_begin - HEAD_SIZE, account.head, HEAD_SIZE)
    for place in range(changes.size()):
        if not is_slot(changes[place].key_size):
            continue
        account = &accounts[numbers[place]]
        if is_current(account, &changes[place]):
            slot = records + account.slots_begin
            memcpy(slot, changes[place].key + ADDRESS_SIZE, WORD_SIZE)
            read_value(&changes[place], word)
            reverse_word(word, slot + WORD_SIZE)
            account.slots_begin += SLOT_SIZE_IN_RECORD
