"""What a worker does; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset
from libcpp.atomic cimport memory_order_relaxed, memory_order_release, memory_order_seq_cst

from blockstm._native.abi cimport BLOCKSTM_VM_NEEDS_GIL
from blockstm._native.base.arena cimport arena_free, arena_reset
from blockstm._native.base.cursors cimport (
    cpu_relax, cursor_lower, events_announce, events_leave, events_notify, events_wait, now_ns, thread_yield,
)
from blockstm._native.engine.scheduler cimport (
    COMMITTING, EXECUTING, READY, STOP, Scheduler, Task, phase_of, scheduler_claim_revalidation,
    scheduler_claim_stretch, scheduler_frontier, scheduler_has_work, scheduler_reach_further,
    scheduler_stopping, stretch_first, stretch_of, task_move, task_status,
)
from blockstm._native.engine.view.slots cimport (
    POINT_CLAIM, POINT_LOOK, POINT_PARK, give_out_of_hand, view_pause,
)
from blockstm._native.engine.view.view cimport view_free, view_init, view_reset
from blockstm._native.engine.worker.blocks cimport (
    OVERDUE_NS, PHASE_PARK, POLL_NS, SAMPLE_EVERY, Block, Worker, gives_up, learn_run, stop_block, stretch_length,
)
from blockstm._native.engine.worker.commit cimport advance_frontier, run_at_frontier, tell_idle
from blockstm._native.engine.worker.conflicts cimport conflicts_reset
from blockstm._native.engine.worker.speculation cimport revalidate, run_owned
from blockstm._native.engine.worker.timeline cimport timeline_add, timeline_new, timeline_reset

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(PyThreadState*) noexcept

cdef enum:
    PARK_NS_MAX = 50_000_000       # a parked worker 0 still looks for signals
    LOOKS = 40                     # for work before parking, ...
    RELAX = 8                      # ... and pauses between two: some microseconds in all
    SHORT_NS = 2_000               # a shorter run is not worth a look at the clock, or at the frontier
    CLOCKED = 8                    # so many are, together, for the one, ...
    LOOKED_AFTER = 4               # ... and so many for the other
    MEASURED_NS = 200_000          # for so long each time it is measured whether sharing pays, ...
    SLOW_MAX = 2                   # ... and so often in a row it may not
    AWAIT_NS_MIN = 2_000           # a run that took less is soon run again
    AWAIT_NS_SPIN = 20_000         # before others may have the core
    READERS_NEAR = 16              # at most

# ---------------------------------------------------------------- life


cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil:
    """Make a cleared worker ready; false where memory has run out."""
    worker.block = block
    worker.id = id
    worker.poll_stride = 1
    worker.sample_every = SAMPLE_EVERY
    if not view_init(&worker.view, &block.store, &worker.arena, &worker.notes):
        return False
    worker.view.worker = id
    worker.view.stopping = &block.scheduler.stopping
    worker.view.frontier = &block.scheduler.frontier.next
    worker.view.in_hand = &block.scheduler.stretch[id].next
    worker.view.await_writer = await_writer
    worker.view.await_others = await_others
    worker.view.gives_up = gives_up_within_run
    worker.view.await_context = worker
    return True


cdef void worker_free(Worker* worker) noexcept nogil:
    view_free(&worker.view)
    arena_free(&worker.arena)
    arena_free(&worker.notes)
    arena_free(&worker.scratch)
    free(worker.write)
    free(worker.conflicts.at)
    free(worker.timeline)


cdef void worker_reset(Worker* worker) noexcept nogil:
    arena_reset(&worker.arena)
    arena_reset(&worker.notes)
    arena_reset(&worker.scratch)
    view_reset(&worker.view)
    worker.view.memory = &worker.arena
    worker.stretch_next = worker.stretch_end = worker.hand = 0
    worker.view.readers_near = 1
    worker.stretch_began_ns = worker.frontier_seen_ns = worker.frontier_since_ns = now_ns()
    worker.frontier_seen = -1
    worker.measured_ns = worker.slow = 0
    worker.run_ns = worker.block.run_ns
    worker.incarnations = 0
    memset(worker.aborts, 0, sizeof(worker.aborts))
    memset(worker.phase_ns, 0, sizeof(worker.phase_ns))
    worker.parked_ns = worker.busy_ns = 0
    conflicts_reset(&worker.conflicts)
    if worker.timeline != NULL:
        timeline_reset(worker.timeline)


cdef bint worker_keep_timeline(Worker* worker, uint64_t spans) noexcept nogil:
    """With a timeline every task is sampled, so that none is missing in it."""
    if (worker.timeline.capacity if worker.timeline != NULL else 0) == spans:
        return True
    free(worker.timeline)
    worker.timeline = timeline_new(spans) if spans else NULL
    worker.sample_every = SAMPLE_EVERY if worker.timeline == NULL else 1
    return spans == 0 or worker.timeline != NULL

# ---------------------------------------------------------------- parking


cdef bint work_comes_soon(Worker* worker) noexcept nogil:
    """Look for work for some microseconds: parking and being woken cost more than that."""
    cdef int look, pause
    if worker.view.pause != NULL or worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
        return False
    for look in range(LOOKS):
        for pause in range(RELAX):
            cpu_relax()
        if scheduler_has_work(&worker.block.scheduler):
            return True
    return False


cdef void park(Worker* worker) noexcept nogil:
    """Wait until there may be something to do. The GIL, if we hold it, is given up meanwhile."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef PyThreadState* thread = NULL
    cdef uint32_t key = events_announce(&scheduler.events)
    cdef int64_t since, now
    if scheduler_has_work(scheduler):
        events_leave(&scheduler.events)
        return
    if worker.view.pause != NULL:
        view_pause(&worker.view, POINT_PARK, <int32_t>key)
        events_leave(&scheduler.events)
        return
    since = now_ns()
    if worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
        thread = PyEval_SaveThread()
    events_wait(&scheduler.events, key, PARK_NS_MAX)
    if thread != NULL:
        PyEval_RestoreThread(thread)
    events_leave(&scheduler.events)
    now = now_ns()
    worker.parked_ns += now - since
    if worker.timeline != NULL:
        timeline_add(worker.timeline, PHASE_PARK, since, now, -1)
    worker.poll_counter = worker.poll_stride  # look for signals soon


