"""Settling: what a worker does with the transaction at the frontier, once it owns it.

A speculative run whose conditions hold on the exact prefix becomes final as it is; any other is
run again on the spot, on values that cannot change any more. See frontier.pxd for what "final"
does, and scheduler.pxd for who owns what.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libcpp.atomic cimport memory_order_acquire, memory_order_relaxed

from blockstm._native.abi cimport BLOCKSTM_STALE, BLOCKSTM_SUCCESS
from blockstm._native.base.cursors cimport events_notify
from blockstm._native.engine.frontier cimport (
    GOES_ON, OUT_OF_MEMORY, Answer, Write, frontier_admits, frontier_end, frontier_settle,
)
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, highest_reader, is_contended
from blockstm._native.engine.mvmemory.store cimport store_estimate, store_withdraw
from blockstm._native.engine.scheduler cimport (
    COMMITTING, EXECUTED, EXECUTING, FINAL, READY, REST, STOP, WAITING, Scheduler, Task, phase_of,
    scheduler_frontier, scheduler_in_hand, scheduler_limit, scheduler_revalidate, scheduler_stopping,
    scheduler_wake_waiters, task_has_erred, task_leave, task_move, task_settle, task_status,
)
from blockstm._native.engine.view.conditions cimport Condition, condition_is_final
from blockstm._native.engine.view.slots cimport POINT_COMMIT, view_pause
from blockstm._native.engine.worker.blocks cimport (
    ABORT_FRONTIER, ABORT_STOPPED, PHASE_COMMIT, PHASE_EXECUTE, PHASE_VALIDATE, Block, Record,
    Worker, answer_of, collect_writes, count_abort, gives_up, learn_run, run, sample_begin,
    sample_phase, stop_block,
)
from blockstm._native.engine.worker.throttle cimport learn, learn_duration, resume_speculation

cdef enum:
    SHOWN_TOGETHER = 16    # transactions that the frontier goes on by before it is shown


cdef inline void revalidate_readers(Worker* worker, int32_t index, const Write* write, uint32_t count) noexcept nogil:
    """Have those above ``index`` checked who may have looked at these locations too early."""
    cdef Block* block = worker.block
    cdef int32_t reader, highest = index
    cdef uint32_t place
    cdef const Location* location
    if not block.revalidation:
        return
    for place in range(count):
        location = location_at(&block.store.interner, write[place].location)
        reader = highest_reader(location)
        if reader > highest:
            highest = reader
    if highest > index:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>highest + 1)


cdef inline void withdraw_all(Block* block, const Record* before) noexcept nogil:
    """Nothing that an earlier run wrote counts any more: the final run has committed its own.

    Before the transaction is FINAL, so that every check against the exact prefix comes after.
    """
    cdef uint32_t place
    for place in range(before.writes):
        store_withdraw(&block.store, before.write[place].entry)


cdef inline void withdraw_earlier(Worker* worker, int32_t index) noexcept nogil:
    """What an earlier run of the transaction we own wrote, if there was one, does not count."""
    cdef Block* block = worker.block
    cdef Record* before
    if block.workers == 1:
        return
    before = <Record*>block.scheduler.task[index].record.load(memory_order_acquire)
    if before != NULL:
        withdraw_all(block, before)
        revalidate_readers(worker, index, before.write, before.writes)


cdef inline bint settle_refused(Worker* worker, int32_t index, Answer* refused) noexcept nogil:
    """Settle the transaction we own, for which the block has no room. False: the block ends."""
    if frontier_settle(&worker.block.frontier, &worker.view, index, refused, NULL, 0) != GOES_ON:
        return False
    withdraw_earlier(worker, index)
    return True


cdef inline bint run_at_frontier(Worker* worker, int32_t index) noexcept nogil:
    """Run the transaction we own on the exact prefix and settle it. False: the block ends."""
    cdef Answer refused
    if not frontier_admits(&worker.block.frontier, &worker.view, index, &refused):
        return settle_refused(worker, index, &refused)
    return run_admitted(worker, index)


cdef inline bint run_admitted(Worker* worker, int32_t index) noexcept nogil:
    """The same of one for which the block has room.

    Nobody sees what it writes before it is final, so all but that is forgotten with the run.
    """
    cdef bint settled
    worker.view.memory = &worker.scratch
    settled = run_and_settle(worker, index)
    worker.view.memory = &worker.arena
    return settled


cdef inline bint run_and_settle(Worker* worker, int32_t index) noexcept nogil:
    cdef Block* block = worker.block
    cdef int64_t since = sample_begin(worker)
    cdef int32_t status = run(worker, index, True)
    cdef int64_t began = since
    cdef Answer answer
    cdef uint32_t writes
    since = sample_phase(worker, since, PHASE_EXECUTE, index)
    if since:
        learn_duration(block, since - began)
        learn_run(worker, since - began)
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
        withdraw_earlier(worker, index)
    sample_phase(worker, since, PHASE_COMMIT, index)
    return True


cdef inline const Condition* not_final(Worker* worker, const Record* record) noexcept nogil:
    """The first condition that is not true of the exact prefix; NULL: the run becomes final."""
    cdef uint32_t place
    for place in range(record.conditions):
        if not condition_is_final(&worker.block.store, &record.condition[place]):
            return &record.condition[place]
    return NULL


cdef inline bint settle_record(Worker* worker, Record* record, int32_t index) noexcept nogil:
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


cdef inline void mark_estimates(Block* block, const Record* record, int32_t index) noexcept nogil:
    """The writes of a run that proved wrong will most likely come again; who read them at a location
    where runs go wrong has gone wrong, too, and need not be found out one after the other."""
    cdef uint32_t place
    cdef int32_t reader, highest = index
    cdef const Location* location
    for place in range(record.writes):
        store_estimate(record.write[place].entry)
        location = location_at(&block.store.interner, record.write[place].location)
        if is_contended(location):
            reader = highest_reader(location)
            if reader > highest:
                highest = reader
    if highest > index and block.revalidation:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>highest + 1)


cdef inline bint settle_owned(Worker* worker, int32_t index, bint* ran) noexcept nogil:
    """The transaction at the frontier is ours: make it final. False: the block ends.

    ``ran``: whether it is to be run; set where it was.
    """
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef Record* record
    cdef const Condition* failed
    cdef int64_t since
    cdef Answer refused
    if not frontier_admits(&block.frontier, &worker.view, index, &refused):
        return settle_refused(worker, index, &refused)
    if ran[0]:
        return run_admitted(worker, index)
    record = <Record*>task.record.load(memory_order_acquire)
    since = sample_begin(worker)
    failed = not_final(worker, record)
    if failed == NULL:
        since = sample_phase(worker, since, PHASE_VALIDATE, index)
        learn(block, index, True)
        if not settle_record(worker, record, index):
            return False
        sample_phase(worker, since, PHASE_COMMIT, index)
        return True
    sample_phase(worker, since, PHASE_VALIDATE, index)
    count_abort(worker, ABORT_FRONTIER, failed.location)
    learn(block, index, False)
    mark_estimates(block, record, index)
    task_leave(task, EXECUTING, 1)
    ran[0] = True
    return run_admitted(worker, index)


cdef inline bint own_frontier(Worker* worker, int64_t index, bint* rerun) noexcept nogil:
    """Take the transaction at the frontier, if it is nobody's; ``rerun``: nothing usable ran."""
    cdef Task* task = &worker.block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef uint32_t phase = phase_of(status)
    if phase == EXECUTED:
        if scheduler_in_hand(&worker.block.scheduler, task):
            return False
        rerun[0] = False
        return task_move(task, status, COMMITTING, 0)
    if phase == READY or phase == WAITING:
        rerun[0] = True
        if not task_move(task, status, EXECUTING, 0):
            return False
        if task_has_erred(task, status):
            learn(worker.block, index, False)
        return True
    return False


