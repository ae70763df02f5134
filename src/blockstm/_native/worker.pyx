"""What a worker does; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset
from libcpp.atomic cimport memory_order_acquire, memory_order_relaxed, memory_order_release

from blockstm._native.abi cimport (
    BLOCKSTM_OK, BLOCKSTM_STALE, BLOCKSTM_SUCCESS, BLOCKSTM_VM_NEEDS_GIL,
)
from blockstm._native.arena cimport arena_free, arena_reset, arena_take
from blockstm._native.conditions cimport FAILS, HOLDS, Verdict, condition_holds
from blockstm._native.cursors cimport (
    events_announce, events_leave, events_notify, events_wait, now_ns,
)
from blockstm._native.frontier cimport (
    GOES_ON, OUT_OF_MEMORY, Answer, Write, frontier_end, frontier_settle,
)
from blockstm._native.interner cimport Location, location_at
from blockstm._native.numbers cimport same_payload
from blockstm._native.scheduler cimport (
    COMMITTING, EXECUTED, EXECUTING, FINAL, READY, WAITING, Scheduler, Task, Waiter,
    incarnation_of, phase_of, scheduler_claim_execution, scheduler_claim_revalidation,
    scheduler_frontier, scheduler_has_work, scheduler_limit, scheduler_revalidate,
    scheduler_stopping, scheduler_wait_for, scheduler_wake_waiters, task_leave, task_move,
    task_status,
)
from blockstm._native.store cimport store_estimate, store_publish
from blockstm._native.values cimport PAYLOAD_SKIP, Payload
from blockstm._native.view cimport (
    NO_ONE, POINT_CLAIM, POINT_COMMIT, POINT_PARK, POINT_PUBLISH, POINT_VALIDATE, Slot, View,
    view_begin, view_conditions, view_free, view_init, view_pause, view_reset,
)

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(PyThreadState*) noexcept

cdef enum:
    SAMPLE_EVERY = 16
    POLL_NS = 10_000_000           # how often worker 0 looks for signals
    PARK_NS_MAX = 50_000_000       # a parked worker 0 still looks for signals
    POLL_STRIDE_MAX = 1024
    CONFIDENCE_FULL = 64
    CONFIDENCE_WIDE = 16           # from here on speculation may use the whole window
    CONFIDENCE_PROBE = 6
    PAUSE_MIN = 32
    PAUSE_MAX = 4096

# ---------------------------------------------------------------- life


cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil:
    """Make a cleared worker ready; false where memory has run out."""
    worker.block = block
    worker.id = id
    worker.poll_stride = 1
    if not view_init(&worker.view, &block.store, &worker.arena):
        return False
    worker.view.worker = id
    worker.view.stopping = &block.scheduler.stopping
    return True


cdef void worker_free(Worker* worker) noexcept nogil:
    view_free(&worker.view)
    arena_free(&worker.arena)
    arena_free(&worker.scratch)
    free(worker.write)


cdef void worker_reset(Worker* worker) noexcept nogil:
    arena_reset(&worker.arena)
    arena_reset(&worker.scratch)
    view_reset(&worker.view)
    worker.view.memory = &worker.arena
    worker.incarnations = 0
    memset(worker.aborts, 0, sizeof(worker.aborts))
    memset(worker.phase_ns, 0, sizeof(worker.phase_ns))
    worker.samples = 0
    worker.parked_ns = worker.busy_ns = 0

# ---------------------------------------------------------------- time, sampled


cdef inline int64_t sample_begin(Worker* worker) noexcept nogil:
    """The time, for one task in SAMPLE_EVERY; else 0. A clock costs as much as a small task."""
    worker.sample_counter += 1
    if worker.sample_counter & (SAMPLE_EVERY - 1):
        return 0
    return now_ns()


cdef inline int64_t sample_phase(Worker* worker, int64_t since, int phase) noexcept nogil:
    cdef int64_t now
    if since == 0:
        return 0
    now = now_ns()
    worker.phase_ns[phase] += (now - since) * SAMPLE_EVERY
    return now


cdef bint poll(Worker* worker) noexcept nogil:
    """Worker 0: from time to time, whether to give up. Adapts to how long its tasks take."""
    cdef Block* block = worker.block
    cdef int64_t now, elapsed
    worker.poll_counter += 1
    if worker.poll_counter < worker.poll_stride:
        return False
    worker.poll_counter = 0
    now = now_ns()
    elapsed = now - worker.polled_at_ns
    if elapsed < POLL_NS:
        if elapsed < POLL_NS / 4 and worker.poll_stride < POLL_STRIDE_MAX:
            worker.poll_stride *= 2
        return False
    worker.poll_stride = 1
    worker.polled_at_ns = now
    return block.poll(block.poll_context)


cdef inline bint gives_up(Worker* worker) noexcept nogil:
    """Whether the caller wants the block stopped; if so, stops it."""
    if worker.id != 0 or worker.block.poll == NULL or not poll(worker):
        return False
    stop_block(worker.block)
    return True


cdef void stop_block(Block* block) noexcept nogil:
    """Send every worker home. Release: what the frontier wrote about the ending is visible."""
    block.scheduler.stopping.store(1, memory_order_release)
    events_notify(&block.scheduler.events)

# ---------------------------------------------------------------- running


cdef int32_t run(Worker* worker, int32_t index, bint final_prefix) noexcept nogil:
    """One incarnation; gives what `execute` answered."""
    cdef const void* context = worker.block.vm.context
    view_begin(&worker.view, index, final_prefix)
    worker.incarnations += 1
    return worker.block.vm.execute(<void*>context, &worker.view.public_part, index)


cdef Answer answer_of(const View* view, int32_t status) noexcept nogil:
    cdef Answer answer
    answer.faulted = view.fault != BLOCKSTM_OK
    answer.status = view.fault if answer.faulted else status
    answer.gas = view.gas
    answer.output = view.output
    answer.output_size = view.output_size
    answer.value = view.error if answer.faulted else view.value
    return answer


cdef bint collect_writes(Worker* worker) noexcept nogil:
    """The run's writes into ``worker.write``; false where memory has run out."""
    cdef View* view = &worker.view
    cdef Write* larger
    cdef Slot* slot
    cdef uint32_t index
    if view.writes > worker.write_capacity:
        larger = <Write*>realloc(worker.write, 2 * <uint64_t>view.writes * sizeof(Write))
        if larger == NULL:
            return False
        worker.write = larger
        worker.write_capacity = 2 * view.writes
    for index in range(view.writes):
        slot = &view.slot[view.written[index]]
        worker.write[index].location = slot.location
        worker.write[index].payload = slot.own
        worker.write[index].entry = NULL
    return True

