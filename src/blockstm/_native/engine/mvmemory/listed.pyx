"""How listed values are kept, and put into a block's store; see the ``.pxd``."""
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from blockstm.errors import InputError

from blockstm._native.base.hashing cimport hash_key, process_seed
from blockstm._native.engine.mvmemory.interner cimport FIRST_ID, location_at
from blockstm._native.engine.mvmemory.locations cimport NO_KEY, Location, location_key, location_listed, location_units
from blockstm._native.engine.mvmemory.numbers cimport Numbers, same_payload
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_ABSENT, PAYLOAD_VALUE, Payload, payload_words


cdef enum:
    HASH_SIZE = 32   # of the key of a code

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


# Where the bytes of a key are.
cdef struct Span:
    uint64_t offset
    uint64_t size


cdef int number_keys(ListedValues values, const int64_t[::1] starts, int64_t writes,
                     vector[uint32_t]& number) except -1:
    """Give each key a number: that of each write's."""
    cdef vector[Span] spans
    cdef uint64_t cells = 16
    cdef int64_t write
    cdef Span span
    while cells < <uint64_t>(2 * writes):
        cells *= 2
    values.cell.assign(cells, 0)
    number.reserve(writes)
    for write in range(writes):
        span.offset, span.size = starts[2 * write], starts[2 * write + 1] - starts[2 * write]
        values.has_codes = values.has_codes or span.size == HASH_SIZE
        number.push_back(number_of_key(values, span, spans))
    return 0


cdef uint32_t number_of_key(ListedValues values, Span span, vector[Span]& spans) except? 0:
    """The number of a key, which may be met for the first time; ``spans`` are those of all before."""
    cdef ListedKey key
    cdef const uint8_t* data = values.data.data()
    cdef uint64_t place
    cdef uint32_t number
    key.first = key.end = 0
    key.hashed = hash_key(data + span.offset, span.size, process_seed())
    place = key.hashed & (values.cell.size() - 1)
    while values.cell[place]:
        number = <uint32_t>values.cell[place] - 1
        if (values.key[number].hashed == key.hashed and spans[number].size == span.size
                and memcmp(data + spans[number].offset, data + span.offset, span.size) == 0):
            return number
        place = (place + 1) & (values.cell.size() - 1)
    values.key.push_back(key)
    spans.push_back(span)
    values.cell[place] = cell_of(key.hashed, <uint32_t>values.key.size())
    return <uint32_t>values.key.size() - 1


cdef inline uint64_t cell_of(uint64_t hashed, uint32_t number) noexcept nogil:
    return hashed >> 32 << 32 | number


cdef uint32_t find_key(const Listed* listed, uint64_t hashed) noexcept nogil:
    """1 + the number of a key with this hash; 0: none is listed."""
    cdef uint64_t place = hashed & listed.mask
    cdef uint64_t cell = listed.cell[place]
    while cell:
        # All bits count, as a code that is found under another key would be kept for its own: see `has_codes`.
        if cell >> 32 == hashed >> 32 and listed.key[<uint32_t>cell - 1].hashed == hashed:
            return <uint32_t>cell
        place = (place + 1) & listed.mask
        cell = listed.cell[place]
    return 0


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
    values.number.resize(values.index.size())
    for write in range(<uint32_t>values.index.size()):
        index = values.index[write]
        values.write[place[index]] = write
        values.number[place[index]] = values.key_of[write]
        place[index] += 1
    return 0


cdef class ListedInBlock:
    """What is listed of a block of ``count`` transactions, and how often it proved right."""

    def __cinit__(self, ListedValues values not None, int64_t count):
        cdef Listed* listed = &self.listed
        self.values = values
        listed.count = values.count if values.count < count else count
        listed.writes = <int64_t>values.payload.size()
        listed.key = values.key.data()
        listed.cell = values.cell.data()
        listed.mask = values.cell.size() - 1
        listed.index = values.index.data()
        listed.payload = values.payload.data()
        listed.key_of = values.key_of.data()
        listed.first = values.first.data()
        listed.write = values.write.data()
        listed.number = values.number.data()

    cdef int make_room(self) except -1:
        """Before several workers use it: most blocks have one."""
        cdef Listed* listed = &self.listed
        listed.location = <Atomic[uint32_t]*>calloc(self.values.key.size() + 1, sizeof(Atomic[uint32_t]))
        listed.gone = <Atomic[uint32_t]*>calloc(listed.writes + 1, sizeof(Atomic[uint32_t]))
        listed.kept = <uint8_t*>calloc(listed.writes + 1, sizeof(uint8_t))
        if listed.location == NULL or listed.gone == NULL or listed.kept == NULL:
            raise MemoryError
        return 0

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
    cdef uint32_t number = 0 if listed.wrong.peek() > MISLED_MAX else find_key(listed, hashed)
    location_listed(location)[0] = number
    if number:
        listed.location[number - 1].publish(id + 1)


cdef bint is_nothing(const Payload* payload) noexcept nogil:
    """Whether it is no value, or zero: what an account has where nothing is left, either way."""
    return (payload.kind == PAYLOAD_ABSENT or payload.kind == PAYLOAD_VALUE and payload.size == 32
            and not (payload.word[0] | payload.word[1] | payload.word[2] | payload.word[3]))


cdef bint is_as_listed(const Listed* listed, const Numbers* numbers, Location* location,
                       int64_t frontier) noexcept nogil:
    """Whether a location has the value that the list says it has at the frontier, as far as that can be told."""
    cdef const ListedKey* key = listed_key(listed, location)
    cdef const Payload* now = location.committed.read_plain()
    cdef const Payload* expected = location.base.read_plain()
    cdef uint32_t place
    if key == NULL:
        return True
    place = first_not_below(listed, key, <int32_t>frontier)
    if place > key.first:
        expected = &listed.payload[place - 1]
    if now == NULL:
        now = location.base.read_plain()
    return (now == NULL or expected == NULL or same_payload(numbers, now, expected)
            or is_nothing(now) and is_nothing(expected))


cdef bint list_values(Listed* listed, Interner* interner, const Numbers* numbers, const Ids* ids,
                      int64_t frontier) noexcept nogil:
    cdef uint32_t id = FIRST_ID
    cdef Location* location
    while id < ids.next:
        location = location_at(interner, id)
        if location.key_size == NO_KEY:
            id += 1
            continue
        attach_listed(listed, location, id, hash_key(location_key(location), location.key_size, interner.seed))
        if not is_as_listed(listed, numbers, location, frontier):
            return False
        id += location_units(location.key_size)
    listed.from_index = frontier
    interner.fresh = attach_listed
    interner.fresh_context = listed
    return True
