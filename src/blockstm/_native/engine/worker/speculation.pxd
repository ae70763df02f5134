"""Speculation: runs ahead of the frontier, what they publish, and how they are validated.

Order of writes: a run's payloads are put into the store one by one, then its incarnation is published,
then its status becomes EXECUTED. A worker that sees the status sees the incarnation; a reader that sees
only some of the payloads has a condition on what it saw, which is validated at the frontier.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.abi cimport BLOCKSTM_STALE, BLOCKSTM_SUCCESS
from blockstm._native.base.arena cimport arena_take
from blockstm._native.base.cursors cimport cursor_lower, events_notify
from blockstm._native.engine.frontier cimport ExecutionResult, Write
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location
from blockstm._native.engine.mvmemory.numbers cimport same_payload
from blockstm._native.engine.mvmemory.store cimport (
    is_only_added_to, store_holds, store_publish, store_put_tombstone,
)
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_TOMBSTONE, Payload
from blockstm._native.engine.scheduler cimport (
    EXECUTED, EXECUTING, READY, STOP, STOP_NO_MEMORY, WAITING, Scheduler, Task, Waiter,
    incarnation_of, phase_of, scheduler_frontier, scheduler_runs_later, scheduler_stopping,
    scheduler_wait_for, scheduler_wake_waiters, task_leave, task_move, task_status,
)
from blockstm._native.engine.view.accesses cimport (
    NO_ONE, POINT_PUBLISH, POINT_VALIDATE, View, view_pause,
)
from blockstm._native.engine.view.conditions cimport Condition, condition_fails
from blockstm._native.engine.view.view cimport view_conditions
from blockstm._native.engine.worker.blocks cimport (
    ABORT_ESTIMATE, ABORT_FRONTIER, ABORT_STOPPED, ABORT_VALIDATION, PHASE_EXECUTE, PHASE_PUBLISH,
    Block, Incarnation, Worker,
)
from blockstm._native.engine.worker.commit cimport (
    commit_frontier, mark_estimates, publish_commit_index, revalidate_readers, wake_idle,
)
from blockstm._native.engine.worker.expecting cimport hold_no_more, note_met_write
from blockstm._native.engine.worker.listing cimport (
    is_given_by_list, learn_listed_wrong, lists_of, revalidate_up_to, take_back_listed,
)
from blockstm._native.engine.worker.reclaiming cimport note_speculation
from blockstm._native.engine.worker.runs cimport count_abort, list_writes, result_of, run
from blockstm._native.engine.worker.sampling cimport sample_begin, sample_check, sample_phase
from blockstm._native.engine.worker.stopping cimport stop_block


cdef inline Incarnation* new_incarnation(Worker* worker, int32_t status) noexcept nogil:
    """The read set, the write set and the result of the run; NULL where memory has run out."""
    cdef View* view = &worker.view
    cdef Incarnation* incarnation = <Incarnation*>arena_take(&worker.speculation_arena, sizeof(Incarnation))
    if incarnation == NULL or not view_conditions(view, &incarnation.condition, &incarnation.conditions):
        return NULL
    incarnation.questions = view.questions
    incarnation.result = result_of(view, status)
    incarnation.writes = view.writes
    if incarnation.result.faulted or incarnation.result.status != BLOCKSTM_SUCCESS:
        incarnation.writes = 0
    incarnation.write = NULL
    if incarnation.writes == 0:
        return incarnation
    incarnation.write = <Write*>arena_take(&worker.speculation_arena, incarnation.writes * sizeof(Write))
    if incarnation.write == NULL:
        return NULL
    list_writes(view, incarnation.write)
    return incarnation


cdef inline bint publish_writes(Worker* worker, Incarnation* incarnation, bint* changed,
                                uint32_t* given) noexcept nogil:
    """Put the writes into the store; ``changed``: one differs from what stood there; ``given``: those listed."""
    cdef Block* block = worker.block
    cdef Location* location
    cdef Write* write
    cdef const Payload* before
    cdef uint32_t index
    for index in range(incarnation.writes):
        write = &incarnation.write[index]
        location = location_at(&block.store.interner, write.location)
        if lists_of(block, write.payload.index) and is_given_by_list(block, write.payload.index, write):
            given[0] += 1
            continue
        if is_only_added_to(&worker.view.path, location, write.payload):
            continue
        view_pause(&worker.view, POINT_PUBLISH, write.payload.index)
        write.at.entry = store_publish(location, write.payload, &worker.block_arena, &worker.view.path, &before)
        if write.at.entry == NULL:
            return False
        if before == NULL or not same_write(block, before, write.payload):
            changed[0] = True
    return True


cdef inline bint same_write(Block* block, const Payload* left, const Payload* right) noexcept nogil:
    """Whether readers above would see the same of both."""
    if left.kind != right.kind or left.kind == PAYLOAD_TOMBSTONE or left.negative != right.negative:
        return left.kind == right.kind and left.kind == PAYLOAD_TOMBSTONE
    return same_payload(&block.store.numbers, left, right)


cdef inline void tombstone_unwritten(Block* block, const Incarnation* before, bint* changed) noexcept nogil:
    """Bury what the last incarnation wrote and this one does not."""
    cdef const Write* write
    cdef uint32_t place
    if before == NULL:
        return
    for place in range(before.writes):
        write = &before.write[place]
        if write.at.entry != NULL and store_holds(write.at.entry, write.payload):
            store_put_tombstone(&block.store, write.at.entry)
            changed[0] = True


cdef inline bint is_for_others(const Worker* worker, int32_t woken) noexcept nogil:
    """Whether other workers are to be told of the highest transaction that was woken, -1 if none was.

    A held one that is in this worker's own batch it will run itself, sooner than a parked worker would.
    """
    return woken >= 0 and (worker.block.scheduler.expected == NULL or woken >= worker.batch_end)


cdef inline void publish(Worker* worker, int32_t index, int32_t status) noexcept nogil:
    """Publish a finished run, and have the transactions validated that may have missed its writes."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef Incarnation* before = <Incarnation*>task.published.observe()
    cdef Incarnation* incarnation = new_incarnation(worker, status)
    cdef bint changed = False
    cdef int32_t misled = -1
    cdef uint32_t given = 0
    if incarnation == NULL or not publish_writes(worker, incarnation, &changed, &given):
        # In this order: what has been published of the run is in no incarnation, so no worker may go on.
        stop_block(block, STOP_NO_MEMORY)
        task_leave(task, WAITING, 1)
        return
    tombstone_unwritten(block, before, &changed)
    if lists_of(block, index):
        misled = take_back_listed(block, index, incarnation.write, incarnation.writes, given)
    task.published.publish(incarnation)
    task.batch.prepare(worker.batch)  # EXECUTED publishes it
    view_pause(&worker.view, POINT_PUBLISH, index)
    task_leave(task, EXECUTED, 0)
    if changed:
        revalidate_readers(worker, index, incarnation.write, incarnation.writes)
        if before != NULL:
            revalidate_readers(worker, index, before.write, before.writes)
    revalidate_up_to(block, index, misled)
    if is_for_others(worker, scheduler_wake_waiters(scheduler, index)):
        events_notify(&scheduler.events)