# ---------------------------------------------------------------- at the frontier


cdef void revalidate_readers(Worker* worker, int32_t index, const Write* write, uint32_t count) noexcept nogil:
    """Have those above ``index`` checked who may have looked at these locations too early."""
    cdef Block* block = worker.block
    cdef int32_t reader, highest = index
    cdef uint32_t place
    cdef const Location* location
    if not block.revalidation:
        return
    for place in range(count):
        location = location_at(&block.store.interner, write[place].location)
        reader = location.highest_reader.load(memory_order_relaxed)  # only a heuristic
        if reader > highest:
            highest = reader
    if highest > index:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>highest + 1)


cdef bint run_at_frontier(Worker* worker, int32_t index) noexcept nogil:
    """Run the transaction we own on the exact prefix and settle it. False: the block ends."""
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef Record* before
    cdef int64_t since = sample_begin(worker)
    cdef int32_t status = run(worker, index, True)
    cdef Answer answer
    cdef uint32_t writes
    since = sample_phase(worker, since, PHASE_EXECUTE)
    if worker.view.fault == BLOCKSTM_STALE:  # at the frontier only the end of the block says so
        worker.aborts[<int>ABORT_STOPPED] += 1
        return False
    answer = answer_of(&worker.view, status)
    writes = worker.view.writes if status == BLOCKSTM_SUCCESS and not answer.faulted else 0
    if writes and not collect_writes(worker):
        frontier_end(&block.frontier, OUT_OF_MEMORY, 0)
        return False
    if frontier_settle(&block.frontier, &worker.view, index, &answer, worker.write, writes) != GOES_ON:
        return False
    if block.workers > 1:
        revalidate_readers(worker, index, worker.write, writes)
        before = <Record*>task.record.load(memory_order_acquire)
        if before != NULL:
            revalidate_readers(worker, index, before.write, before.writes)
    sample_phase(worker, since, PHASE_COMMIT)
    return True


