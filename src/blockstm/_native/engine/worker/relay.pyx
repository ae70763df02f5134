"""How a worker takes part in a relay; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from blockstm._native.abi cimport BLOCKSTM_STALE
from blockstm._native.base.arena cimport arena_reset
from blockstm._native.base.cursors cimport cursor_claim_batch, events_notify, now_ns, thread_yield
from blockstm._native.base.pages cimport pages_take
from blockstm._native.engine.frontier cimport RUNNING, ExecutionResult, frontier_admits
from blockstm._native.engine.scheduler cimport (
    BACK_OFF, READY, STOP, Scheduler, scheduler_stopping, task_leave,
)
from blockstm._native.engine.view.accesses cimport NOWHERE, POINT_CLAIM, POINT_COMMIT, View, view_pause
from blockstm._native.engine.view.batch_writes cimport (
    WRITES_MAX, BatchWrites, batch_add, batch_begin,
)
from blockstm._native.engine.view.conditions cimport Condition
from blockstm._native.engine.worker.blocks cimport (
    ABORT_FRONTIER, ABORT_STOPPED, PHASE_COMMIT, PHASE_EXECUTE, PHASE_VALIDATE, RELAY_MAX, STALLED_NS, Block,
    Incarnation, Worker,
)
from blockstm._native.engine.worker.commit cimport (
    COMMITS_PER_PUBLISH, Advance, commit_published, commit_refused, condition_not_final, frontier_is_awaited,
    publish_advance, run_admitted, run_at_frontier,
)
from blockstm._native.engine.worker.runs cimport count_abort, run
from blockstm._native.engine.worker.sampling cimport learn_run, sample_begin, sample_phase
from blockstm._native.engine.worker.speculation cimport new_incarnation
from blockstm._native.engine.worker.stopping cimport gives_up, stop_block
from blockstm._native.engine.worker.throttle cimport end_back_off, learn
from blockstm._native.engine.worker.worker cimport (
    batch_length, is_in_turn, measure_sharing, observe_frontier, park, runs_of_batch, work_comes_soon,
)

cdef enum:
    SHORT_NS = 2_000             # after a shorter run the commit index and the clock are not read, ...
    RUNS_PER_FRONTIER_CHECK = 4  # ... but after so many, the one, ...
    RUNS_PER_CLOCK_CHECK = 8     # ... and so many, the other
    SPINS = 16                   # of some microseconds each, until a turn comes, before parking
    WRONG_WEIGHT = 3             # right runs ahead that make a wrong one good
    WRONG_MAX = 192              # beyond that the workers go on without a relay

# ---------------------------------------------------------------- a batch, ahead of the frontier


cdef bint take_batch(Worker* worker) noexcept nogil:
    """Claim the transactions to run next; false where all are claimed: then its turn is the block's end."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t first, length
    view_pause(&worker.view, POINT_CLAIM, -1)
    length = relay_length(worker)
    worker.runs_before = worker.incarnations
    first = cursor_claim_batch(&scheduler.execution, scheduler.count, length, &worker.batch_end)
    if first < 0:
        worker.view.batch_first = worker.batch_next = worker.batch_end = scheduler.count
        return False
    worker.view.batch_first = worker.batch_next = first
    worker.batch_began_ns = now_ns()
    observe_frontier(worker, worker.batch_began_ns)
    if worker.id == 0 and block.alone_ns:
        measure_sharing(worker)
    batch_begin(worker.batch_writes)
    # All that lies there is of batches that are committed, or of runs that were forgotten before the relay.
    arena_reset(&worker.speculation_arena)
    return True


