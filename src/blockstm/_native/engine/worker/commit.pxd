"""Commits: what a worker does with the transaction at the frontier, once it owns it.

A speculative run whose conditions hold on the exact prefix is committed as it is; any other is
repeated on the spot, on values that cannot change any more. See frontier.pxd for what a commit does,
and scheduler.pxd for ownership.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.abi cimport BLOCKSTM_REVERTED, BLOCKSTM_STALE, BLOCKSTM_SUCCESS, blockstm_bytes
from blockstm._native.base.arena cimport Arena
from blockstm._native.base.cursors cimport events_notify
from blockstm._native.engine.expected cimport reads_are_known
from blockstm._native.engine.frontier cimport (
    OUT_OF_MEMORY, RUNNING, ExecutionResult, Write, frontier_admits, frontier_commit, frontier_end,
)
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, highest_reader, is_contended
from blockstm._native.engine.mvmemory.store cimport store_estimate, store_final, store_put_tombstone
from blockstm._native.engine.scheduler cimport (
    BACK_OFF, COMMITTING, EXECUTED, EXECUTING, FINAL, READY, STOP, WAITING, Scheduler, Task,
    phase_of, scheduler_frontier, scheduler_is_claimed, scheduler_limit, scheduler_revalidate,
    scheduler_stopping, scheduler_wake_waiters, task_finalize, task_has_erred, task_leave,
    task_move, task_status,
)
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_ABSENT, Payload, payload_data
from blockstm._native.engine.view.accesses cimport POINT_COMMIT, Question, view_pause
from blockstm._native.engine.view.conditions cimport Condition, condition_is_final
from blockstm._native.engine.worker.blocks cimport (
    ABORT_FRONTIER, ABORT_STOPPED, PHASE_COMMIT, PHASE_EXECUTE, PHASE_VALIDATE, Block, Incarnation,
    Worker,
)
from blockstm._native.engine.worker.listing cimport (
    given_by_list, learn_listed_wrong, listed_writes, lists_of, revalidate_up_to, take_back_listed, writes_listed,
)
from blockstm._native.engine.worker.runs cimport collect_writes, count_abort, result_of, run
from blockstm._native.engine.worker.sampling cimport learn_run, sample_begin, sample_phase
from blockstm._native.engine.worker.stopping cimport gives_up, stop_block
from blockstm._native.engine.worker.throttle cimport end_back_off, learn, learn_duration

cdef enum:
    COMMITS_PER_PUBLISH = 16    # commits in a row before the commit index is published


cdef inline void revalidate_readers(Worker* worker, int32_t index, const Write* write, uint32_t count) noexcept nogil:
    """Have transactions above ``index`` validated again that may have read these locations too early."""
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
    if highest > index and not reads_are_known(block.scheduler.expected):
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>highest + 1)


cdef inline void tombstone_writes(Block* block, const Incarnation* before) noexcept nogil:
    """Bury what an earlier incarnation wrote: the committed run has its own writes.

    Before the transaction is FINAL, so that every validation against the exact prefix comes after.
    """
    cdef uint32_t place
    for place in range(before.writes):
        if before.write[place].at.entry != NULL:
            store_put_tombstone(&block.store, before.write[place].at.entry)


cdef inline void tombstone_others(Worker* worker, int32_t index, const Write* write, uint32_t writes) noexcept nogil:
    """The owned transaction is committed with these writes: bury what an earlier incarnation wrote, or is listed.

    What it has written hides from now on what is listed there, of it and of those before: so only where it wrote less
    than is listed of it is that looked at. A reader of another value than it wrote is found wrong at the frontier.
    """
    cdef Block* block = worker.block
    cdef Incarnation* before
    cdef uint32_t given = 0
    if block.workers == 1 or block.relays:  # then nothing was published
        return
    if lists_of(block, index):
        given = writes_listed(block, write, writes)
        if given < listed_writes(block, index):
            given = given_by_list(block, index, write, writes)
            revalidate_up_to(block, index, take_back_listed(block, index, write, writes, given))
    if given < writes:
        revalidate_readers(worker, index, write, writes)
    before = <Incarnation*>block.scheduler.task[index].published.observe()
    if before != NULL:
        tombstone_writes(block, before)
        revalidate_readers(worker, index, before.write, before.writes)


cdef inline bint commit_refused(Worker* worker, int32_t index, ExecutionResult* refused) noexcept nogil:
    """Commit the owned transaction, for which the block has no room. False: the block ends."""
    if frontier_commit(&worker.block.frontier, &worker.view, index, refused, NULL, 0) != RUNNING:
        return False
    tombstone_others(worker, index, NULL, 0)
    return True


cdef inline bint run_at_frontier(Worker* worker, int32_t index) noexcept nogil:
    """Run the owned transaction on the exact prefix and commit it. False: the block ends."""
    cdef ExecutionResult refused
    if not frontier_admits(&worker.block.frontier, &worker.view, index, &refused):
        return commit_refused(worker, index, &refused)
    return run_admitted(worker, index)


cdef inline bint run_admitted(Worker* worker, int32_t index) noexcept nogil:
    """The same of a transaction for which the block has room.

    No other run sees its writes before the commit, so they lie in the run's arena until then.
    """
    cdef Arena* arena = worker.view.write_arena
    cdef bint committed
    worker.view.write_arena = &worker.run_arena
    committed = run_and_commit(worker, index)
    worker.view.write_arena = arena
    return committed


cdef inline bint run_and_commit(Worker* worker, int32_t index) noexcept nogil:
    cdef Block* block = worker.block
    cdef int64_t since = sample_begin(worker)
    cdef int32_t status = run(worker, index, True)
    cdef int64_t began = since
    cdef ExecutionResult result
    cdef uint32_t writes
    since = sample_phase(worker, since, PHASE_EXECUTE, index)
    if since:
        learn_duration(block, since - began)
        learn_run(worker, since - began)
    if worker.view.fault == BLOCKSTM_STALE:  # at the frontier only the end of the block stops a run
        worker.aborts[<int>ABORT_STOPPED] += 1
        return False
    result = result_of(&worker.view, status)
    writes = worker.view.writes if status == BLOCKSTM_SUCCESS and not result.faulted else 0
    if writes and not collect_writes(worker):
        frontier_end(&block.frontier, OUT_OF_MEMORY, 0)
        return False
    if frontier_commit(&block.frontier, &worker.view, index, &result, worker.write, writes) != RUNNING:
        return False
    tombstone_others(worker, index, worker.write, writes)
    sample_phase(worker, since, PHASE_COMMIT, index)
    return True


cdef inline const Condition* condition_not_final(Worker* worker, const Incarnation* incarnation) noexcept nogil:
    """The first condition that does not hold on the exact prefix; NULL: the run is valid."""
    cdef uint32_t place
    for place in range(incarnation.conditions):
        if not condition_is_final(&worker.block.store, &incarnation.condition[place]):
            return &incarnation.condition[place]
    return NULL


cdef inline void answer_questions(Block* block, const Incarnation* incarnation, int32_t index) noexcept nogil:
    """Tell the VM what is there now, before the writes of the run: all below it is committed."""
    cdef const Question* question = incarnation.questions
    cdef const Payload* final
    cdef blockstm_bytes value
    cdef const blockstm_bytes* told
    while question != NULL:
        final = store_final(location_at(&block.store.interner, question.location))
        value.data, value.size = payload_data(final), final.size
        told = &value
        if final.kind == PAYLOAD_ABSENT:
            told = NULL
        block.vm.answer(<void*>block.vm.context, index, question.tag, told)
        question = question.next


cdef inline bint is_to_be_answered(const ExecutionResult* result) noexcept nogil:
    return not result.faulted and (result.status == BLOCKSTM_SUCCESS or result.status == BLOCKSTM_REVERTED)


cdef inline bint commit_published(Worker* worker, const Incarnation* incarnation, int32_t index) noexcept nogil:
    """Commit a speculative run that is valid. False: the block ends."""
    cdef ExecutionResult result = incarnation.result
    if incarnation.questions != NULL and is_to_be_answered(&result):
        answer_questions(worker.block, incarnation, index)
    return frontier_commit(&worker.block.frontier, &worker.view, index, &result, incarnation.write,
                           incarnation.writes) == RUNNING


cdef inline void mark_estimates(Block* block, const Incarnation* incarnation, int32_t index) noexcept nogil:
    """Turn the writes of an aborted run into estimates: most likely they come again.

    At contended locations the readers of these writes are validated at once: most likely they are
    invalid, too.
    """
    cdef uint32_t place
    cdef int32_t reader, highest = index
    cdef const Location* location
    for place in range(incarnation.writes):
        if incarnation.write[place].at.entry != NULL:
            store_estimate(incarnation.write[place].at.entry)
        location = location_at(&block.store.interner, incarnation.write[place].location)
        if is_contended(location):
            reader = highest_reader(location)
            if reader > highest:
                highest = reader
    if highest > index and block.revalidation:
        scheduler_revalidate(&block.scheduler, index + 1, <int64_t>highest + 1)


cdef inline bint commit_owned(Worker* worker, int32_t index, bint* ran) noexcept nogil:
    """Commit the transaction at the frontier, which this worker owns. False: the block ends.

    ``ran``: whether it is to be run; set where it was.
    """
    cdef Block* block = worker.block
    cdef Task* task = &block.scheduler.task[index]
    cdef Incarnation* incarnation
    cdef const Condition* failed
    cdef int64_t since
    cdef ExecutionResult refused
    if not frontier_admits(&block.frontier, &worker.view, index, &refused):
        return commit_refused(worker, index, &refused)
    if ran[0]:
        return run_admitted(worker, index)
    incarnation = <Incarnation*>task.published.observe()
    since = sample_begin(worker)
    failed = condition_not_final(worker, incarnation)
    if failed == NULL:
        since = sample_phase(worker, since, PHASE_VALIDATE, index)
        learn(block, index, True)
        if not commit_published(worker, incarnation, index):
            return False
        sample_phase(worker, since, PHASE_COMMIT, index)
        return True
    sample_phase(worker, since, PHASE_VALIDATE, index)
    count_abort(worker, ABORT_FRONTIER, failed.location)
    learn(block, index, False)
    learn_listed_wrong(block, index, failed)
    mark_estimates(block, incarnation, index)
    task_leave(task, EXECUTING, 1)
    ran[0] = True
    return run_admitted(worker, index)


cdef inline bint claim_frontier(Worker* worker, int64_t index, bint* rerun) noexcept nogil:
    """Become the owner of the transaction at the frontier, if it has none; ``rerun``: it has to be run."""
    cdef Task* task = &worker.block.scheduler.task[index]
    cdef uint32_t status = task_status(task)
    cdef uint32_t phase = phase_of(status)
    if phase == EXECUTED:
        if scheduler_is_claimed(&worker.block.scheduler, task):
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


cdef inline bint commit_frontier(Worker* worker, int64_t index, bint rerun) noexcept nogil:
    """Commit the transaction at the frontier, which this worker owns; the commit index is still to be published.

    False: leave the block.
    """
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef bint ran = rerun
    if not commit_owned(worker, <int32_t>index, &ran):
        # The transaction keeps its owner, so that it is not committed a second time: for ever if the
        # block ends with it, else until the sequential phase that stopped the block has begun.
        if block.frontier.status != RUNNING:
            stop_block(block, STOP)
        return False
    end_back_off(block, index)
    if ran:
        task_leave(task, FINAL, 0)
        scheduler_wake_waiters(scheduler, index)
    else:  # its waiters were woken when it was executed
        task_finalize(task)
    return True


cdef inline bint all_are_to_leave(Block* block) noexcept nogil:
    """Whether all workers are to leave the block soon: sharing is unprofitable, or memory is to be freed."""
    return (block.unprofitable.peek()
            or (block.store.reclaims.peek() and block.may_back_off))


cdef inline void publish_commit_index(Worker* worker, int64_t index) noexcept nogil:
    """Publish the commit index: the frontier's words belong to the next owner of its transaction from here on."""
    cdef Block* block = worker.block
    cdef Scheduler* scheduler = &block.scheduler
    cdef bint backs_off = block.sequential_until != 0 or all_are_to_leave(block)
    scheduler.frontier.next.write_in_order(index)  # scheduler.pxd says why
    if block.streaming:
        events_notify(&scheduler.events)
    if backs_off and index < scheduler.count:
        stop_block(block, BACK_OFF)