cdef bint record_holds_finally(Worker* worker, const Record* record, int32_t index) noexcept nogil:
    """Whether every condition is true of the exact prefix."""
    cdef uint32_t place
    for place in range(record.conditions):
        if condition_holds(&worker.block.store, &record.condition[place], index,
                           &worker.view.folding) != HOLDS:
            return False
    return True


cdef bint settle_record(Worker* worker, Record* record, int32_t index) noexcept nogil:
    """Make a speculative run final that turned out right. False: the block ends."""
    cdef Answer answer
    answer.status = record.status
    answer.faulted = record.faulted
    answer.gas = record.gas
    answer.output = record.output
    answer.output_size = record.output_size
    answer.value = record.value
    return frontier_settle(&worker.block.frontier, &worker.view, index, &answer, record.write,
                           record.writes) == GOES_ON


cdef void mark_estimates(const Record* record) noexcept nogil:
    """The writes of a run that proved wrong will most likely come again."""
    cdef uint32_t place
    for place in range(record.writes):
        store_estimate(record.write[place].entry)


cdef void learn(Block* block, int64_t index, bint hit) noexcept nogil:
    """Let speculation run far where it is right, near where it errs, and rest where it only errs."""
    cdef Scheduler* scheduler = &block.scheduler
    if not block.throttle:
        return
    if hit:
        if block.confidence < CONFIDENCE_FULL:
            block.confidence += 1
            if block.confidence == CONFIDENCE_WIDE:
                block.pause = PAUSE_MIN
                scheduler.reach.next.store(block.window, memory_order_relaxed)
        return
    block.confidence -= 2
    if block.confidence <= 0:
        block.confidence = 0
        block.resume_at = index + block.pause
        if block.pause < PAUSE_MAX:
            block.pause *= 2
        scheduler.reach.next.store(1, memory_order_relaxed)
    elif block.confidence < CONFIDENCE_WIDE:
        scheduler.reach.next.store(2 * block.workers + 2, memory_order_relaxed)


cdef inline void resume_speculation(Block* block, int64_t index) noexcept nogil:
    """At the end of a rest, try again, carefully."""
    if block.resume_at and index >= block.resume_at:
        block.resume_at = 0
        block.confidence = CONFIDENCE_PROBE
        block.scheduler.reach.next.store(2 * block.workers + 2, memory_order_relaxed)


cdef bint settle_owned(Worker* worker, int32_t index, bint rerun) noexcept nogil:
    """The transaction at the frontier is ours: make it final. False: the block ends."""
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef Record* record
    cdef int64_t since
    if rerun:
        return run_at_frontier(worker, index)
    record = <Record*>task.record.load(memory_order_acquire)
    since = sample_begin(worker)
    if record_holds_finally(worker, record, index):
        since = sample_phase(worker, since, PHASE_VALIDATE)
        learn(block, index, True)
        if not settle_record(worker, record, index):
            return False
        sample_phase(worker, since, PHASE_COMMIT)
        return True
    sample_phase(worker, since, PHASE_VALIDATE)
    worker.aborts[<int>ABORT_FRONTIER] += 1
    learn(block, index, False)
    mark_estimates(record)
    task_leave(task, EXECUTING, 1)
    return run_at_frontier(worker, index)


