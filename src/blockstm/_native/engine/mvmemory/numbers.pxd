"""Numbers: how values of a VM's domain are added and compared.

Three domains (``vm_abi.h``): I64, U256 and Python objects. The first two are done here; objects
go through a small table of functions that are called with the GIL held. A "number" is signed: in
I64 two's complement in limb 0, in U256 a magnitude with a sign, of objects a borrowed pointer.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256, BLOCKSTM_OK, blockstm_number,
)
from blockstm._native.engine.mvmemory.values cimport (
    INLINE_SIZE, PAYLOAD_ABSENT, PAYLOAD_VALUE, SHORT_SIZE, Payload, payload_same_bytes,
)

cdef extern from *:
    """
    #ifndef BLOCKSTM_NUMBERS
    #define BLOCKSTM_NUMBERS
    #include <cstdint>
    static inline int blockstm_add_i64(int64_t a, int64_t b, int64_t* sum) {
        return __builtin_add_overflow(a, b, sum);
    }
    static inline int blockstm_sub_i64(int64_t a, int64_t b, int64_t* difference) {
        return __builtin_sub_overflow(a, b, difference);
    }
    /* sum = a + b; the carry out of 256 bits. */
    static inline int blockstm_add_u256(const uint64_t* a, const uint64_t* b, uint64_t* sum) {
        unsigned __int128 carry = 0;
        for (int i = 0; i < 4; i++) {
            carry += (unsigned __int128)a[i] + b[i];
            sum[i] = (uint64_t)carry;
            carry >>= 64;
        }
        return (int)carry;
    }
    /* difference = a - b; the borrow out of 256 bits. */
    static inline int blockstm_sub_u256(const uint64_t* a, const uint64_t* b, uint64_t* difference) {
        unsigned __int128 borrow = 0;
        for (int i = 0; i < 4; i++) {
            unsigned __int128 limb = (unsigned __int128)a[i] - b[i] - borrow;
            difference[i] = (uint64_t)limb;
            borrow = (limb >> 64) & 1;
        }
        return (int)borrow;
    }
    #endif
    """
    bint add_i64 "blockstm_add_i64"(int64_t a, int64_t b, int64_t* sum) noexcept nogil
    bint sub_i64 "blockstm_sub_i64"(int64_t a, int64_t b, int64_t* difference) noexcept nogil
    bint add_u256 "blockstm_add_u256"(const uint64_t* a, const uint64_t* b, uint64_t* sum) noexcept nogil
    bint sub_u256 "blockstm_sub_u256"(const uint64_t* a, const uint64_t* b, uint64_t* difference) noexcept nogil

# What arithmetic on bounds comes to.
cdef enum Fit:
    FITS = 0
    ABOVE_ALL = 1     # greater than every number of the domain
    BELOW_ALL = 2     # smaller than every number of the domain
    NOT_INTEGERS = 3  # bounds on such numbers are not recorded as bounds

# Python objects as numbers. Called with the GIL held; `context` is the owner of references.
cdef struct ObjectNumbers:
    void* context
    # result = value + delta (value NULL: 0); BLOCKSTM_OK or BLOCKSTM_BAD_NUMBER. The domain owns
    # the reference that ends up in `result`.
    int (*add)(void* context, uint64_t value, uint64_t delta, uint64_t* result) noexcept nogil
    # Whether no transaction could tell one from the other.
    bint (*same)(uint64_t left, uint64_t right) noexcept nogil
    # difference = left - right; NOT_INTEGERS unless both are exact ints.
    Fit (*subtract)(void* context, uint64_t left, uint64_t right, uint64_t* difference) noexcept nogil
    # The sign of value - number (value NULL: 0); both are exact ints.
    int (*compare)(uint64_t value, uint64_t number) noexcept nogil
    bint (*is_integer)(uint64_t value) noexcept nogil
    # Only while one worker has the block to itself: keep alive what is about to be final at a location (NULL:
    # nothing is), and what was final there until the next run. False: memory has run out.
    bint (*hold)(void* context, uint32_t location, uint64_t value) noexcept nogil

cdef struct Numbers:
    uint32_t domain
    bint wraps               # sums of U256 are taken modulo 2**256
    const ObjectNumbers* objects
    blockstm_number one
    blockstm_number minus_one


cdef inline uint32_t number_size(const Numbers* numbers) noexcept nogil:
    """How many bytes a number of the domain takes: 8 or 32."""
    return INLINE_SIZE if numbers.domain == BLOCKSTM_NUMBERS_U256 else SHORT_SIZE


cdef inline bint is_absent(const Payload* payload) noexcept nogil:
    return payload == NULL or payload.kind == PAYLOAD_ABSENT


cdef inline int signed_add(const uint64_t* left, bint left_negative, const uint64_t* right,
                           bint right_negative, blockstm_number* total) noexcept nogil:
    """Sign and magnitude of a sum; true where the magnitude leaves 256 bits."""
    cdef bint over = False
    if left_negative == right_negative:
        over = add_u256(left, right, total.limb)
        total.negative = left_negative
    elif sub_u256(left, right, total.limb):
        sub_u256(right, left, total.limb)
        total.negative = right_negative
    else:
        total.negative = left_negative
    if not over and not (total.limb[0] | total.limb[1] | total.limb[2] | total.limb[3]):
        total.negative = 0
    return over


cdef inline int fold_delta(const Numbers* numbers, const Payload* below, const Payload* delta,
                           Payload* folded) noexcept nogil:
    """``folded`` = value below + delta, a value; absent counts as 0. OK or BAD_NUMBER.

    ``folded`` may be ``delta``. Its index is left to the caller.
    """
    cdef uint64_t zero[4]
    cdef const uint64_t* value = zero
    cdef int64_t total
    cdef uint64_t result
    zero[0] = zero[1] = zero[2] = zero[3] = 0
    if not is_absent(below):
        value = <const uint64_t*>below.word
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        if value != zero and below.size != 8:
            return BLOCKSTM_BAD_NUMBER
        if add_i64(<int64_t>value[0], <int64_t>delta.word[0], &total):
            return BLOCKSTM_BAD_NUMBER
        folded.size = 8
        folded.word[0] = <uint64_t>total
    elif numbers.domain == BLOCKSTM_NUMBERS_U256:
        if value != zero and below.size != INLINE_SIZE:
            return BLOCKSTM_BAD_NUMBER
        folded.size = INLINE_SIZE
        if delta.negative:
            if sub_u256(value, delta.word, folded.word) and not numbers.wraps:
                return BLOCKSTM_BAD_NUMBER
        elif add_u256(value, delta.word, folded.word) and not numbers.wraps:
            return BLOCKSTM_BAD_NUMBER
    else:
        if numbers.objects.add(numbers.objects.context, value[0], delta.word[0], &result):
            return BLOCKSTM_BAD_NUMBER
        folded.size = 8
        folded.word[0] = result
    folded.kind = PAYLOAD_VALUE
    folded.negative = 0
    return BLOCKSTM_OK


cdef inline int join_deltas(const Numbers* numbers, Payload* delta, const blockstm_number* more) noexcept nogil:
    """delta += more; OK or BAD_NUMBER (the sum leaves the range of deltas)."""
    cdef blockstm_number total
    cdef int64_t sum
    cdef uint64_t result
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        if add_i64(<int64_t>delta.word[0], <int64_t>more.limb[0], &sum):
            return BLOCKSTM_BAD_NUMBER
        delta.word[0] = <uint64_t>sum
    elif numbers.domain == BLOCKSTM_NUMBERS_U256:
        if signed_add(delta.word, delta.negative, more.limb, more.negative != 0, &total) and not numbers.wraps:
            return BLOCKSTM_BAD_NUMBER
        delta.negative = total.negative != 0
        delta.word[0], delta.word[1] = total.limb[0], total.limb[1]
        delta.word[2], delta.word[3] = total.limb[2], total.limb[3]
    else:
        if numbers.objects.add(numbers.objects.context, delta.word[0], more.limb[0], &result):
            return BLOCKSTM_BAD_NUMBER
        delta.word[0] = result
    return BLOCKSTM_OK


cdef inline Fit subtract(const Numbers* numbers, const blockstm_number* left, const blockstm_number* right,
                         blockstm_number* difference) noexcept nogil:
    """difference = left - right, and whether it is still a number of the domain."""
    cdef int64_t result
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        difference.negative = 0
        if sub_i64(<int64_t>left.limb[0], <int64_t>right.limb[0], &result):
            return BELOW_ALL if <int64_t>left.limb[0] < 0 else ABOVE_ALL
        difference.limb[0] = <uint64_t>result
        return FITS
    if numbers.domain == BLOCKSTM_NUMBERS_U256:
        if signed_add(left.limb, left.negative != 0, right.limb, right.negative == 0, difference):
            return BELOW_ALL if difference.negative else ABOVE_ALL
        return FITS
    return numbers.objects.subtract(
        numbers.objects.context, left.limb[0], right.limb[0], &difference.limb[0])


cdef inline int compare_magnitudes(const uint64_t* left, const uint64_t* right) noexcept nogil:
    cdef int limb
    for limb in range(3, -1, -1):
        if left[limb] != right[limb]:
            return 1 if left[limb] > right[limb] else -1
    return 0


cdef inline int compare(const Numbers* numbers, const blockstm_number* left,
                        const blockstm_number* right) noexcept nogil:
    """The sign of left - right; of objects, both are exact ints."""
    cdef int order
    if numbers.domain == BLOCKSTM_NUMBERS_I64:
        if left.limb[0] == right.limb[0]:
            return 0
        return 1 if <int64_t>left.limb[0] > <int64_t>right.limb[0] else -1
    if numbers.domain == BLOCKSTM_NUMBERS_U256:
        if (left.negative != 0) != (right.negative != 0):
            return -1 if left.negative else 1
        order = compare_magnitudes(left.limb, right.limb)
        return -order if left.negative else order
    return numbers.objects.compare(left.limb[0], right.limb[0])


cdef inline bint read_number(const Numbers* numbers, const Payload* value, blockstm_number* number) noexcept nogil:
    """The number that a value (NULL or absent: 0) is; false where it is none."""
    number.limb[0] = number.limb[1] = number.limb[2] = number.limb[3] = number.negative = 0
    if is_absent(value):
        return True
    if numbers.domain == BLOCKSTM_NUMBERS_U256:
        if value.size != INLINE_SIZE:
            return False
        number.limb[1], number.limb[2], number.limb[3] = value.word[1], value.word[2], value.word[3]
    elif numbers.domain == BLOCKSTM_NUMBERS_I64:
        if value.size != 8:
            return False
    elif not numbers.objects.is_integer(value.word[0]):
        return False
    number.limb[0] = value.word[0]
    return True


cdef inline bint same_payload(const Numbers* numbers, const Payload* left, const Payload* right) noexcept nogil:
    """Whether no transaction could tell one from the other; NULL is absent."""
    if left == right:
        return True
    if is_absent(left) or is_absent(right):
        return is_absent(left) and is_absent(right)
    if numbers.domain == BLOCKSTM_NUMBERS_I64 or numbers.domain == BLOCKSTM_NUMBERS_U256:
        return payload_same_bytes(left, right)
    if left.kind != right.kind:
        return False
    return numbers.objects.same(left.word[0], right.word[0])
