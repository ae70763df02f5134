"""Whose turn an executor is; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.cursors cimport (
    monitor_destroy, monitor_init, monitor_lock, monitor_unlock, monitor_wait, monitor_wake_all, now_ns,
)


cdef void turn_init(Turn* turn) noexcept nogil:
    monitor_init(&turn.monitor)


cdef void turn_destroy(Turn* turn) noexcept nogil:
    monitor_destroy(&turn.monitor)


cdef TurnTaken turn_take(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil:
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


cdef void turn_use(Turn* turn, uint64_t thread) noexcept nogil:
    monitor_lock(&turn.monitor)
    turn.uses += 1
    turn.user = thread
    monitor_unlock(&turn.monitor)


cdef void turn_disown(Turn* turn) noexcept nogil:
    monitor_lock(&turn.monitor)
    turn.user = 0
    monitor_unlock(&turn.monitor)


cdef void turn_offer(Turn* turn) noexcept nogil:
    monitor_lock(&turn.monitor)
    turn.uses += 1
    turn.offered = True
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)


cdef void turn_drive(Turn* turn, uint64_t thread) noexcept nogil:
    monitor_lock(&turn.monitor)
    turn.driver = thread
    monitor_unlock(&turn.monitor)


cdef bint turn_await_offer(Turn* turn, uint64_t thread, int64_t ns_max) noexcept nogil:
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


cdef bint turn_is_of(Turn* turn, uint64_t thread) noexcept nogil:
    cdef bint found
    monitor_lock(&turn.monitor)
    found = turn.uses != 0 and turn.user == thread
    monitor_unlock(&turn.monitor)
    return found


cdef bint turn_is_driven_by(Turn* turn, uint64_t thread) noexcept nogil:
    cdef bint found
    monitor_lock(&turn.monitor)
    found = turn.driver == thread
    monitor_unlock(&turn.monitor)
    return found


cdef bint turn_is_last(Turn* turn) noexcept nogil:
    cdef bint last
    monitor_lock(&turn.monitor)
    last = turn.uses == 1
    monitor_unlock(&turn.monitor)
    return last


cdef bint turn_leave(Turn* turn, uint64_t thread) noexcept nogil:
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


cdef bint turn_close(Turn* turn) noexcept nogil:
    cdef bint free
    monitor_lock(&turn.monitor)
    turn.closed = True
    free = turn.uses == 0
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)
    return free


cdef bint turn_is_closed(Turn* turn) noexcept nogil:
    cdef bint closed
    monitor_lock(&turn.monitor)
    closed = turn.closed
    monitor_unlock(&turn.monitor)
    return closed


cdef bint turn_await_free(Turn* turn, int64_t ns_max) noexcept nogil:
    cdef bint free
    monitor_lock(&turn.monitor)
    if turn.uses:
        monitor_wait(&turn.monitor, ns_max)
    free = turn.uses == 0
    monitor_unlock(&turn.monitor)
    return free


cdef void turn_expect(Turn* turn, int32_t threads) noexcept nogil:
    monitor_lock(&turn.monitor)
    turn.expected += threads
    if turn.expected < 0:
        turn.expected = 0
    monitor_wake_all(&turn.monitor)
    monitor_unlock(&turn.monitor)


cdef bint turn_await_threads(Turn* turn, int64_t ns_max) noexcept nogil:
    cdef int64_t until = now_ns() + ns_max
    cdef int64_t left = ns_max
    cdef bint have_come
    monitor_lock(&turn.monitor)
    while turn.expected and left > 0:
        monitor_wait(&turn.monitor, left)
        left = until - now_ns()
    have_come = turn.expected == 0
    monitor_unlock(&turn.monitor)
    return have_come
