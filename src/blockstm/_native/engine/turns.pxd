"""Whose turn an executor is: one block at a time has it.

A turn is taken once and *used* by every thread that touches the block's memory: the one that runs it, a
reader of its outcomes, the holder of its stream. The last one that leaves the turn frees it. Threads are
told apart by the number of their thread state, which is never given twice.

Threads: any. The monitor is held for moments, never while Python code may run, so it may be waited for
with the GIL; `turn_take` waits for a whole block and is called without.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.cursors cimport (
    Monitor, monitor_destroy, monitor_init, monitor_lock, monitor_unlock, monitor_wait,
    monitor_wake_all, now_ns,
)

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


cdef inline void turn_init(Turn* turn) noexcept nogil:
    monitor_init(&turn.monitor)


cdef inline void turn_destroy(Turn* turn) noexcept nogil:
    monitor_destroy(&turn.monitor)


cdef inline TurnTaken turn_take(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil:
    """Take a free turn; waits for up to about ``ns_max`` ns for that."""
    cdef TurnTaken taken = TURN_BUSY
    monitor_lock(&turn.monitor)
    if turn.uses and not turn.closed and ns_max:
        monitor_wait(&turn.monitor, ns_max)
    if turn.closed:
        taken = TURN_CLOSED
    elif turn.uses == 0:
        turn.uses = 1
        turn.user = thread
        taken = TURN_TAKEN
    monitor_unlock(&turn.monitor)
    return taken


cdef inline void turn_use(Turn* turn, uint64_t thread) noexcept nogil:
    """Use a turn that one has a share in already, until `turn_leave`."""
    monitor_lock(&turn.monitor)
    turn.uses += 1
    turn.user = thread
    monitor_unlock(&turn.monitor)


cdef inline void turn_disown(Turn* turn) noexcept nogil:
    """No thread has it any more, though it may still be used."""
    monitor_lock(&turn.monitor)
    turn.user = 0
    monitor_unlock(&turn.monitor)


cdef inline void turn_offer(Turn* turn) noexcept nogil:
    """Have the driver run a stream's block; it uses the turn from here on."""
    monitor_lock(&turn.monitor)
    turn.uses += 1
    turn.offered = True
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)


cdef inline void turn_drive(Turn* turn, uint64_t thread) noexcept nogil:
    """That thread runs the block of a stream; 0: none does."""
    monitor_lock(&turn.monitor)
    turn.driver = thread
    monitor_unlock(&turn.monitor)


cdef inline bint turn_await_offer(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil:
    """The driver's wait for its next block; false: there will be none."""
    cdef bint offered
    monitor_lock(&turn.monitor)
    while not turn.offered and not turn.closed:
        monitor_wait(&turn.monitor, ns_max)
    offered = turn.offered
    turn.offered = False
    if offered:
        turn.driver = thread
    monitor_unlock(&turn.monitor)
    return offered


cdef inline bint turn_is_of(Turn* turn, uint64_t thread) noexcept nogil:
    """Whether that thread runs the block, or was the last to read its stream."""
    cdef bint found
    monitor_lock(&turn.monitor)
    found = turn.uses != 0 and turn.user == thread
    monitor_unlock(&turn.monitor)
    return found


cdef inline bint turn_is_driven_by(Turn* turn, uint64_t thread) noexcept nogil:
    cdef bint found
    monitor_lock(&turn.monitor)
    found = turn.driver == thread
    monitor_unlock(&turn.monitor)
    return found


cdef inline bint turn_is_last(Turn* turn) noexcept nogil:
    """Whether the caller is the last to use the turn: then it clears up before `turn_leave`."""
    cdef bint last
    monitor_lock(&turn.monitor)
    last = turn.uses == 1
    monitor_unlock(&turn.monitor)
    return last


cdef inline bint turn_leave(Turn* turn, uint64_t thread) noexcept nogil:
    """Use it no more. True: it is free and closed."""
    cdef bint over
    monitor_lock(&turn.monitor)
    if turn.driver == thread:
        turn.driver = 0
    turn.uses -= 1
    over = turn.uses == 0 and turn.closed
    if turn.uses == 0:
        turn.user = 0
        monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)
    return over


cdef inline bint turn_close(Turn* turn) noexcept nogil:
    """Give no turns any more. True: the turn is free."""
    cdef bint free
    monitor_lock(&turn.monitor)
    turn.closed = True
    free = turn.uses == 0
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)
    return free


cdef inline bint turn_is_closed(Turn* turn) noexcept nogil:
    cdef bint closed
    monitor_lock(&turn.monitor)
    closed = turn.closed
    monitor_unlock(&turn.monitor)
    return closed


cdef inline bint turn_await_free(Turn* turn, int64_t ns_max) noexcept nogil:
    """Wait for up to about ``ns_max`` ns until the turn is free; whether it is."""
    cdef bint free
    monitor_lock(&turn.monitor)
    if turn.uses:
        monitor_wait(&turn.monitor, ns_max)
    free = turn.uses == 0
    monitor_unlock(&turn.monitor)
    return free


cdef inline void turn_expect(Turn* turn, int32_t threads) noexcept nogil:
    """So many more, or fewer, threads are on their way."""
    monitor_lock(&turn.monitor)
    turn.expected += threads
    if turn.expected < 0:
        turn.expected = 0
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)


cdef inline void turn_await_threads(Turn* turn, int64_t ns_max) noexcept nogil:
    """Wait until all that are on their way have come, or for ``ns_max`` ns."""
    cdef int64_t until = now_ns() + ns_max
    cdef int64_t left = ns_max
    monitor_lock(&turn.monitor)
    while turn.expected and left > 0:
        monitor_wait(&turn.monitor, left)
        left = until - now_ns()
    monitor_unlock(&turn.monitor)
