"""The view: what one run of a transaction sees, and what it has written so far.

One per worker, used for one run after another; only the worker's own thread touches it. Each
location the run met has a slot with what was seen there (once: later looks see the same), the
condition recorded for it, and the own write. Nothing leaves the view before the run is over.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libcpp.atomic cimport atomic

from blockstm._native.abi cimport blockstm_number, blockstm_view, blockstm_view_api
from blockstm._native.arena cimport Arena
from blockstm._native.conditions cimport Condition
from blockstm._native.store cimport Folding, Store
from blockstm._native.values cimport Payload

cdef enum:
    MEMO_BITS = 7
    MEMOS = 1 << MEMO_BITS
    NO_ONE = -1              # `blocked_on`: nobody's write, only the frontier helps
    NOT_INTEGERS_HERE = 64   # an answer of `view_at_least` and `view_try_add` to Python alone

# Where a run can be held by a schedule explorer: before each touch of what is shared.
cdef enum Point:
    POINT_CLAIM = 0
    POINT_LOOK = 1
    POINT_PUBLISH = 2
    POINT_VALIDATE = 3
    POINT_COMMIT = 4
    POINT_PARK = 5
    POINT_JOIN = 6
    POINT_LEAVE = 7

ctypedef void (*Pause)(void* context, int worker, int point, int32_t index) noexcept nogil

cdef struct Slot:
    uint32_t location
    uint8_t exact            # the condition is on the value itself
    uint8_t unreadable       # the state failed here
    uint8_t has_lower
    uint8_t has_upper
    uint8_t shown            # the bytes of `own` were given out: they must not change
    const Payload* seen      # NULL: not looked at
    Payload* own             # NULL: not written
    Payload* summed          # seen + own delta, once asked for
    blockstm_number lower
    blockstm_number upper

cdef struct SlotMark:
    uint32_t generation
    uint32_t slot

# Which location a key of 8 bytes has: the keys met last, so that most need no look at the tables.
cdef struct Memo:
    uint64_t key
    uint64_t location_plus_1       # 0: nothing here

cdef struct View:
    blockstm_view public_part     # first: VMs hold a pointer to it
    Store* store
    Arena* arena                  # lives as long as the block
    Arena* memory                 # of own writes: `arena`, or one that lives as long as the run
    Folding folding
    bint final_prefix             # the run is at the frontier: what it sees is final
    int fault                     # BLOCKSTM_OK, or what every further call answers
    int32_t blocked_on
    uint64_t error                # the Python exception behind a fault, or 0
    uint64_t value                # the Python object or exception a Python VM came back with
    uint64_t gas
    const uint8_t* output
    uint64_t output_size
    Slot* slot
    uint32_t slots
    uint32_t slot_capacity
    uint32_t* written             # slots in order of their first write
    uint32_t writes
    SlotMark* mark
    uint32_t mark_mask
    uint32_t generation
    atomic[uint32_t]* stopping
    Memo memo[MEMOS]              # lives as long as the block
    int worker
    Pause pause
    void* pause_context

cdef const blockstm_view_api* view_api() noexcept nogil

cdef bint view_init(View* view, Store* store, Arena* arena) noexcept nogil
cdef void view_free(View* view) noexcept nogil
cdef void view_reset(View* view) noexcept nogil
cdef void view_begin(View* view, int32_t index, bint final_prefix) noexcept nogil

# The operations, by payload. OK, or what ends the run (vm_abi.h).
cdef int view_get(View* view, uint32_t location, const Payload** value) noexcept nogil
cdef int view_put_word(View* view, uint32_t location, uint64_t word) noexcept nogil
cdef int view_put(View* view, uint32_t location, const uint8_t* data, uint64_t size) noexcept nogil
cdef int view_remove(View* view, uint32_t location) noexcept nogil
cdef int view_add(View* view, uint32_t location, const blockstm_number* delta) noexcept nogil
cdef int view_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil
cdef int view_try_add(View* view, uint32_t location, const blockstm_number* delta,
                      const blockstm_number* lower, const blockstm_number* upper,
                      int32_t* done) noexcept nogil
# The own write at a location, and what was seen below it; NULL where there is none.
cdef const Payload* view_own(View* view, uint32_t location) noexcept nogil
cdef const Payload* view_seen(View* view, uint32_t location) noexcept nogil

# The conditions of the run, in the arena; false where memory has run out.
cdef bint view_conditions(View* view, Condition** conditions, uint32_t* count) noexcept nogil


cdef inline void view_pause(View* view, Point point, int32_t index) noexcept nogil:
    if view.pause != NULL:
        view.pause(view.pause_context, view.worker, point, index)
