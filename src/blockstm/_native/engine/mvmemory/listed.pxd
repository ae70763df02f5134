"""Listed values: what transactions are said to write, before any of them has run.

A block's access list names the value of each location after each transaction that changes it. With those at
hand every run finds its values, whether or not the transactions before it have run; it waits for none.
Nothing is believed: a listed value is read like any other write, and its readers have a condition on it. It is
gone once its transaction has run and written something itself, or nothing. Where too many runs are misled, no
reader takes listed values any more.

`ListedValues` is made by a caller and read by any number of blocks; `Listed` is its use in one block. A fresh
location is told what is listed of it (`attach_listed`), so what nobody touches costs nothing. Only the worker
that owns a transaction has what is listed of it go.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libcpp.vector cimport vector

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.mvmemory.interner cimport Ids, Interner
from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum:
    WRONG_FIRST = 4       # runs that listed values may mislead ...
    RIGHT_PER_WRONG = 16  # ... and one more for so many that they did not
    NOT_LISTED = -1

cdef struct ListedKey:
    uint64_t offset
    uint64_t size
    uint64_t hashed
    int64_t first            # of its writes, which ascend by transaction ...
    int64_t end              # ... to here


# Immutable once it is made.
cdef class ListedValues:
    cdef readonly int64_t count      # transactions: those before this index
    cdef vector[uint8_t] data        # keys and long values
    cdef vector[ListedKey] key
    cdef vector[uint32_t] cell       # a table of keys: 1 + the number, 0 where it is empty
    cdef vector[int32_t] index       # of each write its transaction; key by key
    cdef vector[Payload] payload     # of each write
    cdef vector[uint32_t] key_of     # of each write
    cdef vector[uint32_t] first      # of each transaction, where its writes begin; one more for the end ...
    cdef vector[uint32_t] write      # ... in these


cdef struct Listed:
    int64_t count                    # transactions of which something is listed: those before this index
    int64_t writes
    const uint8_t* data
    const ListedKey* key
    const uint32_t* cell
    uint64_t mask                    # of the cells
    const int32_t* index
    const Payload* payload
    const uint32_t* key_of
    const uint32_t* first
    const uint32_t* write
    Atomic[uint8_t]* gone            # of each write: 1 where no reader takes it any more
    uint8_t* kept                    # of each write: 1 while a run that has written it is published; its owner's
    Atomic[uint32_t]* location       # of each key: 1 + the id, 0 where no worker has met it
    uint64_t padding_before[8]
    Atomic[int64_t] right            # runs that saw listed values and were committed
    Atomic[int64_t] wrong            # runs that listed values have misled
    uint64_t padding_after[8]


cdef class ListedInBlock:
    cdef Listed listed
    cdef ListedValues values

    cdef dict report(self)


# None: nothing is listed.
cdef ListedInBlock listed_in(ListedValues values, int64_t count)
cdef Listed* members_of_listed(ListedInBlock listed) noexcept
# Have all locations know what is listed of them; one worker is in the block. ``ids``: that worker's.
cdef void list_values(Listed* listed, Interner* interner, const Ids* ids) noexcept nogil
# All transactions before the frontier are final, and none from there on has run. One worker is in the block.
cdef void list_from(Listed* listed, int64_t frontier) noexcept nogil


cdef inline int64_t listed_below(const Listed* listed, const ListedKey* key, int32_t index,
                                 int32_t floor) noexcept nogil:
    """The write of a key by the highest transaction below ``index`` and above ``floor``, or `NOT_LISTED`."""
    cdef int64_t low = key.first, high = key.end, middle
    while low < high:
        middle = (low + high) >> 1
        if listed.index[middle] < index:
            low = middle + 1
        else:
            high = middle
    low -= 1
    while low >= key.first and listed.index[low] > floor:
        if not listed.gone[low].observe():
            return low
        low -= 1
    return NOT_LISTED


cdef inline int64_t listed_of(const Listed* listed, const ListedKey* key, int32_t index) noexcept nogil:
    """The write of a key by this transaction, which is not gone, or `NOT_LISTED`."""
    return NOT_LISTED if key == NULL else listed_below(listed, key, index + 1, index - 1)


cdef inline bint is_listed(const Listed* listed, const Payload* payload) noexcept nogil:
    """Whether what was read stands in the list."""
    return listed.payload <= payload < listed.payload + listed.writes
