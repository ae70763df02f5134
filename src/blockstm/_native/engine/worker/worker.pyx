"""What a worker does; see the ``.pxd``."""
from libc.stdint cimport UINT64_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from blockstm._native.abi cimport BLOCKSTM_VM_NEEDS_GIL
from blockstm._native.base.arena cimport arena_free, arena_reset, arena_rest
from blockstm._native.base.chunks cimport chunk_store
from blockstm._native.base.cursors cimport (
    cpu_relax, cursor_lower, events_announce, events_leave, events_notify, events_wait, now_ns,
    thread_yield,
)
from blockstm._native.base.pages cimport pages_free
from blockstm._native.engine.expected cimport learn_early
from blockstm._native.engine.scheduler cimport (
    COMMITTING, EXECUTED, EXECUTING, READY, STOP, Scheduler, Task, batch_first, batch_word,
    incarnation_of, phase_of, scheduler_claim_batch, scheduler_claim_revalidation,
    scheduler_frontier, scheduler_has_work, scheduler_stopping, scheduler_widen_window, task_move,
    task_status,
)
from blockstm._native.engine.view.accesses cimport (
    POINT_CLAIM, POINT_PARK, POINT_READ, release_claim, view_pause,
)
from blockstm._native.engine.view.view cimport new_run, view_free, view_init, view_reset
from blockstm._native.engine.worker.blocks cimport (
    BATCH_MAX, BATCH_NS, PHASE_PARK, POLL_NS, SAMPLE_EVERY, STALLED_NS, Block, Incarnation, Worker,
)
from blockstm._native.engine.worker.commit cimport (
    advance_frontier, commit_frontier, condition_not_final, run_at_frontier, wake_idle,
)
from blockstm._native.engine.worker.conflicts cimport conflicts_reset
from blockstm._native.engine.worker.expecting cimport (
    EARLY, TAKEN, claim_held, claim_long, hold, may_be_stolen, may_take_held,
)
from blockstm._native.engine.worker.grouping cimport run_followers
from blockstm._native.engine.worker.reclaiming cimport reclaim_speculation
from blockstm._native.engine.worker.sampling cimport learn_run
from blockstm._native.engine.worker.speculation cimport revalidate, run_owned
from blockstm._native.engine.worker.stopping cimport gives_up, stop_block
from blockstm._native.engine.worker.timeline cimport timeline_add, timeline_new, timeline_reset

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(PyThreadState*) noexcept
    int PyGILState_Check() noexcept

cdef enum:
    PARK_NS_MAX = 50_000_000       # a parked worker 0 still asks for signals
    SPIN_ROUNDS = 40               # looks for work before parking, ...
    PAUSES_PER_ROUND = 8           # ... and pauses before each: some microseconds in all
    SHORT_NS = 2_000               # after a shorter run the clock and the commit index are not read ...
    RUNS_PER_CLOCK_CHECK = 8       # ... but after so many, the one, ...
    RUNS_PER_FRONTIER_CHECK = 4    # ... and so many, the other
    MEASURED_NS = 200_000          # length of a measurement of whether sharing pays ...
    SLOW_MAX = 6                   # ... and how many in a row may say that it does not; the first are cold
    AWAIT_NS_MIN = 2_000           # a run that has taken less is aborted: it is soon repeated
    AWAIT_NS_SPIN = 20_000         # before the core is yielded
    READERS_NEAR = 16              # at most

# ---------------------------------------------------------------- life


cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil:
    """Make a cleared worker ready; false where memory has run out."""
    worker.block = block
    worker.id = id
    worker.poll_stride = 1
    worker.sample_every = SAMPLE_EVERY
    worker.block_arena.store = worker.speculation_arena.store = worker.run_arena.store = chunk_store()
    if not view_init(&worker.view, &block.store, &worker.block_arena, &worker.speculation_arena):
        return False
    worker.view.worker = id
    worker.view.stopping = &block.scheduler.stopping
    worker.view.frontier = &block.scheduler.frontier.next
    worker.view.claimed = &block.scheduler.claimed[id].next
    worker.view.await_writer = await_writer
    worker.view.await_others = await_others
    worker.view.gives_up = gives_up_within_run
    worker.view.await_context = worker
    return True


