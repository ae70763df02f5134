"""Writes accounts, or changes to them, as the flat records that `state_root` and `AccountTries` take.

The layout stands in ``account.hpp``. Needs the GIL; an object belongs to one thread at a time.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from blockstm._native.base.integers cimport exact_word, reverse_word
from blockstm._native.base.array cimport Array

from blockstm.errors import InputError
from blockstm.messages import brief, kind_of

cdef enum:
    ADDRESS_SIZE = 20
    WORD_SIZE = 32
    SLOTS_MAX = 0xffffffff

cdef enum:  # flags of a record
    NONCE = 1
    BALANCE = 2
    CODE_HASH = 4
    CLEARED = 8
    EXISTS = 0x10
    DELETED = 0x20

cdef enum:
    HEAD_SIZE = 97
    FLAGS_PLACE = 20
    NONCE_PLACE = 21
    BALANCE_PLACE = 29
    CODE_HASH_PLACE = 61
    COUNT_PLACE = 93


cdef dict WANTED = {
    "nonce": "nonce is an int from 0 to 2**64-1",
    "balance": "balance is an int from 0 to 2**256-1",
    "code_hash": "code_hash is 32 bytes",
    "slot": "slot is an int from 0 to 2**256-1",
    "value": "value of a slot is an int from 0 to 2**256-1",
}


cdef class Records:
    """Accounts as flat bytes."""

    cdef Array[uint8_t] written

    def add(self, address, nonce=None, balance=None, code_hash=None, storage=None, cleared=False, exists=None):
        """Write one account down.

        Args:
            address: 20 bytes; each address stands there once.
            nonce: below 2**64; None: as it was.
            balance: in wei, below 2**256; None: as it was.
            code_hash: keccak of the code; None: as it was.
            storage: slot → value of what changes; zero removes.
            cleared: whether all slots go before those of ``storage`` are set.
            exists: whether there is such an account; None: unless it is empty (EIP-161).

        Raises:
            InputError: something is of the wrong kind or out of range; nothing was written.
        """
        cdef uint64_t start = self.written.size()
        try:
            self._write(address, nonce, balance, code_hash, storage or {}, cleared, exists)
        except BaseException:
            self.written.truncate(start)
            raise

    def add_account(self, address, account):
        """Write a whole account down, which exists.

        Raises:
            InputError: it is no account, or something of it is of the wrong kind or out of range.
        """
        try:
            nonce, balance = account.nonce, account.balance
            code_hash, storage = account.code_hash, account.storage
        except AttributeError:
            raise no_account(address, account) from None
        for what, member in (("nonce", nonce), ("balance", balance), ("code_hash", code_hash)):
            if member is None:  # in a change it would say that nothing changes
                raise refusal(address_of(address), WANTED[what], None)
        self.add(address, nonce, balance, code_hash, storage, False, True)

    cdef object _write(
        self, object address, object nonce, object balance, object code_hash, object storage, bint cleared,
        object exists,
    ):
        cdef bytes ours = address_of(address), hashed
        cdef uint8_t word[WORD_SIZE]
        cdef uint8_t* head = self.written.extend(HEAD_SIZE)
        cdef uint64_t count = len(storage)
        cdef uint8_t flags = 0
        if head == NULL:
            raise MemoryError
        memset(head, 0, HEAD_SIZE)
        memcpy(head, PyBytes_AS_STRING(ours), ADDRESS_SIZE)
        if nonce is not None:
            flags |= NONCE
            if not exact_word(nonce, word) or any(word[8:WORD_SIZE]):
                raise refusal(ours, WANTED["nonce"], nonce)
            memcpy(head + NONCE_PLACE, word, 8)
        if balance is not None:
            flags |= BALANCE
            put_word(head + BALANCE_PLACE, ours, balance, WANTED["balance"])
        if code_hash is not None:
            flags |= CODE_HASH
            if not isinstance(code_hash, bytes) or len(code_hash) != WORD_SIZE:
                raise refusal(ours, WANTED["code_hash"], code_hash)
            hashed = <bytes>code_hash
            memcpy(head + CODE_HASH_PLACE, PyBytes_AS_STRING(hashed), WORD_SIZE)
        if cleared:
            flags |= CLEARED
        if exists is not None:
            flags |= EXISTS if exists else DELETED
        if count > SLOTS_MAX:
            raise InputError(f"a record has at most {SLOTS_MAX} slots, not {count}")
        head[FLAGS_PLACE] = flags
        put_little(head + COUNT_PLACE, count, 4)
        return self._write_slots(ours, storage, count)

    cdef object _write_slots(self, bytes address, object storage, uint64_t count):
        cdef uint8_t* place = self.written.extend(2 * WORD_SIZE * count)
        cdef uint64_t left = count
        if count != 0 and place == NULL:
            raise MemoryError
        for slot, value in storage.items():
            if left == 0:
                break  # another thread made it grow
            left -= 1
            put_word(place, address, slot, WANTED["slot"])
            put_word(place + WORD_SIZE, address, value, WANTED["value"])
            place += 2 * WORD_SIZE
        if left != 0:
            raise InputError("the storage changed while it was read")

    def data(self):
        """What was written: see ``account.hpp``."""
        return PyBytes_FromStringAndSize(<const char*>self.written.data(), self.written.size())


cdef void put_little(uint8_t* place, uint64_t number, uint32_t size) noexcept:
    cdef uint32_t index
    for index in range(size):
        place[index] = <uint8_t>(number >> 8 * index)


cdef object put_word(uint8_t* place, bytes address, object number, str wanted):
    cdef uint8_t word[WORD_SIZE]
    if not exact_word(number, word):
        raise refusal(address, wanted, number)
    reverse_word(word, place)


cdef object refusal(bytes address, str wanted, object given):
    return InputError(f"account 0x{address.hex()}: a {wanted}, not {brief(given)}")


cdef object no_account(object address, object given):
    whose = f"account 0x{address_of(address).hex()}"
    return InputError(f"{whose}: an account is a blockstm.ethereum.Account, not {kind_of(given)}")


cdef bytes address_of(object value):
    if not isinstance(value, (bytes, bytearray, memoryview)) or len(bytes(value)) != ADDRESS_SIZE:
        raise InputError(f"an address is {ADDRESS_SIZE} bytes, not {brief(value)}")
    return bytes(value)
