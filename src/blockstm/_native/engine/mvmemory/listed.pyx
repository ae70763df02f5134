"""How listed values are kept, and put into a block's store; see the ``.pxd``."""
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from blockstm.errors import InputError

from blockstm._native.base.hashing cimport hash_key, process_seed
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, location_key
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_ABSENT, payload_words


cdef extern from *:
    """
    #include <algorithm>
    #include <cstdint>
    #include <vector>
    /* By key, then by transaction; of one transaction in the order in which they were listed. */
    static void blockstm_sort_writes(std::vector<int64_t>& order, const uint32_t* number, const int64_t* index) {
        std::sort(order.begin(), order.end(), [=](int64_t a, int64_t b) {
            if (number[a] != number[b]) return number[a] < number[b];
            return index[a] != index[b] ? index[a] < index[b] : a < b;
        });
    }
    """
    void sort_writes "blockstm_sort_writes"(vector[int64_t]& order, const uint32_t* number, const int64_t* index)


cdef class ListedValues:
    """What transactions are said to write.

    Args:
        count: of transactions.
        offset: the index of the first one in its block.
        indices: int64, of each write the transaction that it is of; negative ones are of those before the first.
            Those of no transaction are left out.
        starts: int64, two for each write and one more: its key is ``data[starts[2 * n]:starts[2 * n + 1]]``, its
            value goes on from there to ``starts[2 * n + 2]``. No bytes: it has no value.
        data: bytes.

    Raises:
        InputError: the arrays do not fit each other. What is in them is not believed, so not refused.
    """

    def __cinit__(self, int64_t count, const int64_t[::1] indices, const int64_t[::1] starts,
                  const uint8_t[::1] data, *, int64_t offset=0):
        cdef vector[uint32_t] number
        cdef int64_t size = data.shape[0]
        if count < 0 or offset < 0 or count + offset > INT32_MAX // 2 or size >= INT32_MAX:
            raise InputError(f"there are no lists of {count + offset} transactions and {size} bytes")
        check_list_starts(starts, indices.shape[0], size)
        self.count = count + offset
        self.data.resize(size)
        if size:
            self.data.assign(&data[0], &data[0] + size)
        number_keys(self, starts, indices.shape[0], number)
        keep_writes(self, indices, starts, number, offset)


cdef int check_list_starts(const int64_t[::1] starts, int64_t writes, int64_t size) except -1:
    cdef int64_t place
    if starts.shape[0] != 2 * writes + 1 or starts[0] != 0 or starts[2 * writes] != size:
        raise InputError(f"the starts of {writes} listed writes are {2 * writes + 1} numbers from 0 to {size}")
    for place in range(2 * writes):
        if starts[place] > starts[place + 1]:
            raise InputError(f"the starts do not ascend at listed write {place // 2}")
    return 0


cdef int number_keys(ListedValues values, const int64_t[::1] starts, int64_t writes,
                     vector[uint32_t]& number) except -1:
    """Give each key a number: that of each write's."""
    cdef uint64_t cells = 16
    cdef int64_t write
    while cells < <uint64_t>(2 * writes):
        cells *= 2
    values.cell.assign(cells, 0)
    number.reserve(writes)
    for write in range(writes):
        number.push_back(number_of_key(values, starts[2 * write], starts[2 * write + 1] - starts[2 * write]))
    return 0


cdef uint32_t number_of_key(ListedValues values, uint64_t offset, uint64_t size):
    cdef ListedKey key
    cdef const uint8_t* bytes = values.data.data() + offset
    cdef uint64_t place
    key.offset, key.size, key.first, key.end = offset, size, 0, 0
    key.hashed = hash_key(bytes, size, process_seed())
    place = find_cell(values.cell.data(), values.cell.size() - 1, values.key.data(), values.data.data(), bytes, size,
                      key.hashed)
    if values.cell[place] == 0:
        values.key.push_back(key)
        values.cell[place] = <uint32_t>values.key.size()
    return values.cell[place] - 1


cdef uint64_t find_cell(const uint32_t* cell, uint64_t mask, const ListedKey* keys, const uint8_t* data,
                        const uint8_t* wanted, uint64_t size, uint64_t hashed) noexcept nogil:
    """Where in the table a key is, or an empty cell."""
    cdef uint64_t place = hashed & mask
    cdef const ListedKey* key
    while cell[place] != 0:
        key = &keys[cell[place] - 1]
        if key.hashed == hashed and key.size == size and memcmp(data + key.offset, wanted, size) == 0:
            break
        place = (place + 1) & mask
    return place


cdef bint is_of_block(ListedValues values, int64_t index, int64_t offset) noexcept:
    return -offset <= index < values.count - offset