cdef inline bint frontier_is_awaited(Block* block) noexcept nogil:
    """Whether each commit is to be published at once."""
    # To see it late is right: a worker that parks just now is woken at the end, or finds work before it parks.
    return (block.streaming or block.sequential_until != 0 or all_are_to_leave(block)
            or block.scheduler.events.waiters.peek())


# A run of commits by one worker: where the frontier is, and where the other workers see it.
cdef struct Advance:
    int64_t index
    int64_t published


cdef inline void publish_advance(Worker* worker, Advance* advance) noexcept nogil:
    if advance.published != advance.index:
        publish_commit_index(worker, advance.index)
        advance.published = advance.index


cdef inline bint claim_next(Worker* worker, Advance* advance, bint* rerun) noexcept nogil:
    """Become the owner of the transaction at the frontier; false where that cannot be committed now."""
    while not scheduler_stopping(&worker.block.scheduler):
        view_pause(&worker.view, POINT_COMMIT, <int32_t>advance.index)
        if claim_frontier(worker, advance.index, rerun):
            if rerun[0]:  # the others need not wait for the run
                publish_advance(worker, advance)
            return True
        if advance.published == advance.index:
            return False
        # Then try again: a worker that has executed it since loaded the commit index before this.
        publish_advance(worker, advance)
    return False