cdef bint is_running(Task* task) noexcept nogil:
    cdef uint32_t phase = phase_of(task_status(task))
    return phase == EXECUTING or phase == COMMITTING


cdef bint await_task(Worker* worker, Task* task, int64_t ns_max) noexcept nogil:
    """Wait until nobody runs a task; false: it takes too long, or the block is stopped."""
    cdef int64_t since = now_ns(), now = since
    cdef int pause
    if ns_max < AWAIT_NS_MIN:
        return False
    give_out_of_hand(&worker.view)  # the frontier must not wait for us meanwhile
    while is_running(task):
        if now - since > ns_max or scheduler_stopping(&worker.block.scheduler):
            return False
        if now - since > AWAIT_NS_SPIN:
            thread_yield()
        for pause in range(RELAX):
            cpu_relax()
        now = now_ns()
    return True


cdef bint await_writer(void* context, int32_t writer) noexcept nogil:
    """Wait for a write that is coming, instead of giving up the run that needs it.

    Only while the writer is running: it comes before us, so it does not wait for us. And for no longer
    than our own run has taken so far, as that is what waiting can save.
    """
    cdef Worker* worker = <Worker*>context
    cdef Task* task = &worker.block.scheduler.task[writer]
    if worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL or not is_running(task):
        return False
    if worker.view.pause != NULL:  # explored: without a clock, and so that it ends
        view_pause(&worker.view, POINT_LOOK, <int32_t>worker.view.public_part.index)
        return not is_running(task)
    return await_task(worker, task, now_ns() - worker.run_began_ns)


cdef void await_others(void* context) noexcept nogil:
    """Wait a little for those that run and come before us.

    Runs that are alike and began together come to the same location together, and the second a moment
    too early: that moment is worth waiting, an eighth of the run so far.
    """
    cdef Worker* worker = <Worker*>context
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler.frontier.next.load(memory_order_relaxed)  # statuses decide
    cdef int64_t most
    if worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL or worker.view.pause != NULL:
        return
    most = (now_ns() - worker.run_began_ns) >> 3
    if most < AWAIT_NS_MIN:
        return
    while index < worker.view.public_part.index:
        if is_running(&scheduler.task[index]) and not await_task(worker, &scheduler.task[index], most):
            return
        index += 1


