"""Listed values: what transactions are said to write, before any of them has run.

A block's access list names the value of each location after each transaction that changes it. With those at
hand every run finds its values, whether or not the transactions before it have run; it waits for none.
Nothing is believed: a listed value is read like any other write, and its readers have a condition on it. It is
gone once its transaction has run and written something itself, or nothing. Where a few runs are misled, no
reader takes listed values any more; where what ran before the block is shared is not as listed, none ever does.

`ListedValues` is made by a caller and read by any number of blocks; `Listed` is its use in one block. A fresh
location is told what is listed of it (`attach_listed`), so what nobody touches costs nothing. Keys are told apart
by their hashes: two with the same would mislead, no more. Only the worker that owns a transaction has what is
listed of it go.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libcpp.vector cimport vector

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.mvmemory.interner cimport Ids, Interner
from blockstm._native.engine.mvmemory.locations cimport Location, location_listed
from blockstm._native.engine.mvmemory.numbers cimport Numbers
from blockstm._native.engine.mvmemory.values cimport Payload

cdef enum:
    MISLED_MAX = 4        # runs that listed values may mislead before they are taken no more
    FEW = 4               # so many writes of a key are searched one by one, ...
    FEW_OF_ONE = 16       # ... and so many of a transaction
    NOT_LISTED = -1

cdef struct ListedKey:
    uint64_t hashed
    uint32_t first           # of its writes, which ascend by transaction ...
    uint32_t end             # ... to here


# Immutable once it is made.
cdef class ListedValues:
    cdef readonly int64_t count      # transactions: those before this index
    cdef readonly bint has_codes     # some key may be a code's hash
    cdef vector[uint8_t] data        # long values, and keys
    cdef vector[ListedKey] key
    cdef vector[uint64_t] cell       # a table of keys: 1 + the number, under the upper half of the hash; 0: empty
    cdef vector[int32_t] index       # of each write its transaction; key by key
    cdef vector[Payload] payload     # of each write
    cdef vector[uint32_t] key_of     # of each write
    cdef vector[uint32_t] first      # of each transaction, where its writes begin; one more for the end ...
    cdef vector[uint32_t] write      # ... in these, ...
    cdef vector[uint32_t] number     # ... and of which keys they are


cdef struct Listed:
    int64_t count                    # transactions of which something is listed: those before this index
    int64_t writes
    int64_t from_index               # what is listed of those before it counts no more: they are final
    const ListedKey* key
    const uint64_t* cell
    uint64_t mask                    # of the cells
    const int32_t* index
    const Payload* payload
    const uint32_t* key_of
    const uint32_t* first
    const uint32_t* write
    const uint32_t* number
    # Of each write that no reader takes any more, how many before it of its key a reader can leave out, too; else 0.
    Atomic[uint32_t]* gone
    uint8_t* kept                    # of each write: 1 while it is looked for what of a list a run has not written
    Atomic[uint32_t]* location       # of each key: 1 + the id, 0 where no worker has met it
    uint64_t padding_before[8]
    Atomic[int64_t] wrong            # runs that listed values have misled
    uint64_t padding_after[8]


cdef class ListedInBlock:
    cdef Listed listed
    cdef ListedValues values

    cdef int make_room(self) except -1
    cdef dict report(self)


# None: nothing is listed.
cdef ListedInBlock listed_in(ListedValues values, int64_t count)
cdef Listed* members_of_listed(ListedInBlock listed) noexcept
# All transactions before the frontier are final, and none from there on has run; one worker is in the block: have all
# locations know what is listed of them. ``ids``: that worker's. False: what was committed is not as it is listed.
cdef bint list_values(Listed* listed, Interner* interner, const Numbers* numbers, const Ids* ids,
                      int64_t frontier) noexcept nogil


cdef inline uint32_t first_not_below(const Listed* listed, const ListedKey* key, int32_t index) noexcept nogil:
    """The place of a key's first write by ``index`` or a higher transaction; the key's end where there is none."""
    cdef uint32_t low = key.first, high = key.end, middle
    while high - low > FEW:
        middle = (low + high) >> 1
        if listed.index[middle] < index:
            low = middle + 1
        else:
            high = middle
    while high > low and listed.payload[high - 1].index >= index:
        high -= 1
    return high


cdef inline int64_t listed_below(const Listed* listed, const ListedKey* key, int32_t index,
                                 int32_t floor) noexcept nogil:
    """The write of a key by the highest transaction below ``index`` and above ``floor``, or `NOT_LISTED`.

    Those that are gone are left out in ever longer steps: a reader lengthens those that it takes. Two that do so at
    once may lose one's; each of them is right, as what is gone stays gone.
    """
    cdef uint32_t place = first_not_below(listed, key, index), left_out, further
    floor = max(floor, <int32_t>listed.from_index - 1)
    while place > key.first and listed.payload[place - 1].index > floor:
        left_out = listed.gone[place - 1].observe()
        if left_out == 0:
            return place - 1
        if left_out < place - key.first:
            further = listed.gone[place - 1 - left_out].observe()
            if further:
                listed.gone[place - 1].publish(left_out + further)
        place -= min(left_out, place - key.first)
    return NOT_LISTED


cdef inline const ListedKey* listed_key(const Listed* listed, Location* location) noexcept nogil:
    """What is listed of a location; NULL: nothing."""
    cdef uint32_t number = location_listed(location)[0]
    if number == 0:
        return NULL
    return &listed.key[number - 1]


cdef inline uint32_t place_among_few(const Listed* listed, uint32_t number, int32_t index) noexcept nogil:
    """The write of a key by this transaction; `writes` where there is none. What is listed of one lies side by side."""
    cdef uint32_t place
    for place in range(listed.first[index], listed.first[index + 1]):
        if listed.number[place] == number:
            return listed.write[place]
    return <uint32_t>listed.writes


cdef inline int64_t listed_of(const Listed* listed, Location* location, int32_t index) noexcept nogil:
    """The write of a location by this transaction, which is not gone, or `NOT_LISTED`."""
    cdef uint32_t number = location_listed(location)[0], place
    if number == 0:
        return NOT_LISTED
    if listed.first[index + 1] - listed.first[index] <= FEW_OF_ONE:
        place = place_among_few(listed, number - 1, index)
    else:
        place = first_not_below(listed, &listed.key[number - 1], index)
        if place == listed.key[number - 1].end or listed.payload[place].index != index:
            return NOT_LISTED
    if place == listed.writes or listed.gone[place].observe():
        return NOT_LISTED
    return place


cdef inline bint is_listed(const Listed* listed, const Payload* payload) noexcept nogil:
    """Whether what was read stands in the list."""
    return listed.payload <= payload < listed.payload + listed.writes
