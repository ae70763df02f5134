"""Decides which worker goes on; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc

from blockstm._native.base.cursors cimport (
    monitor_lock, monitor_unlock, monitor_wait, monitor_wake_all,
)
from blockstm._native.engine.scheduler cimport STOP
from blockstm._native.engine.view.accesses cimport (
    POINT_CLAIM, POINT_COMMIT, POINT_JOIN, POINT_LEAVE, POINT_PARK, POINT_PUBLISH, POINT_READ,
    POINT_VALIDATE,
)

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(PyThreadState*) noexcept

cdef enum:
    NOBODY = -1
    WAIT_NS = 1_000_000_000
    TRACE_MIN = 4096        # decisions that there is memory for at first

POINTS = {POINT_CLAIM: "claim", POINT_READ: "read", POINT_PUBLISH: "publish",
          POINT_VALIDATE: "validate", POINT_COMMIT: "commit", POINT_PARK: "park",
          POINT_JOIN: "join", POINT_LEAVE: "leave"}


cdef bint may_go_on(Explorer* explorer, int32_t worker) noexcept nogil:
    cdef Scheduler* scheduler = explorer.scheduler
    if explorer.state[worker] != PARKED:
        return explorer.state[worker] == RUNNABLE
    return (scheduler.events.epoch.observe() != explorer.key[worker]
            or scheduler.stopping.observe() != 0)


cdef int32_t nth_option(Explorer* explorer, int32_t last, int32_t chosen) noexcept nogil:
    """The worker at place ``chosen``: the one that went on last comes first, then the others in order."""
    cdef int32_t worker
    if last != NOBODY and may_go_on(explorer, last):
        if chosen == 0:
            return last
        chosen -= 1
    else:
        last = NOBODY
    for worker in range(explorer.workers):
        if worker == last or not may_go_on(explorer, worker):
            continue
        if chosen == 0:
            return worker
        chosen -= 1
    return NOBODY


cdef int32_t count_options(Explorer* explorer) noexcept nogil:
    cdef int32_t worker, options = 0
    for worker in range(explorer.workers):
        options += may_go_on(explorer, worker)
    return options


cdef void give_up(Explorer* explorer) noexcept nogil:
    """No worker can go on, or the block does not end: stop it."""
    explorer.stuck = True
    explorer.scheduler.stopping.add_flags(STOP)


cdef bint is_endless(Explorer* explorer) noexcept nogil:
    return explorer.steps >= explorer.steps_max or explorer.reads >= explorer.reads_max


cdef bint has_room(Explorer* explorer) noexcept nogil:
    """Whether there is memory for one more decision; gets it."""
    cdef uint64_t capacity = max(<uint64_t>TRACE_MIN, 2 * explorer.trace_capacity)
    cdef Decision* trace
    if explorer.trace_size < explorer.trace_capacity:
        return True
    trace = <Decision*>realloc(explorer.trace, capacity * sizeof(Decision))
    if trace == NULL:
        explorer.no_memory = True
        return False
    explorer.trace = trace
    explorer.trace_capacity = capacity
    return True


cdef void note(Explorer* explorer, const Decision* decision) noexcept nogil:
    """Write a decision down, for which there is room."""
    explorer.trace[explorer.trace_size] = decision[0]
    explorer.trace_size += 1
    if decision.point == POINT_READ:
        explorer.reads += 1
    else:
        explorer.steps += 1
        explorer.reads = 0


cdef void explorer_free(Explorer* explorer) noexcept nogil:
    free(explorer.trace)
    explorer.trace = NULL


cdef int32_t choose(Explorer* explorer, int32_t last) noexcept nogil:
    """The worker that goes on; NOBODY once all have left."""
    cdef Decision decision
    cdef int32_t options = count_options(explorer)
    if options == 0:
        options = 0
        for decision.worker in range(explorer.workers):
            options += explorer.state[decision.worker] != OUTSIDE
        if options == 0:
            return NOBODY
        give_up(explorer)
        options = count_options(explorer)
    if not explorer.stuck and (is_endless(explorer) or not has_room(explorer)):
        give_up(explorer)
    decision.options = options
    decision.chosen = 0
    if explorer.trace_size < explorer.choice_count and not explorer.stuck:
        decision.chosen = <int32_t>(explorer.choices[explorer.trace_size] % <uint32_t>options)
    decision.worker = nth_option(explorer, last, decision.chosen)
    decision.point = explorer.point[decision.worker]
    decision.index = explorer.index[decision.worker]
    if not explorer.stuck:
        note(explorer, &decision)
    return decision.worker


cdef void hand_over(Explorer* explorer, int32_t worker, int32_t chosen) noexcept nogil:
    """Let ``chosen`` run. The monitor is held."""
    explorer.current = chosen
    if chosen != NOBODY:
        explorer.state[chosen] = RUNNABLE
    if chosen != worker:
        monitor_wake_all(&explorer.monitor)


cdef void explorer_pause(void* context, int worker, int point, int32_t index) noexcept nogil:
    cdef Explorer* explorer = <Explorer*>context
    cdef PyThreadState* thread = NULL
    cdef bint proceed
    monitor_lock(&explorer.monitor)
    explorer.point[worker] = point
    explorer.index[worker] = index
    explorer.state[worker] = RUNNABLE
    if point == POINT_PARK:
        explorer.state[worker] = PARKED
        explorer.key[worker] = <uint32_t>index
        explorer.index[worker] = -1
    elif point == POINT_LEAVE:
        explorer.state[worker] = OUTSIDE
    elif point == POINT_JOIN:
        explorer.joined += 1
    if point != POINT_JOIN:
        hand_over(explorer, worker, choose(explorer, worker))
    elif explorer.joined == explorer.workers:
        hand_over(explorer, worker, 0)  # nothing has happened yet: all workers are alike
    proceed = explorer.current == worker or point == POINT_LEAVE
    monitor_unlock(&explorer.monitor)
    if proceed:
        return
    if explorer.holds_gil:
        thread = PyEval_SaveThread()
    monitor_lock(&explorer.monitor)
    while explorer.current != worker:
        monitor_wait(&explorer.monitor, WAIT_NS)
    monitor_unlock(&explorer.monitor)
    if thread != NULL:
        PyEval_RestoreThread(thread)


cdef list explorer_decisions(const Explorer* explorer):
    """The decisions of an explored block: options, choice, worker, point and index of each."""
    cdef uint64_t place
    cdef const Decision* decision
    decisions = []
    for place in range(explorer.trace_size):
        decision = &explorer.trace[place]
        decisions.append((decision.options, decision.chosen, decision.worker,
                          POINTS[decision.point], decision.index))
    return decisions