cdef inline bint finish(Worker* worker, int64_t index, bint rerun) noexcept nogil:
    """Settle the frontier's transaction, which we own. The frontier has moved then, but is still to be
    shown where it is. False: leave the block."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef bint ran = rerun
    if not settle_owned(worker, <int32_t>index, &ran):
        # The transaction stays ours, so that nobody can settle it a second time: for ever if the block
        # ends with it, else until the rest that stopped us has begun.
        if block.frontier.ending != GOES_ON:
            stop_block(block, STOP)
        return False
    resume_speculation(block, index)
    if ran:
        task_leave(task, FINAL, 0)
        scheduler_wake_waiters(scheduler, index)
    else:  # who waited for it was woken when it was executed
        task_settle(task)
    return True


cdef inline void show_frontier(Worker* worker, int64_t index) noexcept nogil:
    """Let everybody see the frontier, which is ours: from here on its own words belong to whoever
    takes the transaction there."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef bint rests = block.rest_until != 0 or block.leaves.load(memory_order_relaxed)
    scheduler.frontier.next.store(index)  # seq_cst: see scheduler.pxd
    if block.streaming:
        events_notify(&scheduler.events)
    if rests and index < scheduler.count:
        stop_block(block, REST)


cdef inline bint somebody_waits(Block* block) noexcept nogil:
    """For the frontier, wherever it goes next."""
    # Relaxed: who parks just now is told at the end, or looks for himself before he parks.
    return (block.streaming or block.rest_until != 0 or block.leaves.load(memory_order_relaxed)
            or block.scheduler.events.waiters.load(memory_order_relaxed))


cdef inline bint advance_frontier(Worker* worker) noexcept nogil:
    """Make final what can be. True: something became final.

    Where one follows the other at once, the frontier is shown only now and then: each time takes the
    word from all who look at it. Until then it is nobody else's, as what they see there is final.
    """
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t index = scheduler_frontier(scheduler)
    cdef int64_t first = index, shown = index
    cdef bint rerun = False, goes_on = True
    while goes_on and index < scheduler.count and not scheduler_stopping(scheduler):
        view_pause(&worker.view, POINT_COMMIT, <int32_t>index)
        if not own_frontier(worker, index, &rerun):
            if shown == index:
                break
            show_frontier(worker, index)  # and look again: who has run it now looked there before
            shown = index
            continue
        if rerun and shown != index:  # that takes long
            show_frontier(worker, index)
            shown = index
        goes_on = finish(worker, index, rerun)
        index += goes_on
        if goes_on and (index - shown == SHOWN_TOGETHER or somebody_waits(worker.block)):
            show_frontier(worker, index)
            shown = index
            if scheduler.events.waiters.load(memory_order_relaxed):
                tell_idle(scheduler)
        goes_on = goes_on and not gives_up(worker)
    if shown != index:
        show_frontier(worker, index)
    if index == scheduler.count:
        stop_block(worker.block, STOP)
    elif index != first:
        tell_idle(scheduler)
    return index != first or not goes_on


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
