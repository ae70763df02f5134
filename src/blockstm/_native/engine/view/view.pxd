"""The view: what one run of a transaction sees, and what it has written so far.

One per worker, used for one run after another; only the worker's own thread touches it. Each
location that the run met has an access (accesses.pxd): the value read, its condition, the value
written. Nothing leaves the view before the run is over.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t

from blockstm._native.abi cimport blockstm_number, blockstm_view_api
from blockstm._native.base.arena cimport Arena
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.mvmemory.values cimport Payload
from blockstm._native.engine.view.accesses cimport View
from blockstm._native.engine.view.conditions cimport Condition

cdef const blockstm_view_api* view_api() noexcept nogil

cdef bint view_init(View* view, Store* store, Arena* arena, Arena* notes) noexcept nogil
cdef void view_free(View* view) noexcept nogil
cdef uint64_t new_run() noexcept nogil
cdef void view_reset(View* view, uint64_t run) noexcept nogil
cdef void view_begin(View* view, int32_t index, bint final_prefix) noexcept nogil

# The operations, by payload. OK, or what ends the run (vm_abi.h).
cdef int view_get(View* view, uint32_t location, const Payload** value) noexcept nogil
cdef int view_expect(View* view, uint32_t location, const uint8_t* data, uint64_t size,
                     int32_t* holds) noexcept nogil
# `value` is NULL where it is not final yet.
cdef int view_ask(View* view, uint32_t location, uint64_t tag, const Payload** value) noexcept nogil
cdef int view_put_word(View* view, uint32_t location, uint64_t word) noexcept nogil
cdef int view_put(View* view, uint32_t location, const uint8_t* data, uint64_t size) noexcept nogil
cdef int view_remove(View* view, uint32_t location) noexcept nogil
cdef int view_add(View* view, uint32_t location, const blockstm_number* delta) noexcept nogil
cdef int view_at_least(View* view, uint32_t location, const blockstm_number* bound,
                       int32_t* holds) noexcept nogil
cdef int view_try_add(View* view, uint32_t location, const blockstm_number* delta,
                      const blockstm_number* lower, const blockstm_number* upper,
                      int32_t* done) noexcept nogil
# What the run wrote at a location, and what it read there; NULL where there is none.
cdef const Payload* view_written(View* view, uint32_t location) noexcept nogil
cdef const Payload* view_seen(View* view, uint32_t location) noexcept nogil

# The conditions of the run, in the speculation arena; false where memory has run out.
cdef bint view_conditions(View* view, Condition** conditions, uint32_t* count) noexcept nogil