cdef void worker_free(Worker* worker) noexcept nogil:
    view_free(&worker.view)
    arena_free(&worker.block_arena)
    arena_free(&worker.speculation_arena)
    arena_free(&worker.run_arena)
    free(worker.write)
    pages_free(worker.batch_writes)
    free(worker.conflicts.at)
    free(worker.timeline)


cdef void worker_rest_speculation(Worker* worker) noexcept nogil:
    arena_rest(&worker.speculation_arena)
    worker.speculated = NULL


cdef void worker_rest(Worker* worker) noexcept nogil:
    arena_rest(&worker.block_arena)
    arena_rest(&worker.run_arena)


cdef void worker_reset(Worker* worker) noexcept nogil:
    """Forget the last block. Worker 0 does so first."""
    if worker.id == 0:
        worker.block.run = new_run()
    arena_reset(&worker.block_arena)
    arena_reset(&worker.speculation_arena)
    arena_reset(&worker.run_arena)
    view_reset(&worker.view, worker.block.run)
    worker.view.write_arena = &worker.block_arena
    worker.batch_next = worker.batch_end = worker.batch = 0
    worker.view.readers_near = 1
    worker.batch_began_ns = worker.frontier_seen_ns = worker.frontier_since_ns = now_ns()
    worker.frontier_seen = -1
    worker.speculated = NULL
    worker.speculated_end = 0
    worker.measured_ns = worker.slow = 0
    worker.run_ns = worker.block.run_ns
    worker.idle_runs = UINT64_MAX
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


cdef bint has_work(Worker* worker) noexcept nogil:
    """Whether a worker that is about to park would find work after all."""
    if worker.block.relays:
        return is_in_turn(worker) or scheduler_stopping(&worker.block.scheduler)
    return scheduler_has_work(&worker.block.scheduler)


cdef bint work_comes_soon(Worker* worker) noexcept nogil:
    """Spin for some microseconds, until there is work: to park and be woken costs more than that."""
    cdef int round, pause
    if worker.view.pause != NULL or worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
        return False
    for round in range(SPIN_ROUNDS):
        for pause in range(PAUSES_PER_ROUND):
            cpu_relax()
        if has_work(worker):
            return True
    return False