cdef bint own_frontier(Worker* worker, int64_t index, bint* rerun) noexcept nogil:
    """Take the transaction at the frontier, if it is nobody's; ``rerun``: nothing usable ran."""
    cdef Task* task = &worker.block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef uint32_t phase = phase_of(status)
    if phase == EXECUTED:
        rerun[0] = False
        return task_move(task, status, COMMITTING, 0)
    if phase == READY or phase == WAITING:
        rerun[0] = True
        if not task_move(task, status, EXECUTING, 0):
            return False
        if incarnation_of(status):
            learn(worker.block, index, False)
        return True
    return False


cdef bint finish(Worker* worker, int64_t index, bint rerun) noexcept nogil:
    """Settle the frontier's transaction, which we own, and move the frontier. False: the end."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    if not settle_owned(worker, <int32_t>index, rerun):
        task_leave(task, WAITING, 1)
        stop_block(block)
        return False
    resume_speculation(block, index)
    task_leave(task, FINAL, 0)
    # seq_cst: see scheduler.pxd. From here on the frontier's own words belong to somebody else.
    scheduler.frontier.next.store(index + 1)
    scheduler_wake_waiters(scheduler, index)
    if block.streaming:
        events_notify(&scheduler.events)
    return True


cdef bint advance_frontier(Worker* worker) noexcept nogil:
    """Make final what can be. True: something became final."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler_frontier(scheduler)
    cdef int64_t first = index
    cdef bint rerun = False
    while index < scheduler.count and not scheduler_stopping(scheduler):
        view_pause(&worker.view, POINT_COMMIT, <int32_t>index)
        if not own_frontier(worker, index, &rerun):
            break
        if not finish(worker, index, rerun):
            return True
        index += 1
        # Relaxed: who parks just now is told at the end, or looks for himself before he parks.
        if scheduler.events.waiters.load(memory_order_relaxed):
            tell_idle(scheduler)
        if gives_up(worker):
            return True
    if index == scheduler.count:
        stop_block(worker.block)
    elif index != first:
        tell_idle(scheduler)
    return index != first


cdef inline bint window_is_open(Scheduler* scheduler) noexcept nogil:
    """Whether enough has become claimable to be worth waking somebody: half a window, or the
    rest of the block."""
    cdef int64_t limit = scheduler_limit(scheduler)
    cdef int64_t claimable = limit - scheduler.execution.next.load(memory_order_acquire)
    return claimable > 0 and (limit == scheduler.count
                              or 2 * claimable > scheduler.reach.next.load(memory_order_relaxed))


cdef inline void tell_idle(Scheduler* scheduler) noexcept nogil:
    """The frontier has moved: wake the parked, if there is something for them to claim."""
    if (window_is_open(scheduler) or scheduler.revalidation.next.load(memory_order_acquire)
            < scheduler.revalidation_end.next.load(memory_order_acquire)):
        events_notify(&scheduler.events)

# ---------------------------------------------------------------- speculation


cdef Record* new_record(Worker* worker, int32_t status) noexcept nogil:
    """What the run saw, wrote and came to, in the arena; NULL where memory has run out."""
    cdef View* view = &worker.view
    cdef Record* record = <Record*>arena_take(&worker.arena, sizeof(Record))
    cdef Answer answer = answer_of(view, status)
    cdef uint32_t index
    if record == NULL or not view_conditions(view, &record.condition, &record.conditions):
        return NULL
    record.status = answer.status
    record.faulted = answer.faulted
    record.gas = answer.gas
    record.output = answer.output
    record.output_size = answer.output_size
    record.value = answer.value
    record.writes = view.writes if answer.status == BLOCKSTM_SUCCESS and not answer.faulted else 0
    record.write = NULL
    if record.writes == 0:
        return record
    record.write = <Write*>arena_take(&worker.arena, record.writes * sizeof(Write))
    if record.write == NULL or not collect_writes(worker):
        return NULL
    for index in range(record.writes):
        record.write[index] = worker.write[index]
    return record