cdef int keep_writes(ListedValues values, const int64_t[::1] indices, const int64_t[::1] starts,
                     const vector[uint32_t]& number, int64_t offset) except -1:
    """Keep the writes key by key, those of a key by transaction: the last of one."""
    cdef vector[int64_t] order
    cdef int64_t write
    for write in range(indices.shape[0]):
        if is_of_block(values, indices[write], offset):
            order.push_back(write)
    if not order.empty():
        sort_writes(order, number.data(), &indices[0])
    for write in order:
        keep_write(values, number[write], <int32_t>(indices[write] + offset),
                   values.data.data() + starts[2 * write + 1], starts[2 * write + 2] - starts[2 * write + 1])
    return number_by_transaction(values)


cdef int keep_write(ListedValues values, uint32_t number, int32_t index, const uint8_t* data, uint64_t size) except -1:
    cdef Payload payload
    cdef ListedKey* key = &values.key[number]
    payload_words(&payload, data, size)
    payload.index = index
    if size == 0:
        payload.kind = PAYLOAD_ABSENT
    if key.end > key.first and values.index.back() == index:
        values.payload[values.payload.size() - 1] = payload
        return 0
    if key.end == 0:
        key.first = key.end = <int64_t>values.payload.size()
    key.end += 1
    values.index.push_back(index)
    values.payload.push_back(payload)
    values.key_of.push_back(number)
    return 0


cdef int number_by_transaction(ListedValues values) except -1:
    """Note which writes each transaction has."""
    cdef vector[uint32_t] place
    cdef int32_t index
    cdef uint32_t write
    values.first.assign(values.count + 1, 0)
    for index in values.index:
        values.first[index + 1] += 1
    for index in range(<int32_t>values.count):
        values.first[index + 1] += values.first[index]
    place = values.first
    values.write.resize(values.index.size())
    for write in range(<uint32_t>values.index.size()):
        index = values.index[write]
        values.write[place[index]] = write
        place[index] += 1
    return 0


cdef class ListedInBlock:
    """What is listed of a block of ``count`` transactions, and how often it proved right."""

    def __cinit__(self, ListedValues values not None, int64_t count):
        cdef Listed* listed = &self.listed
        self.values = values
        listed.count = values.count if values.count < count else count
        listed.writes = <int64_t>values.payload.size()
        listed.data = values.data.data()
        listed.key = values.key.data()
        listed.cell = values.cell.data()
        listed.mask = values.cell.size() - 1
        listed.index = values.index.data()
        listed.payload = values.payload.data()
        listed.key_of = values.key_of.data()
        listed.first = values.first.data()
        listed.write = values.write.data()
        listed.location = <Atomic[uint32_t]*>calloc(values.key.size() + 1, sizeof(Atomic[uint32_t]))
        listed.gone = <Atomic[uint8_t]*>calloc(listed.writes + 1, sizeof(Atomic[uint8_t]))
        listed.kept = <uint8_t*>calloc(listed.writes + 1, sizeof(uint8_t))
        if listed.location == NULL or listed.gone == NULL or listed.kept == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(<void*>self.listed.location)
        free(<void*>self.listed.gone)
        free(self.listed.kept)

    cdef dict report(self):
        """Its members of a `blockstm.types.HintsReport`; all workers have left."""
        return {"listed": self.listed.writes, "misled": self.listed.wrong.peek()}


cdef ListedInBlock listed_in(ListedValues values, int64_t count):
    return None if values is None else ListedInBlock(values, count)


cdef Listed* members_of_listed(ListedInBlock listed) noexcept:
    """What the workers read; NULL where nothing is listed."""
    if listed is None:
        return NULL
    return &listed.listed


cdef void attach_listed(void* context, Location* location, uint32_t id, uint64_t hashed) noexcept nogil:
    """Tell a fresh location what is listed of it.

    Where two workers make a location of the same key at once, the id of the one that loses may stay in
    `location`: it is only asked for readers to be validated again. A worker that sees the id sees its segment.
    """
    cdef Listed* listed = <Listed*>context
    cdef uint64_t place = find_cell(listed.cell, listed.mask, listed.key, listed.data, location_key(location),
                                    location.key_size, hashed)
    location.listed = NULL
    if listed.cell[place] != 0:
        location.listed = &listed.key[listed.cell[place] - 1]
        listed.location[listed.cell[place] - 1].publish(id + 1)


cdef void list_values(Listed* listed, Interner* interner, const Ids* ids) noexcept nogil:
    cdef uint32_t id
    cdef Location* location
    for id in range(ids.next):
        location = location_at(interner, id)
        attach_listed(listed, location, id, hash_key(location_key(location), location.key_size, interner.seed))
    interner.fresh = attach_listed
    interner.fresh_context = listed


cdef void list_from(Listed* listed, int64_t frontier) noexcept nogil:
    cdef int64_t write
    for write in range(listed.writes):
        listed.gone[write].prepare(listed.index[write] < frontier)
        listed.kept[write] = 0
