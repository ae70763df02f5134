"""A payload: one value, or one delta, or the word that there is none; immutable once published.

What is written or read from the state lives in arenas until the end of the block, so a pointer to it, once seen, stays
good and names one write of one incarnation for ever: comparing pointers compares versions. Only while one worker has
the block to itself is what is committed overwritten in place (store.pxd). What a run made of several writes, or took
for the value, only that run's conditions point to: it lives until the transaction is final (reclaiming.pxd).
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from blockstm._native.abi cimport blockstm_number

# What a payload says.
cdef enum PayloadKind:
    PAYLOAD_VALUE = 0
    PAYLOAD_ABSENT = 1   # there is no value: deleted, or never there
    PAYLOAD_DELTA = 2    # a number to be added to what is below
    PAYLOAD_TOMBSTONE = 3  # an earlier incarnation wrote here, the last one does not: readers skip it

# Where the bytes of a long value lie.
cdef enum Room:
    ROOM_ARENA = 0       # in an arena: until the end of the block
    ROOM_SPARES = 1      # until the value is overwritten, while one worker has the block to itself (spares.pxd)
    ROOM_PIECE = 2       # until they are swept (pieces.pxd)

cdef enum:
    BASE_INDEX = -1      # the "writer" of what the block started from
    INLINE_SIZE = 32     # longer values are held by reference
    SHORT_SIZE = 8       # a payload that stays holds no more words than a short value needs

cdef struct Payload:
    int32_t index          # the transaction that wrote it, or BASE_INDEX
    uint8_t kind
    uint8_t negative       # the sign of a U256 delta
    uint32_t size          # of the value, in bytes
    uint64_t word[4]       # up to 32 bytes; of longer values word[0] points to them, word[1] is a `Room`


cdef inline uint64_t payload_room(const Payload* payload) noexcept nogil:
    """How many bytes of a payload have to be kept."""
    return sizeof(Payload) - (INLINE_SIZE - SHORT_SIZE if payload.size <= SHORT_SIZE else 0)


cdef inline void payload_copy(Payload* target, const Payload* source) noexcept nogil:
    """Copy what counts; ``target`` has room for ``payload_room(source)`` bytes."""
    if source.size <= SHORT_SIZE:
        memcpy(target, source, sizeof(Payload) - (INLINE_SIZE - SHORT_SIZE))
    else:
        memcpy(target, source, sizeof(Payload))


cdef inline void payload_words(Payload* payload, const uint8_t* data, uint64_t size) noexcept nogil:
    """Make it the value ``data``; of a long value the bytes themselves must stay where they are."""
    payload.kind = PAYLOAD_VALUE
    payload.negative = 0
    payload.size = <uint32_t>size
    if size == 8:
        memcpy(payload.word, data, 8)
    elif size <= INLINE_SIZE:
        memcpy(payload.word, data, size)
    else:
        payload.word[0] = <uint64_t>data
        payload.word[1] = ROOM_ARENA


cdef inline bint payload_is_long(const Payload* payload) noexcept nogil:
    """Whether it is a value whose bytes stand elsewhere."""
    return payload.kind == PAYLOAD_VALUE and payload.size > INLINE_SIZE


cdef inline const uint8_t* payload_data(const Payload* payload) noexcept nogil:
    if payload.size <= INLINE_SIZE:
        return <const uint8_t*>payload.word
    return <const uint8_t*>payload.word[0]


cdef inline bint payload_is(const Payload* payload, const uint8_t* data, uint64_t size) noexcept nogil:
    """Whether it is the value ``data``."""
    return (payload.kind == PAYLOAD_VALUE and payload.size == size
            and memcmp(payload_data(payload), data, size) == 0)


cdef inline void payload_delta(Payload* payload, const blockstm_number* number,
                               uint32_t size) noexcept nogil:
    """Make it the delta ``number`` of a domain whose numbers have ``size`` bytes: 8 or 32."""
    payload.kind = PAYLOAD_DELTA
    payload.negative = number.negative != 0
    payload.size = size
    if size == SHORT_SIZE:
        payload.word[0] = number.limb[0]
    else:
        memcpy(payload.word, number.limb, INLINE_SIZE)


cdef inline blockstm_number payload_number(const Payload* payload) noexcept nogil:
    """The number of a delta."""
    cdef blockstm_number number
    number.negative = payload.negative
    number.limb[0] = payload.word[0]
    if payload.size == SHORT_SIZE:
        number.limb[1] = number.limb[2] = number.limb[3] = 0
    else:
        memcpy(number.limb, payload.word, INLINE_SIZE)
    return number


cdef inline bint payload_same_bytes(const Payload* left, const Payload* right) noexcept nogil:
    """Whether both say the same, byte for byte."""
    if left == right:
        return True
    if left.kind != right.kind or left.size != right.size or left.negative != right.negative:
        return False
    if left.kind == PAYLOAD_ABSENT or left.kind == PAYLOAD_TOMBSTONE:
        return True
    if left.size == SHORT_SIZE:
        return left.word[0] == right.word[0]
    if left.size == INLINE_SIZE:
        return (left.word[0] == right.word[0] and left.word[1] == right.word[1]
                and left.word[2] == right.word[2] and left.word[3] == right.word[3])
    return memcmp(payload_data(left), payload_data(right), left.size) == 0