cdef bint gives_up_within_run(void* context) noexcept nogil:
    """Whether the caller wants the block stopped; if so, stops it. For a run that takes long."""
    cdef Worker* worker = <Worker*>context
    cdef int64_t now
    if worker.id != 0 or worker.block.poll == NULL or worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
        return False
    now = now_ns()
    if now - worker.polled_at_ns < POLL_NS:
        return False
    worker.polled_at_ns = now
    if not worker.block.poll(worker.block.poll_context):
        return False
    stop_block(worker.block, STOP)
    return True


cdef bint claim_stretch(Worker* worker) noexcept nogil:
    """Take what is to be run next into hand; false where there is nothing."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t first
    view_pause(&worker.view, POINT_CLAIM, -1)
    first = scheduler_claim_stretch(scheduler, stretch_length(worker), worker.block.workers,
                                    &worker.stretch_end)
    if first < 0:
        return False
    # Of runs that are long each is worth being told that it looked too early.
    worker.view.readers_near = <int32_t>(worker.stretch_end - first)
    if worker.view.readers_near > READERS_NEAR:
        worker.view.readers_near = READERS_NEAR
    worker.stretch_next = first
    worker.runs_before = worker.incarnations
    worker.stretch_began_ns = now_ns()
    see_frontier(worker, worker.stretch_began_ns)
    if worker.id == 0 and worker.block.alone_ns:
        measure_sharing(worker)
    worker.hand = 0
    if worker.stretch_end > first + 1:
        worker.hand = stretch_of(worker.id, first)
        # Relaxed: until it is seen, others only make final what is in hand.
        scheduler.stretch[worker.id].next.store(worker.hand, memory_order_relaxed)
    return True


cdef void go_on(Worker* worker) noexcept nogil:
    """Run the next of the stretch, unless somebody else does; behind the last, let go of it.

    When the frontier has come to the stretch, what has been run of it is made final at once: what is
    still to be run is then run at the frontier, which costs less than ahead of it.
    """
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = worker.stretch_next
    cdef Task* task = &scheduler.task[index]
    cdef uint32_t status
    if takes_too_long(worker):
        give_back(worker)
        return
    if worker.hand and looks_at_frontier(worker) and (
            scheduler.frontier.next.load(memory_order_relaxed) >= stretch_first(worker.hand)):
        let_go_of_word(worker)
        advance_frontier(worker)
    status = task_status(task)
    worker.stretch_next += 1
    if phase_of(status) == READY and task_move(task, status, EXECUTING, 0):
        run_owned(worker, <int32_t>index)
    if worker.stretch_next == worker.stretch_end:
        if runs_of_stretch(worker):
            learn_run(worker, (now_ns() - worker.stretch_began_ns) // runs_of_stretch(worker))
        let_go(worker)


cdef int64_t runs_of_stretch(Worker* worker) noexcept nogil:
    """How many we have made since it began; others may have made some of it, and not all ours are of it."""
    return <int64_t>(worker.incarnations - worker.runs_before)


cdef bint looks_at_frontier(Worker* worker) noexcept nogil:
    """Whether to, before the next run: each look takes the word from who moves it."""
    return worker.stretch_next % LOOKED_AFTER == 0 or worker.run_ns >= SHORT_NS


cdef bint takes_too_long(Worker* worker) noexcept nogil:
    """Whether the stretch does, of which some has been run; looks at the clock from time to time."""
    cdef int64_t runs = runs_of_stretch(worker)
    if runs % CLOCKED and worker.run_ns < SHORT_NS:
        return False
    worker.run_began_ns = now_ns() if runs else worker.stretch_began_ns
    return worker.run_began_ns - worker.stretch_began_ns > OVERDUE_NS


cdef void give_back(Worker* worker) noexcept nogil:
    """Whoever claims next may have what is left of the stretch: what follows may depend on it."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    learn_run(worker, (worker.run_began_ns - worker.stretch_began_ns) // runs_of_stretch(worker))
    see_frontier(worker, worker.run_began_ns)
    cursor_lower(&scheduler.execution, worker.stretch_next)
    let_go(worker)
    tell_idle(scheduler)


cdef void let_go(Worker* worker) noexcept nogil:
    """Nothing is in hand any more; then look at the frontier (scheduler.pxd says why)."""
    worker.stretch_next = worker.stretch_end = 0
    let_go_of_word(worker)


cdef void let_go_of_word(Worker* worker) noexcept nogil:
    if worker.hand:
        worker.hand = 0
        worker.block.scheduler.stretch[worker.id].next.store(0, memory_order_seq_cst)


