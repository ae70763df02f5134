# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""What a block's access list (EIP-7928) says of its transactions, as arrays: what they write, with the keys and
values of an account's locations, and which slots they change.

Called with the GIL, by any thread; the lists are read and not changed.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, int64_t, uint8_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.base.byte_view cimport ByteView
from blockstm._native.base.integers cimport exact_word
from blockstm._native.state.account_keys cimport ADDRESS_SIZE, BALANCE, CODE_HASH, NONCE, WORD_SIZE
from blockstm._native.state.account_values cimport exact_bytes

cdef extern from "state/listed_accounts.hpp" namespace "blockstm" nogil:
    cdef cppclass ListedAccounts:
        vector[int64_t] index
        vector[int64_t] start
        vector[uint8_t] data
        vector[uint8_t] addresses
        vector[uint8_t] slots
        void begin_account(const uint8_t* address) except +
        void begin_slot(const uint8_t* slot, cbool is_changed) except +
        void change_slot(int64_t transaction, const uint8_t* word) except +
        void change_balance(int64_t transaction, uint8_t field, const uint8_t* word) except +
        void change_nonce(int64_t transaction, uint8_t field, const uint8_t* word) except +
        void change_code(int64_t transaction, uint8_t field, ByteView code) except +
        void end() except +
        cbool read(ByteView encoding, uint8_t balance, uint8_t nonce, uint8_t code) except +

    void slot_accesses(const ListedAccounts& listed, int64_t count, vector[int64_t]& starts,
                       vector[int64_t]& locations, vector[uint8_t]& kinds) except +

cdef extern from "state/listed_records.hpp" namespace "blockstm" nogil:
    cbool final_records(const ListedAccounts& listed, uint8_t balance, uint8_t nonce,
                        vector[uint8_t]& records) except +
    cbool records_agree(ByteView done, ByteView listed, vector[uint8_t]& left_over) except +


cdef bytes as_bytes(const void* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)


cdef bytes numbers(const vector[int64_t]& given):
    return as_bytes(given.data(), given.size() * sizeof(int64_t))


cdef bytes octets(const vector[uint8_t]& given):
    return as_bytes(given.data(), given.size())


cdef int64_t transaction_at(index) except? -2:
    """The transaction at a block access index; what comes before the first is at -1, what is no index at none."""
    return index - 1 if isinstance(index, int) and 0 <= index < INT32_MAX else INT32_MAX


cdef int add_slots(ListedAccounts& listed, account) except -1:
    cdef uint8_t word[WORD_SIZE]
    for slot, changes in account.storage_changes:
        if exact_word(slot, word):
            listed.begin_slot(word, True)
            for index, number in changes:
                if exact_word(number, word):
                    listed.change_slot(transaction_at(index), word)
    for slot in account.storage_reads:
        if exact_word(slot, word):
            listed.begin_slot(word, False)
    return 0


cdef int add_numbers(ListedAccounts& listed, account) except -1:
    """Add balances and nonces after each change. What is no number is left out."""
    cdef uint8_t word[WORD_SIZE]
    for index, number in account.balance_changes:
        if exact_word(number, word):
            listed.change_balance(transaction_at(index), BALANCE, word)
    for index, number in account.nonce_changes:
        if exact_word(number, word):
            listed.change_nonce(transaction_at(index), NONCE, word)
    return 0


cdef ByteView view_of(bytes given) noexcept:
    return ByteView(<const uint8_t*>PyBytes_AS_STRING(given), <uint64_t>PyBytes_GET_SIZE(given))


cdef int add_codes(ListedAccounts& listed, changes) except -1:
    """Add the codes that an account has after each change."""
    cdef bytes code
    for index, given in changes:
        code = exact_bytes(given, -1) or b""
        listed.change_code(transaction_at(index), CODE_HASH, view_of(code))
    return 0


cdef int add_account(ListedAccounts& listed, account) except -1:
    cdef bytes address = exact_bytes(account.address, ADDRESS_SIZE)
    if address is None:
        return 0
    listed.begin_account(<const uint8_t*>PyBytes_AS_STRING(address))
    add_slots(listed, account)
    add_numbers(listed, account)
    return add_codes(listed, account.code_changes)


cdef class ListedWrites:
    """What a list says, whatever is listed.

    Args:
        accounts: of the list, each with the members of `blockstm.ethereum.AccountAccess`; or its RLP.

    Attributes:
        values: of all writes (indices, starts, data), see `ListedValues`.
        touched: addresses of 20 bytes, and addresses with slots, 52 bytes each, one behind the other.

    Raises:
        ValueError: the bytes are of no list.
    """

    cdef ListedAccounts listed

    def __cinit__(self, accounts):
        cdef bytes encoding
        if not isinstance(accounts, bytes):
            for account in accounts:
                add_account(self.listed, account)
        else:
            encoding = <bytes>accounts  # of a class made from bytes, too
            if not self.listed.read(view_of(encoding), BALANCE, NONCE, CODE_HASH):
                raise ValueError("not the RLP of an access list")
        self.listed.end()

    @property
    def values(self):
        return numbers(self.listed.index), numbers(self.listed.start), octets(self.listed.data)

    @property
    def touched(self):
        return octets(self.listed.addresses), octets(self.listed.slots)

    def accesses(self, int64_t count):
        """Which slots transactions 0 to ``count - 1`` change: (starts, locations, kinds), see `Expectations`."""
        cdef vector[int64_t] starts
        cdef vector[int64_t] locations
        cdef vector[uint8_t] kinds
        slot_accesses(self.listed, count, starts, locations, kinds)
        return numbers(starts), numbers(locations), octets(kinds)

    def records(self):
        """The accounts at the end of the block as flat records (trie/account.hpp); None: no account can be so."""
        cdef vector[uint8_t] found
        cdef bint are_numbers
        with nogil:
            are_numbers = final_records(self.listed, BALANCE, NONCE, found)
        return octets(found) if are_numbers else None


def left_over(bytes done, bytes listed):
    """Records of what is listed and was not done; None where more was done, or something else.

    Args:
        done, listed: flat records of accounts.
    """
    cdef vector[uint8_t] found
    return octets(found) if records_agree(view_of(done), view_of(listed), found) else None