cdef bint publish_writes(Worker* worker, Record* record, bint* changed) noexcept nogil:
    """Put the writes where others see them; ``changed``: one differs from what stood there."""
    cdef Block* block = worker.block
    cdef Location* location
    cdef Write* write
    cdef const Payload* before
    cdef uint32_t index
    for index in range(record.writes):
        write = &record.write[index]
        location = location_at(&block.store.interner, write.location)
        view_pause(&worker.view, POINT_PUBLISH, write.payload.index)
        write.entry = store_publish(location, write.payload, &worker.arena, &before)
        if write.entry == NULL:
            return False
        if before == NULL or not same_write(block, before, write.payload):
            changed[0] = True
    return True


cdef inline bint same_write(Block* block, const Payload* left, const Payload* right) noexcept nogil:
    """Whether readers above would see the same of both."""
    if left.kind != right.kind or left.kind == PAYLOAD_SKIP or left.negative != right.negative:
        return left.kind == right.kind and left.kind == PAYLOAD_SKIP
    return same_payload(&block.store.numbers, left, right)


cdef bint withdraw_writes(Worker* worker, const Record* before, const Record* record, int32_t index,
                          bint* changed) noexcept nogil:
    """What the last incarnation wrote and this one does not, is to be looked through."""
    cdef Payload* skip = NULL
    cdef uint32_t place
    cdef const Payload* now
    if before == NULL:
        return True
    for place in range(before.writes):
        now = <const Payload*>before.write[place].entry.payload.load(memory_order_relaxed)  # our own
        if now != before.write[place].payload and not <uint64_t>now & 1:
            continue  # written again
        if skip == NULL:
            skip = <Payload*>arena_take(&worker.arena, sizeof(Payload))
            if skip == NULL:
                return False
            memset(skip, 0, sizeof(Payload))
            skip.kind = PAYLOAD_SKIP
            skip.index = index
        before.write[place].entry.payload.store(<size_t>skip, memory_order_release)
        changed[0] = True
    return True


cdef void publish(Worker* worker, int32_t index, int32_t status) noexcept nogil:
    """The run is over: show what it came to, and tell those who may have missed it."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef Record* before = <Record*>task.record.load(memory_order_acquire)
    cdef Record* record = new_record(worker, status)
    cdef bint changed = False
    if (record == NULL or not publish_writes(worker, record, &changed)
            or not withdraw_writes(worker, before, record, index, &changed)):
        task_leave(task, WAITING, 1)  # out of memory: the frontier says so, if it still is
        return
    task.record.store(record, memory_order_release)
    view_pause(&worker.view, POINT_PUBLISH, index)
    task_leave(task, EXECUTED, 0)
    if changed:
        revalidate_readers(worker, index, record.write, record.writes)
        if before != NULL:
            revalidate_readers(worker, index, before.write, before.writes)
    if scheduler_wake_waiters(scheduler, index):
        events_notify(&scheduler.events)


cdef void wait_for_writer(Worker* worker, int32_t index) noexcept nogil:
    """The run met a write that is coming: run again when it is there, or at the frontier."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef int32_t writer = worker.view.blocked_on
    cdef Waiter* waiter = NULL
    if writer != NO_ONE and incarnation_of(task_status(task)) + 1 < worker.block.max_incarnations:
        waiter = <Waiter*>arena_take(&worker.arena, sizeof(Waiter))
    if scheduler_stopping(scheduler):
        worker.aborts[<int>ABORT_STOPPED] += 1
    else:
        worker.aborts[<int>ABORT_ESTIMATE] += 1
    task_leave(task, WAITING, 1)
    if waiter != NULL:
        waiter.index = index
        scheduler_wait_for(scheduler, waiter, writer)