cdef void park(Worker* worker) noexcept nogil:
    """Wait until there may be work. The GIL, if this worker holds it, is released meanwhile."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef PyThreadState* thread = NULL
    cdef uint32_t key = events_announce(&scheduler.events)
    cdef int64_t since, now
    if has_work(worker):
        events_leave(&scheduler.events)
        return
    if worker.view.pause != NULL:
        view_pause(&worker.view, POINT_PARK, <int32_t>key)
        events_leave(&scheduler.events)
        return
    since = now_ns()
    if worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
        thread = PyEval_SaveThread()
    events_wait(&scheduler.events, key, STALLED_NS if may_take_held(scheduler.expected) else PARK_NS_MAX)
    if thread != NULL:
        PyEval_RestoreThread(thread)
    events_leave(&scheduler.events)
    now = now_ns()
    worker.parked_ns += now - since
    if worker.timeline != NULL:
        timeline_add(worker.timeline, PHASE_PARK, since, now, -1)
    worker.poll_counter = worker.poll_stride  # ask for signals soon


cdef bint is_running(Task* task) noexcept nogil:
    cdef uint32_t phase = phase_of(task_status(task))
    return phase == EXECUTING or phase == COMMITTING


cdef bint await_task(Worker* worker, Task* task, int64_t ns_max) noexcept nogil:
    """Wait until no worker runs a task; false: that takes too long, or the block is stopped."""
    cdef int64_t since = now_ns(), now = since
    cdef int pause
    # Under a native VM that is within a Python function, the other worker may need the GIL that this one holds.
    if ns_max < AWAIT_NS_MIN or PyGILState_Check():
        return False
    release_claim(&worker.view)  # the frontier must not wait for this worker meanwhile
    while is_running(task):
        if now - since > ns_max or scheduler_stopping(&worker.block.scheduler):
            return False
        if now - since > AWAIT_NS_SPIN:
            thread_yield()
        for pause in range(PAUSES_PER_ROUND):
            cpu_relax()
        now = now_ns()
    return True


cdef bint await_writer(void* context, int32_t writer) noexcept nogil:
    """Wait for an estimated write, instead of aborting the run that needs it.

    Only while the writer runs: its transaction comes before the reader's, so it does not wait for the
    reader. And for no longer than the reader's run has taken so far: more than that waiting cannot save.
    """
    cdef Worker* worker = <Worker*>context
    cdef Task* task = &worker.block.scheduler.task[writer]
    if worker.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL or not is_running(task):
        return False
    if worker.view.pause != NULL:  # explored: without a clock, and so that it ends
        view_pause(&worker.view, POINT_READ, <int32_t>worker.view.public_part.index)
        return not is_running(task)
    return await_task(worker, task, now_ns() - worker.run_began_ns)


cdef void await_others(void* context) noexcept nogil:
    """Wait a little for earlier transactions that run.

    Similar runs that began together reach the same location together, the later transaction a moment
    too early: that moment is worth waiting for, up to an eighth of the run so far.
    """
    cdef Worker* worker = <Worker*>context
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler.frontier.next.peek()  # statuses decide
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
    """Whether the caller wants the block stopped; if so, stops it. For a long run."""
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


cdef int64_t batch_length(const Worker* worker) noexcept nogil:
    """How many transactions to claim at once."""
    cdef int64_t length = BATCH_NS // (worker.run_ns + 1)
    return length if length < worker.block.batch_max else worker.block.batch_max


cdef bint claim_batch(Worker* worker) noexcept nogil:
    """Claim the transactions to run next; false where there are none."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t first
    view_pause(&worker.view, POINT_CLAIM, -1)
    first = scheduler_claim_batch(scheduler, batch_length(worker), worker.block.workers,
                                    &worker.batch_end)
    if first < 0:
        return False
    # Long runs come in small batches: each of them is worth a revalidation of its own.
    worker.view.readers_near = <int32_t>(worker.batch_end - first)
    if worker.view.readers_near > READERS_NEAR:
        worker.view.readers_near = READERS_NEAR
    worker.batch_next = first
    worker.runs_before = worker.incarnations
    worker.batch_began_ns = now_ns()
    observe_frontier(worker, worker.batch_began_ns)
    reclaim_speculation(worker)
    if worker.id == 0 and worker.block.alone_ns:
        measure_sharing(worker)
    worker.batch = 0
    if worker.batch_end > first + 1:
        worker.batch = batch_word(worker.id, first)
        # EXECUTED publishes it. Until another worker sees it, that one only commits what this one claimed.
        scheduler.claimed[worker.id].next.prepare(worker.batch)
    return True