cdef void see_frontier(Worker* worker, int64_t now) noexcept nogil:
    """Look where the frontier is; where it has moved, it may have done so right after the look before."""
    cdef int64_t frontier = worker.block.scheduler.frontier.next.load(memory_order_relaxed)  # a heuristic
    if frontier != worker.frontier_seen:
        worker.frontier_seen = frontier
        worker.frontier_since_ns = worker.frontier_seen_ns
    worker.frontier_seen_ns = now


cdef void measure_sharing(Worker* worker) noexcept nogil:
    """Whether the frontier moves as fast as one worker alone would move it; if not, end the sharing.

    Where transactions have become shorter since it was decided to share, one alone would be faster than then.
    """
    cdef int64_t alone_ns = min(worker.block.alone_ns, worker.run_ns)
    cdef int64_t taken_ns = worker.frontier_seen_ns - worker.measured_ns
    cdef int64_t count = worker.frontier_seen - worker.measured_from
    if worker.measured_ns and taken_ns < MEASURED_NS:
        return
    if worker.measured_ns:
        worker.slow = worker.slow + 1 if taken_ns > count * alone_ns else 0
    # A long one may hold it up for a while, but it is no longer one of those that are asked about.
    if worker.slow >= SLOW_MAX and worker.run_ns < SHORT_NS:
        worker.slow = 0
        worker.block.leaves.store(1, memory_order_relaxed)  # being late is all right
    worker.measured_ns = worker.frontier_seen_ns
    worker.measured_from = worker.frontier_seen


cdef bint frontier_is_overdue(Worker* worker) noexcept nogil:
    """Whether it may stand still for long: then its owner may have more in hand than it will come to soon,
    on which all that follows may depend."""
    return worker.frontier_seen_ns - worker.frontier_since_ns > OVERDUE_NS


cdef bint lend_a_hand(Worker* worker) noexcept nogil:
    """Run something that another has in hand and has not come to: it may be busy for long with one."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler_frontier(scheduler)
    cdef int64_t end = scheduler.execution.next.load(memory_order_relaxed)  # statuses decide
    cdef Task* task
    cdef uint32_t status
    if worker.block.stretch_max == 1:  # then nobody has more in hand than it runs
        return False
    while index < end and index < scheduler.count:
        task = &scheduler.task[index]
        status = task_status(task)
        if phase_of(status) == READY and task_move(task, status, EXECUTING, 0):
            worker.run_began_ns = now_ns()
            run_owned(worker, <int32_t>index)
            return True
        index += 1
    return False


cdef bint do_one(Worker* worker) noexcept nogil:
    """Do the most urgent thing there is; false where there is nothing."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index
    if worker.stretch_next < worker.stretch_end:
        go_on(worker)
        return True
    if advance_frontier(worker):
        return True
    index = scheduler_claim_revalidation(scheduler)
    if index >= 0:
        worker.run_began_ns = now_ns()
        revalidate(worker, index)
        return True
    if frontier_is_overdue(worker) and lend_a_hand(worker):
        return True
    if claim_stretch(worker):
        go_on(worker)
        return True
    return lend_a_hand(worker)


cdef void worker_run(Worker* worker) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t parked_ns = worker.parked_ns
    worker.polled_at_ns = since
    worker.poll_stride = 1
    worker.poll_counter = 0
    while not scheduler_stopping(scheduler):
        if (not do_one(worker) and not work_comes_soon(worker)
                and not scheduler_reach_further(scheduler)):
            park(worker)
        if gives_up(worker):
            break
    let_go(worker)
    worker.busy_ns += now_ns() - since - (worker.parked_ns - parked_ns)


cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t index = scheduler.frontier.next.load(memory_order_relaxed)  # nobody else moves it
    worker.polled_at_ns = since
    worker.poll_stride = 1
    worker.poll_counter = 0
    while index < until and not scheduler_stopping(scheduler):
        if not run_at_frontier(worker, <int32_t>index):
            stop_block(worker.block, STOP)
            break
        index += 1
        # release: whoever streams the outcomes reads them after this.
        scheduler.frontier.next.store(index, memory_order_release)
        if worker.block.streaming:
            events_notify(&scheduler.events)
        if gives_up(worker):
            break
    if index == scheduler.count:
        stop_block(worker.block, STOP)
    worker.busy_ns += now_ns() - since