cdef inline void wait_for_writer(Worker* worker, int32_t index) noexcept nogil:
    """The run met an estimate: repeat it when the write is there, or at the frontier."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef int32_t writer = worker.view.blocked_on
    cdef Waiter* waiter = NULL
    if writer != NO_ONE and incarnation_of(task_status(task)) + 1 < worker.block.max_incarnations:
        waiter = <Waiter*>arena_take(&worker.speculation_arena, sizeof(Waiter))
    if scheduler_stopping(scheduler):
        worker.aborts[<int>ABORT_STOPPED] += 1
    elif writer == NO_ONE:
        count_abort(worker, ABORT_FRONTIER, worker.view.blocked_at)
    else:
        count_abort(worker, ABORT_ESTIMATE, worker.view.blocked_at)
    hold_no_more(scheduler, index)
    task_leave(task, WAITING, 1)
    if waiter != NULL:
        waiter.index = index
        note_met_write(scheduler, index, writer)
        scheduler_wait_for(scheduler, waiter, writer)


cdef inline void run_owned(Worker* worker, int32_t index) noexcept nogil:
    """Run the owned transaction: at the frontier if that is here, else speculatively."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int32_t status
    cdef int64_t since
    if scheduler_frontier(scheduler) == index:
        if commit_frontier(worker, index, True):
            publish_commit_index(worker, <int64_t>index + 1)
            if index + 1 == scheduler.count:
                stop_block(worker.block, STOP)
            else:
                wake_idle(scheduler)
        return
    note_speculation(worker, index)
    since = sample_begin(worker)
    status = run(worker, index, False)
    since = sample_phase(worker, since, PHASE_EXECUTE, index)
    if worker.view.fault == BLOCKSTM_STALE:
        wait_for_writer(worker, index)
    else:
        publish(worker, index, status)
        sample_phase(worker, since, PHASE_PUBLISH, index)


cdef inline const Condition* failing_condition(Worker* worker, const Incarnation* incarnation,
                                               int32_t index) noexcept nogil:
    """The first condition that fails for a run ahead of the frontier; NULL: the run is still valid."""
    cdef uint32_t place
    for place in range(incarnation.conditions):
        if condition_fails(&worker.block.store, &incarnation.condition[place], index,
                           &worker.view.folding):
            return &incarnation.condition[place]
    return NULL


cdef inline void revalidate(Worker* worker, int64_t index) noexcept nogil:
    """Validate an executed transaction again; an invalid one is repeated, after what comes before it."""
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef Incarnation* incarnation
    cdef const Condition* failed
    cdef int64_t since
    view_pause(&worker.view, POINT_VALIDATE, <int32_t>index)
    if phase_of(status) != EXECUTED or index < worker.frontier_seen:  # it may have been reclaimed
        return
    since = sample_begin(worker)
    incarnation = <Incarnation*>task.published.observe()
    failed = failing_condition(worker, incarnation, <int32_t>index)
    sample_check(worker, since, <int32_t>index, status)
    if failed == NULL or not task_move(task, status, EXECUTING, 1):
        return
    count_abort(worker, ABORT_VALIDATION, failed.location)
    learn_listed_wrong(block, <int32_t>index, failed)
    mark_estimates(block, incarnation, <int32_t>index)
    if incarnation_of(status) + 1 >= block.max_incarnations:
        task_leave(task, WAITING, 0)
    elif scheduler_runs_later(&block.scheduler, index):
        task_leave(task, READY, 0)
        # A claim may have passed it since.
        cursor_lower(&block.scheduler.execution, index)
    else:
        run_owned(worker, <int32_t>index)