cdef void run_owned(Worker* worker, int32_t index) noexcept nogil:
    """Run a transaction we own: at the frontier if that has come here, else speculatively."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int32_t status
    cdef int64_t since
    if scheduler_frontier(scheduler) == index:
        if finish(worker, index, True):
            if index + 1 == scheduler.count:
                stop_block(worker.block)
            else:
                tell_idle(scheduler)
        return
    since = sample_begin(worker)
    status = run(worker, index, False)
    since = sample_phase(worker, since, PHASE_EXECUTE)
    if worker.view.fault == BLOCKSTM_STALE:
        wait_for_writer(worker, index)
    else:
        publish(worker, index, status)
        sample_phase(worker, since, PHASE_PUBLISH)


cdef Verdict record_verdict(Worker* worker, const Record* record, int32_t index) noexcept nogil:
    """Whether a run ahead of the frontier still looks right."""
    cdef uint32_t place
    for place in range(record.conditions):
        if condition_holds(&worker.block.store, &record.condition[place], index,
                           &worker.view.folding) == FAILS:
            return FAILS
    return HOLDS


cdef void revalidate(Worker* worker, int64_t index) noexcept nogil:
    """Check an executed transaction again; if it is wrong, run it again at once."""
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef Record* record
    cdef int64_t since
    view_pause(&worker.view, POINT_VALIDATE, <int32_t>index)
    if phase_of(status) != EXECUTED:
        return
    since = sample_begin(worker)
    record = <Record*>task.record.load(memory_order_acquire)
    if record_verdict(worker, record, <int32_t>index) != FAILS:
        sample_phase(worker, since, PHASE_VALIDATE)
        return
    sample_phase(worker, since, PHASE_VALIDATE)
    if not task_move(task, status, EXECUTING, 1):
        return
    worker.aborts[<int>ABORT_VALIDATION] += 1
    mark_estimates(record)
    if incarnation_of(status) + 1 >= block.max_incarnations:
        task_leave(task, WAITING, 0)
        return
    run_owned(worker, <int32_t>index)

# ---------------------------------------------------------------- parking


cdef void park(Worker* worker) noexcept nogil:
    """Wait until there may be something to do. The GIL, if we hold it, is given up meanwhile."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef PyThreadState* thread = NULL
    cdef uint32_t key = events_announce(&scheduler.events)
    cdef int64_t since
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
    worker.parked_ns += now_ns() - since
    worker.poll_counter = worker.poll_stride  # look for signals soon


cdef bint do_one(Worker* worker) noexcept nogil:
    """Do the most urgent thing there is; false where there is nothing."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index
    cdef Task* task
    cdef uint32_t status
    if advance_frontier(worker):
        return True
    index = scheduler_claim_revalidation(scheduler)
    if index >= 0:
        revalidate(worker, index)
        return True
    view_pause(&worker.view, POINT_CLAIM, -1)
    index = scheduler_claim_execution(scheduler)
    if index < 0:
        return False
    task = &scheduler.task[index]
    status = task_status(task)
    if phase_of(status) == READY and task_move(task, status, EXECUTING, 0):
        run_owned(worker, <int32_t>index)
    return True


cdef void worker_run(Worker* worker) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    worker.polled_at_ns = since
    while not scheduler_stopping(scheduler):
        if not do_one(worker):
            park(worker)
        if gives_up(worker):
            break
    worker.busy_ns += now_ns() - since - worker.parked_ns


cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t since = now_ns()
    cdef int64_t index = scheduler.frontier.next.load(memory_order_relaxed)  # nobody else moves it
    worker.polled_at_ns = since
    worker.view.memory = &worker.scratch
    while index < until and not scheduler_stopping(scheduler):
        if not run_at_frontier(worker, <int32_t>index):
            stop_block(worker.block)
            break
        index += 1
        # release: whoever streams the outcomes reads them after this.
        scheduler.frontier.next.store(index, memory_order_release)
        if worker.block.streaming:
            events_notify(&scheduler.events)
        if gives_up(worker):
            break
    if index == scheduler.count:
        stop_block(worker.block)
    worker.view.memory = &worker.arena
    worker.busy_ns += now_ns() - since