cdef int64_t relay_length(const Worker* worker) noexcept nogil:
    """How many transactions to claim at once. The last batches are short, so that all workers end at the same time."""
    cdef const Block* block = worker.block
    cdef int64_t left = block.scheduler.count - block.scheduler.execution.next.peek()
    if worker.view.pause != NULL:  # explored: without a clock
        return block.batch_max
    return max(1, min(2 * batch_length(worker), RELAY_MAX, left // (2 * block.workers)))


cdef bint reads_frontier(const Worker* worker) noexcept nogil:
    """Whether to load the commit index before the next run: that takes its cache line from the worker that commits."""
    return ((worker.batch_next - worker.view.batch_first) % RUNS_PER_FRONTIER_CHECK == 0
            or worker.run_ns >= SHORT_NS or worker.view.pause != NULL)


cdef bint is_stalled(Worker* worker) noexcept nogil:
    """Whether the batch takes too long; reads the clock from time to time."""
    if worker.view.pause != NULL or (runs_of_batch(worker) % RUNS_PER_CLOCK_CHECK and worker.run_ns < SHORT_NS):
        return False
    return now_ns() - worker.batch_began_ns > 2 * STALLED_NS


cdef void run_ahead(Worker* worker) noexcept nogil:
    """Run the batch until the frontier reaches it, or it is through, or takes so long that it had better wait."""
    while worker.batch_next < worker.batch_end and not scheduler_stopping(&worker.block.scheduler):
        if reads_frontier(worker) and is_in_turn(worker) or is_stalled(worker):
            return
        if not run_one_ahead(worker, <int32_t>worker.batch_next) or gives_up(worker):
            return


cdef bint run_one_ahead(Worker* worker, int32_t index) noexcept nogil:
    """Run the next transaction of the batch. False: it is to be run at the frontier, with what follows."""
    cdef int64_t since = sample_begin(worker)
    cdef int32_t status = run(worker, index, False)
    cdef Incarnation* incarnation
    sample_phase(worker, since, PHASE_EXECUTE, index)
    if worker.view.fault == BLOCKSTM_STALE:
        if scheduler_stopping(&worker.block.scheduler):
            worker.aborts[<int>ABORT_STOPPED] += 1
        elif worker.view.blocked_at == NOWHERE:
            worker.aborts[<int>ABORT_FRONTIER] += 1
        else:
            count_abort(worker, ABORT_FRONTIER, worker.view.blocked_at)
        task_leave(&worker.block.scheduler.task[index], READY, 1)  # for timelines
        return False
    incarnation = new_incarnation(worker, status)
    if incarnation == NULL or not keep_writes(worker.batch_writes, incarnation):
        worker.aborts[<int>ABORT_FRONTIER] += 1
        task_leave(&worker.block.scheduler.task[index], READY, 1)  # for timelines
        return False
    worker.ahead[index - worker.view.batch_first] = incarnation
    worker.batch_next += 1
    return True


cdef bint keep_writes(BatchWrites* writes, const Incarnation* incarnation) noexcept nogil:
    """Have the rest of the batch read them; false: there is no room."""
    cdef uint32_t place
    if writes.count + incarnation.writes > WRITES_MAX:
        return False
    for place in range(incarnation.writes):
        batch_add(writes, incarnation.write[place].location, incarnation.write[place].payload)
    return True

# ---------------------------------------------------------------- its turn


cdef bint await_turn(Worker* worker) noexcept nogil:
    """Wait until the frontier reaches the batch; false: the block is stopped."""
    cdef int64_t since = now_ns()
    cdef int spins = 0
    while not is_in_turn(worker):
        if scheduler_stopping(&worker.block.scheduler) or gives_up(worker):
            return False
        if not work_comes_soon(worker):
            spins += 1
            if spins < SPINS and worker.view.pause == NULL:
                thread_yield()  # to the one that is awaited, where it has no core
            else:
                park(worker)
    worker.batch_began_ns += now_ns() - since
    return not scheduler_stopping(&worker.block.scheduler)


cdef void forget_ahead(Worker* worker, int64_t index) noexcept nogil:
    """The workers leave the block: what this one has run ahead, from ``index`` on, is not committed."""
    while index < worker.batch_next:
        worker.aborts[<int>ABORT_STOPPED] += 1
        task_leave(&worker.block.scheduler.task[index], READY, 1)  # for timelines
        index += 1


cdef bint commit_ahead(Worker* worker, int32_t index) noexcept nogil:
    """Commit a transaction of the batch that was run ahead; if that was wrong, run it again. False: the block ends."""
    cdef Block* block = worker.block
    cdef const Incarnation* incarnation = worker.ahead[index - worker.view.batch_first]
    cdef const Condition* failed
    cdef ExecutionResult refused
    cdef bint committed
    cdef int64_t since
    if not frontier_admits(&block.frontier, &worker.view, index, &refused):
        return commit_refused(worker, index, &refused)
    since = sample_begin(worker)
    failed = condition_not_final(worker, incarnation)
    since = sample_phase(worker, since, PHASE_VALIDATE, index)
    learn(block, index, failed == NULL)
    if failed == NULL:
        block.relay_wrong -= block.relay_wrong > 0
        committed = commit_published(worker, incarnation, index)
        if committed:
            sample_phase(worker, since, PHASE_COMMIT, index)
        return committed
    block.relay_wrong += WRONG_WEIGHT
    count_abort(worker, ABORT_FRONTIER, failed.location)
    task_leave(&block.scheduler.task[index], READY, 1)  # for timelines
    return run_admitted(worker, index)


cdef bint is_to_end(Worker* worker) noexcept nogil:
    """Whether the workers had better share the block without a relay. By the owner of the frontier."""
    cdef Block* block = worker.block
    if not block.may_back_off or block.always_relays:
        return False
    if block.relay_wrong > WRONG_MAX:
        block.may_relay = False
    elif is_stalled(worker):
        block.relay_stalls += 1
        block.may_relay = block.relay_stalls < RELAY_STALLS_MAX
    else:
        return False
    return True


cdef void commit_batch(Worker* worker) noexcept nogil:
    """Commit the batch, whose turn it is, and hand the frontier on."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef int64_t end = worker.batch_end, began_ns = worker.batch_began_ns
    cdef Advance advance = [worker.view.batch_first, worker.view.batch_first]
    cdef bint goes_on = True
    while goes_on and advance.index < end and not scheduler_stopping(scheduler):
        view_pause(&worker.view, POINT_COMMIT, <int32_t>advance.index)
        if advance.index < worker.batch_next:
            goes_on = commit_ahead(worker, <int32_t>advance.index)
        else:
            goes_on = run_at_frontier(worker, <int32_t>advance.index)
        if not goes_on:
            if block.frontier.status != RUNNING:
                stop_block(block, STOP)
            break
        end_back_off(block, advance.index)
        advance.index += 1
        if advance.index == end:
            break
        if is_to_end(worker):
            stop_block(block, BACK_OFF)
        elif advance.index - advance.published == COMMITS_PER_PUBLISH or frontier_is_awaited(block):
            publish_advance(worker, &advance)
        if gives_up(worker):
            break
    if runs_of_batch(worker):
        learn_run(worker, (now_ns() - began_ns) // runs_of_batch(worker))
    forget_ahead(worker, advance.index + (not goes_on))  # one that ended the block is no abort, or counted
    publish_advance(worker, &advance)  # from here on the frontier is another worker's
    if advance.index == scheduler.count:
        stop_block(block, STOP)
    else:
        events_notify(&scheduler.events)

# ---------------------------------------------------------------- the block


cdef bint relays_are_ready(Worker* workers, int32_t count) noexcept nogil:
    cdef int32_t id
    for id in range(count):
        if not has_batch_writes(&workers[id]):
            return False
    return True


cdef bint has_batch_writes(Worker* worker) noexcept nogil:
    if worker.batch_writes == NULL:
        worker.batch_writes = <BatchWrites*>pages_take(sizeof(BatchWrites))
        if worker.batch_writes == NULL:
            return False
        memset(worker.batch_writes, 0, sizeof(BatchWrites))
    return True


cdef void relay_run(Worker* worker) noexcept nogil:
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef View* view = &worker.view
    cdef int64_t since = now_ns(), parked_ns = worker.parked_ns
    worker.polled_at_ns = since
    worker.poll_stride = 1
    worker.poll_counter = 0
    worker.speculated = NULL
    worker.speculated_end = 0
    view.batch_writes = worker.batch_writes
    view.write_arena = &worker.speculation_arena
    while not scheduler_stopping(scheduler):
        if take_batch(worker):
            run_ahead(worker)
        if await_turn(worker):
            commit_batch(worker)
        else:
            forget_ahead(worker, view.batch_first)
    view.batch_writes = NULL
    view.write_arena = &worker.block_arena
    worker.batch_next = worker.batch_end = 0
    worker.busy_ns += now_ns() - since - (worker.parked_ns - parked_ns)