cdef inline bint advance_frontier(Worker* worker) noexcept nogil:
    """Commit what can be committed, in order. True: a transaction was, or the block is to be left.

    In a row of commits the commit index is published only now and then: each time takes its cache line
    from all workers that load it. Until then no other worker commits, as all it sees there is final.
    """
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef int64_t first = scheduler_frontier(scheduler)
    cdef Advance advance = [first, first]
    cdef bint rerun = False, goes_on = True
    while goes_on and advance.index < scheduler.count and claim_next(worker, &advance, &rerun):
        goes_on = commit_frontier(worker, advance.index, rerun)
        advance.index += goes_on
        if goes_on and (advance.index - advance.published == COMMITS_PER_PUBLISH
                        or frontier_is_awaited(worker.block)):
            publish_advance(worker, &advance)
            if scheduler.events.waiters.peek():  # see `frontier_is_awaited`
                wake_idle(scheduler)
        goes_on = goes_on and not gives_up(worker)
    publish_advance(worker, &advance)
    if advance.index == scheduler.count:
        stop_block(worker.block, STOP)
    elif advance.index != first:
        wake_idle(scheduler)
    return advance.index != first or not goes_on


cdef inline bint window_is_open(Scheduler* scheduler) noexcept nogil:
    """Whether enough has become claimable to wake a worker: half a window, or the rest of the block."""
    cdef int64_t limit = scheduler_limit(scheduler)
    cdef int64_t claimable = limit - scheduler.execution.next.observe()
    return claimable > 0 and (limit == scheduler.count
                              or 2 * claimable > scheduler.window.next.peek())


cdef inline void wake_idle(Scheduler* scheduler) noexcept nogil:
    """The frontier has moved: wake the parked workers, if there is work for them to claim."""
    if (window_is_open(scheduler) or scheduler.revalidation.next.observe()
            < scheduler.revalidation_end.next.observe()):
        events_notify(&scheduler.events)
