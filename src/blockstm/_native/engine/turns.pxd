"""Whose turn an executor is: one block at a time has it.

A turn is taken once and *used* by every thread that touches the block's memory: the one that runs it, a
reader of its outcomes, the holder of its stream. The last one that leaves the turn frees it. Threads are
told apart by the number of their thread state, which is never given twice.

Threads: any. The monitor is held for moments, never while Python code may run, so it may be waited for
with the GIL; `turn_take` waits for a whole block and is called without.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.cursors cimport Monitor

cdef enum TurnTaken:
    TURN_TAKEN = 0
    TURN_BUSY = 1      # another caller still has it
    TURN_CLOSED = 2    # no caller will ever have it again

cdef struct Turn:
    Monitor monitor
    int32_t uses         # 0: it is free
    bint closed
    bint offered         # a stream's block waits for the driver
    int32_t expected     # threads that were started and have not come yet
    uint64_t user        # the thread that runs the block, or that looked at its stream last
    uint64_t driver      # the thread that runs a stream's block, while it does


cdef void turn_init(Turn* turn) noexcept nogil
cdef void turn_destroy(Turn* turn) noexcept nogil
# Take a free turn; waits for up to about ``ns_max`` ns for that.
cdef TurnTaken turn_take(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil
# Use a turn that one has a share in already, until `turn_leave`.
cdef void turn_use(Turn* turn, uint64_t thread) noexcept nogil
# No thread has it any more, though it may still be used.
cdef void turn_disown(Turn* turn) noexcept nogil
# Have the driver run a stream's block; it uses the turn from here on.
cdef void turn_offer(Turn* turn) noexcept nogil
# That thread runs the block of a stream; 0: none does.
cdef void turn_drive(Turn* turn, uint64_t thread) noexcept nogil
# The driver's wait for its next block; false: there will be none.
cdef bint turn_await_offer(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil
# Whether that thread runs the block, or was the last to read its stream.
cdef bint turn_is_of(Turn* turn, uint64_t thread) noexcept nogil
cdef bint turn_is_driven_by(Turn* turn, uint64_t thread) noexcept nogil
# Whether the caller is the last to use the turn: then it clears up before `turn_leave`.
cdef bint turn_is_last(Turn* turn) noexcept nogil
# Use it no more. True: it is free and closed.
cdef bint turn_leave(Turn* turn, uint64_t thread) noexcept nogil
# Give no turns any more. True: the turn is free.
cdef bint turn_close(Turn* turn) noexcept nogil
cdef bint turn_is_closed(Turn* turn) noexcept nogil
# Wait for up to about ``ns_max`` ns until the turn is free; whether it is.
cdef bint turn_await_free(Turn* turn, int64_t ns_max) noexcept nogil
# So many more, or fewer, threads are on their way.
cdef void turn_expect(Turn* turn, int32_t threads) noexcept nogil
# Wait until all that are on their way have come, or for ``ns_max`` ns; whether they have.
cdef bint turn_await_threads(Turn* turn, int64_t ns_max) noexcept nogil