cdef void run_next(Worker* worker) noexcept nogil:
    """Run the next transaction of the batch, unless another worker does; after the last one, end the batch.

    When the frontier has reached the batch, what was executed of it is committed at once: the rest
    then runs at the frontier, which costs less than ahead of it.
    """
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = worker.batch_next
    cdef Task* task = &scheduler.task[index]
    cdef uint32_t status
    if batch_is_stalled(worker):
        return_batch(worker)
        return
    if worker.batch and checks_frontier(worker) and (
            scheduler.frontier.next.peek() >= batch_first(worker.batch)):
        release_batch(worker)
        advance_frontier(worker)
    status = task_status(task)
    worker.batch_next += 1
    if scheduler.expected != NULL and is_held(worker, index, status):
        pass
    elif phase_of(status) == READY and task_move(task, status, EXECUTING, 0):
        run_owned(worker, <int32_t>index)
        if scheduler.expected != NULL and scheduler.expected.groups.is_used:
            run_followers(worker, index)
    if worker.batch_next == worker.batch_end:
        if runs_of_batch(worker):
            learn_run(worker, (now_ns() - worker.batch_began_ns) // runs_of_batch(worker))
        end_batch(worker)


cdef bint is_held(Worker* worker, int64_t index, uint32_t status) noexcept nogil:
    """Whether what is expected of a transaction keeps it from being run now.

    One that was begun before its turn is validated in its turn: most of what it depends on is there now.
    """
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Task* task = &scheduler.task[index]
    if phase_of(status) == READY:
        return hold(worker, index, status)
    if phase_of(status) == EXECUTED and task.batch.read_plain() == EARLY:
        worker.run_began_ns = now_ns()
        revalidate(worker, index)
        learn_early(scheduler.expected, incarnation_of(task_status(task)) == incarnation_of(status))
    return True


cdef int64_t runs_of_batch(Worker* worker) noexcept nogil:
    """How many runs this worker made since the batch began, most of them of the batch."""
    return <int64_t>(worker.incarnations - worker.runs_before)


cdef bint checks_frontier(Worker* worker) noexcept nogil:
    """Whether to load the commit index before the next run: that takes its cache line from the worker that commits."""
    return worker.batch_next % RUNS_PER_FRONTIER_CHECK == 0 or worker.run_ns >= SHORT_NS


cdef bint batch_is_stalled(Worker* worker) noexcept nogil:
    """Whether the batch, of which some has been run, takes too long; reads the clock from time to time."""
    cdef int64_t runs = runs_of_batch(worker)
    if runs % RUNS_PER_CLOCK_CHECK and worker.run_ns < SHORT_NS:
        return False
    worker.run_began_ns = now_ns() if runs else worker.batch_began_ns
    return worker.run_began_ns - worker.batch_began_ns > STALLED_NS


cdef void return_batch(Worker* worker) noexcept nogil:
    """Let other workers claim the rest of the batch: what follows may depend on it."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    learn_run(worker, (worker.run_began_ns - worker.batch_began_ns) // runs_of_batch(worker))
    observe_frontier(worker, worker.run_began_ns)
    cursor_lower(&scheduler.execution, worker.batch_next)
    end_batch(worker)
    wake_idle(scheduler)


cdef void end_batch(Worker* worker) noexcept nogil:
    """Release the batch; after that the commit index is loaded (scheduler.pxd says why)."""
    worker.batch_next = worker.batch_end = 0
    release_batch(worker)


cdef void release_batch(Worker* worker) noexcept nogil:
    if worker.batch:
        worker.batch = 0
        worker.block.scheduler.claimed[worker.id].next.write_in_order(0)


cdef void observe_frontier(Worker* worker, int64_t now) noexcept nogil:
    """Load the commit index; if it has moved, it may have done so right after the load before."""
    cdef int64_t frontier = worker.block.scheduler.frontier.next.peek()
    if frontier != worker.frontier_seen:
        worker.frontier_seen = frontier
        worker.frontier_since_ns = worker.frontier_seen_ns
    worker.frontier_seen_ns = now


cdef void measure_sharing(Worker* worker) noexcept nogil:
    """Measure whether the frontier moves as fast as one worker alone would move it; if not, end the sharing.

    What a run takes alone may have been measured on a few of them, whose data were in the cache: half as much again is
    what to expect of many. Where transactions have become shorter since then, so have runs.
    """
    cdef int64_t more_ns = 0 if worker.block.alone_is_typical else worker.block.alone_ns // 2
    cdef int64_t alone_ns = min(worker.block.alone_ns + more_ns, worker.run_ns)
    cdef int64_t taken_ns = worker.frontier_seen_ns - worker.measured_ns
    cdef int64_t count = worker.frontier_seen - worker.measured_from
    if worker.measured_ns and taken_ns < MEASURED_NS:
        return
    if worker.measured_ns:
        worker.slow = worker.slow + 1 if taken_ns > count * alone_ns else 0
    # A long run may stall the frontier for a while, but long runs are worth sharing.
    if worker.slow >= SLOW_MAX and worker.run_ns < SHORT_NS:
        worker.slow = 0
        worker.block.sharing_ns = taken_ns // (count + 1)
        worker.block.unprofitable.suggest(1)
    worker.measured_ns = worker.frontier_seen_ns
    worker.measured_from = worker.frontier_seen


cdef bint frontier_is_stalled(Worker* worker) noexcept nogil:
    """Whether the frontier has not moved for long: then its owner may have claimed more than it will soon run."""
    return worker.frontier_seen_ns - worker.frontier_since_ns > STALLED_NS


cdef bint steal_work(Worker* worker) noexcept nogil:
    """Run a transaction that another worker has claimed and not begun: it may be busy with a long run."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler_frontier(scheduler)
    cdef int64_t end = scheduler.execution.next.peek()  # statuses decide
    cdef Task* task
    cdef uint32_t status
    if worker.block.batch_max == 1 and scheduler.expected == NULL:  # then no worker claims more than it runs
        return False
    while index < end and index < scheduler.count:
        task = &scheduler.task[index]
        status = task_status(task)
        if may_be_stolen(scheduler, index, status) and task_move(task, status, EXECUTING, 0):
            worker.run_began_ns = now_ns()
            run_owned(worker, <int32_t>index)
            return True
        index += 1
    return False


cdef bint run_long(Worker* worker) noexcept nogil:
    """Run a long transaction before its turn; false where there is none."""
    cdef int64_t index = claim_long(worker)
    if index < 0:
        return False
    worker.batch = EARLY
    run_owned(worker, <int32_t>index)
    worker.batch = 0
    return True


cdef bint run_held(Worker* worker) noexcept nogil:
    """Run a held transaction all the same; false where there is none."""
    cdef int64_t index = claim_held(worker)
    if index < 0:
        return False
    worker.batch = TAKEN
    run_owned(worker, <int32_t>index)
    worker.batch = 0
    return True


cdef bint do_one(Worker* worker) noexcept nogil:
    """Do the most urgent work; false where there is none."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index
    if worker.batch_next < worker.batch_end:
        run_next(worker)
        return True
    if advance_frontier(worker):
        return True
    index = scheduler_claim_revalidation(scheduler)
    if index >= 0:
        worker.run_began_ns = now_ns()
        revalidate(worker, index)
        return True
    if frontier_is_stalled(worker) and steal_work(worker):
        return True
    if scheduler.expected != NULL and run_long(worker):
        return True
    if claim_batch(worker):
        run_next(worker)
        return True
    return steal_work(worker) or (scheduler.expected != NULL and run_held(worker))


cdef void worker_run(Worker* worker) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t parked_ns = worker.parked_ns
    worker.polled_at_ns = since
    worker.poll_stride = 1
    worker.poll_counter = 0
    while not scheduler_stopping(scheduler):
        if (not do_one(worker) and not work_comes_soon(worker)
                and not scheduler_widen_window(scheduler)):
            park(worker)
        if gives_up(worker):
            break
    end_batch(worker)
    worker.busy_ns += now_ns() - since - (worker.parked_ns - parked_ns)


cdef int64_t executed_end(Block* block) noexcept nogil:
    """One behind the last transaction that ran ahead of the frontier and waits to be committed; 0: there is none."""
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t frontier = scheduler.frontier.next.read_plain()
    cdef int64_t index = min(scheduler.count, frontier + block.window_max + BATCH_MAX)
    while index > frontier:
        index -= 1
        if phase_of(task_status(&scheduler.task[index])) == EXECUTED:
            return index + 1
    return 0


cdef bint commit_next(Worker* worker, int64_t index) noexcept nogil:
    """Commit the transaction at the frontier, run if it has not been. False: it had been run, and that was invalid.

    A run of it at the frontier may have been stopped as the workers left: that was an incarnation of its own.
    """
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef bint has_run = phase_of(status) == EXECUTED
    cdef uint32_t stopped = phase_of(status) == EXECUTING
    if has_run and condition_not_final(worker, <Incarnation*>task.published.observe()) != NULL:
        return False
    return (task_move(task, status, COMMITTING if has_run else EXECUTING, stopped)
            and commit_frontier(worker, index, not has_run))


cdef void worker_commit_executed(Worker* worker) noexcept nogil:
    """Commit what has been executed, and what lies between: it need not run again. Up to the first that is invalid."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t index = scheduler.frontier.next.read_plain()  # no other worker moves it
    cdef int64_t end = executed_end(worker.block)
    while index < end and not scheduler_stopping(scheduler) and commit_next(worker, index):
        index += 1
        scheduler.frontier.next.publish(index)
        if worker.block.streaming:
            events_notify(&scheduler.events)
        if gives_up(worker):
            break
    if index == scheduler.count:
        stop_block(worker.block, STOP)
    worker.busy_ns += now_ns() - since


cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t index = scheduler.frontier.next.read_plain()  # no other worker moves it
    worker.polled_at_ns = since
    worker.poll_stride = 1
    worker.poll_counter = 0
    while index < until and not scheduler_stopping(scheduler):
        if not run_at_frontier(worker, <int32_t>index):
            stop_block(worker.block, STOP)
            break
        index += 1
        # A stream's reader reads the outcomes after it.
        scheduler.frontier.next.publish(index)
        if worker.block.streaming:
            events_notify(&scheduler.events)
        if gives_up(worker):
            break
    if index == scheduler.count:
        stop_block(worker.block, STOP)
    worker.busy_ns += now_ns() - since
