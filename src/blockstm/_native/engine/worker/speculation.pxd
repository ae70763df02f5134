"""Speculation: runs ahead of the frontier, what they publish, and how they are found to be wrong.

Order of writes: a run's payloads are put into the store one by one, then its record, then its
status becomes EXECUTED. Whoever sees the status sees the record; whoever sees only some of the
payloads has a condition on what he saw, which is checked when he is at the frontier.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libcpp.atomic cimport memory_order_acquire, memory_order_relaxed, memory_order_release

from blockstm._native.abi cimport BLOCKSTM_STALE, BLOCKSTM_SUCCESS
from blockstm._native.base.arena cimport arena_take
from blockstm._native.base.cursors cimport cursor_lower, events_notify
from blockstm._native.engine.frontier cimport Answer, Write
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location
from blockstm._native.engine.mvmemory.numbers cimport same_payload
from blockstm._native.engine.mvmemory.store cimport store_is_left, store_publish, store_withdraw
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_SKIP, Payload
from blockstm._native.engine.scheduler cimport (
    EXECUTED, EXECUTING, READY, STOP, STOP_NO_MEMORY, WAITING, Scheduler, Task, Waiter, incarnation_of,
    phase_of, scheduler_frontier, scheduler_runs_later, scheduler_stopping, scheduler_wait_for, scheduler_wake_waiters,
    task_leave, task_move, task_status,
)
from blockstm._native.engine.view.conditions cimport Condition, condition_fails
from blockstm._native.engine.view.slots cimport NO_ONE, POINT_PUBLISH, POINT_VALIDATE, View, view_pause
from blockstm._native.engine.view.view cimport view_conditions
from blockstm._native.engine.worker.blocks cimport (
    ABORT_ESTIMATE, ABORT_FRONTIER, ABORT_STOPPED, ABORT_VALIDATION, PHASE_EXECUTE, PHASE_PUBLISH,
    Block, Record, Worker, answer_of, collect_writes, count_abort, run, sample_begin,
    sample_check,
    sample_phase, stop_block,
)
from blockstm._native.engine.worker.commit cimport (
    finish, mark_estimates, revalidate_readers, show_frontier, tell_idle,
)


cdef inline Record* new_record(Worker* worker, int32_t status) noexcept nogil:
    """What the run saw, wrote and came to; NULL where memory has run out."""
    cdef View* view = &worker.view
    cdef Record* record = <Record*>arena_take(&worker.notes, sizeof(Record))
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
    record.write = <Write*>arena_take(&worker.notes, record.writes * sizeof(Write))
    if record.write == NULL or not collect_writes(worker):
        return NULL
    for index in range(record.writes):
        record.write[index] = worker.write[index]
    return record


cdef inline bint publish_writes(Worker* worker, Record* record, bint* changed) noexcept nogil:
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
        write.entry = store_publish(location, write.payload, &worker.notes, &worker.view.path, &before)
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


cdef inline void withdraw_unwritten(Block* block, const Record* before, bint* changed) noexcept nogil:
    """What the last incarnation wrote and this one does not is to be looked through."""
    cdef const Write* write
    cdef uint32_t place
    if before == NULL:
        return
    for place in range(before.writes):
        write = &before.write[place]
        if store_is_left(write.entry, write.payload):
            store_withdraw(&block.store, write.entry)
            changed[0] = True


cdef inline void publish(Worker* worker, int32_t index, int32_t status) noexcept nogil:
    """The run is over: show what it came to, and tell those who may have missed it."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef Record* before = <Record*>task.record.load(memory_order_acquire)
    cdef Record* record = new_record(worker, status)
    cdef bint changed = False
    if record == NULL or not publish_writes(worker, record, &changed):
        # In this order: what has been published of the run is in no record, so nobody may go on.
        stop_block(block, STOP_NO_MEMORY)
        task_leave(task, WAITING, 1)
        return
    withdraw_unwritten(block, before, &changed)
    task.record.store(record, memory_order_release)
    task.hand.store(worker.hand, memory_order_relaxed)  # EXECUTED publishes it
    view_pause(&worker.view, POINT_PUBLISH, index)
    task_leave(task, EXECUTED, 0)
    if changed:
        revalidate_readers(worker, index, record.write, record.writes)
        if before != NULL:
            revalidate_readers(worker, index, before.write, before.writes)
    if scheduler_wake_waiters(scheduler, index):
        events_notify(&scheduler.events)


cdef inline void wait_for_writer(Worker* worker, int32_t index) noexcept nogil:
    """The run met a write that is coming: run again when it is there, or at the frontier."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef int32_t writer = worker.view.blocked_on
    cdef Waiter* waiter = NULL
    if writer != NO_ONE and incarnation_of(task_status(task)) + 1 < worker.block.max_incarnations:
        waiter = <Waiter*>arena_take(&worker.notes, sizeof(Waiter))
    if scheduler_stopping(scheduler):
        worker.aborts[<int>ABORT_STOPPED] += 1
    elif writer == NO_ONE:
        count_abort(worker, ABORT_FRONTIER, worker.view.blocked_at)
    else:
        count_abort(worker, ABORT_ESTIMATE, worker.view.blocked_at)
    task_leave(task, WAITING, 1)
    if waiter != NULL:
        waiter.index = index
        scheduler_wait_for(scheduler, waiter, writer)


cdef inline void run_owned(Worker* worker, int32_t index) noexcept nogil:
    """Run a transaction we own: at the frontier if that has come here, else speculatively."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int32_t status
    cdef int64_t since
    if scheduler_frontier(scheduler) == index:
        if finish(worker, index, True):
            show_frontier(worker, <int64_t>index + 1)
            if index + 1 == scheduler.count:
                stop_block(worker.block, STOP)
            else:
                tell_idle(scheduler)
        return
    since = sample_begin(worker)
    status = run(worker, index, False)
    since = sample_phase(worker, since, PHASE_EXECUTE, index)
    if worker.view.fault == BLOCKSTM_STALE:
        wait_for_writer(worker, index)
    else:
        publish(worker, index, status)
        sample_phase(worker, since, PHASE_PUBLISH, index)


cdef inline const Condition* looks_wrong(Worker* worker, const Record* record, int32_t index) noexcept nogil:
    """The first condition that fails for a run ahead of the frontier; NULL: it still looks right."""
    cdef uint32_t place
    for place in range(record.conditions):
        if condition_fails(&worker.block.store, &record.condition[place], index,
                           &worker.view.folding):
            return &record.condition[place]
    return NULL


cdef inline void revalidate(Worker* worker, int64_t index) noexcept nogil:
    """Check an executed transaction again; if it is wrong, run it again, but what comes before it first."""
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef Record* record
    cdef const Condition* failed
    cdef int64_t since
    view_pause(&worker.view, POINT_VALIDATE, <int32_t>index)
    if phase_of(status) != EXECUTED:
        return
    since = sample_begin(worker)
    record = <Record*>task.record.load(memory_order_acquire)
    failed = looks_wrong(worker, record, <int32_t>index)
    sample_check(worker, since, <int32_t>index, status)
    if failed == NULL or not task_move(task, status, EXECUTING, 1):
        return
    count_abort(worker, ABORT_VALIDATION, failed.location)
    mark_estimates(block, record, <int32_t>index)
    if incarnation_of(status) + 1 >= block.max_incarnations:
        task_leave(task, WAITING, 0)
    elif scheduler_runs_later(&block.scheduler, index):
        task_leave(task, READY, 0)
        # Who claims may have come past it since.
        cursor_lower(&block.scheduler.execution, index)
    else:
        run_owned(worker, <int32_t>index)
