"""The scheduler: which transaction is executed, validated or committed next, and by which worker.

It knows indices and statuses only, nothing of stores, values or VMs. A status is one word,
(incarnation, phase), and every arrow below is one compare-exchange or store on it::

              claim                    executed                 claim_final
     READY ----------> EXECUTING ------------------> EXECUTED ---------------> COMMITTING
       ^                |  ^  ^                          |                       |     |
       |           wait |  |  | restart (incarnation+1)  |   restart_final       |     | final
       |                v  |  +--------------------------+   (incarnation+1)     |     v
       +----------- WAITING  <- - - - - - - - - - - - - - - - EXECUTING <--------+   FINAL
           wake       |  claim_at_frontier                        |                    ^
                      +-------------------> EXECUTING ------------+--------------------+
                                                           final (at the frontier)

The owner of a transaction is the worker that moved it into EXECUTING or COMMITTING, alone, until that
worker moves it out. Only the owner touches its incarnation, its entries in the store and its outcome.

The frontier is the lowest index that is not FINAL. The owner of the frontier's transaction is the only
worker that can move the frontier, so commits need no lock: ownership hands over with the status. The
commit index, where the other workers look for the frontier, may lag: a worker that commits several
transactions in a row publishes it only now and then. Until it does, the others find FINAL there, and
so nothing to own.

Why no transaction is forgotten: a worker that makes a status EXECUTED then loads the commit index, and
a worker that publishes the commit index then loads the status there. All four are sequentially
consistent, so at least one of the two sees the other. Why there is no livelock: a run at the frontier
sees only final values, so nothing can invalidate it.

Short transactions are claimed in batches of neighbours. A worker commits what it executed of its batch
itself, when it is through with the batch or sees that the frontier has reached it: all that this
touches is in its cache. (It peeks at the commit index between two runs: to see it late is to go on
speculatively, no more.) So a worker that advances the frontier to a transaction of another worker's
batch leaves it there. That this one is not forgotten either has the same proof: one worker moves the
frontier and then loads whether the batch is claimed; the other releases its batch and then loads the
commit index, both sequentially consistent. A long run releases the claim early (accesses.pxd), as
perhaps only the frontier can end it; so does a run that waits for another transaction's write. A run
waits only for transactions before its own, so the lowest one that runs waits for none. In the middle of a
run there is no load of the commit index behind that release: a worker that parked just before it finds the
transaction when it looks for work next, which a parked worker does after 50 ms at the latest (worker.pyx).

A transaction that is expected to depend on an earlier one (expected.pxd) is held, WAITING, until that one
has been executed. It is claimed at the frontier like all others, so what is expected delays it at most.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.cursors cimport (
    Cursor, EventCount, cursor_claim_batch, cursor_claim_before, cursor_lower, cursor_raise,
)
from blockstm._native.engine.expected cimport Expected, expects_nothing_of
from blockstm._native.engine.groups cimport Groups, awaited_member, awaited_of_merged

cdef enum Phase:
    READY = 0
    EXECUTING = 1
    EXECUTED = 2
    COMMITTING = 3
    FINAL = 4
    WAITING = 5

# Why every worker leaves the block; bits.
cdef enum:
    STOP = 1
    STOP_NO_MEMORY = 3
    BACK_OFF = 4      # speculation does not pay for a while: one worker goes on alone

cdef enum:
    PHASE_BITS = 3
    PHASE_MASK = 7
    WORKER_BITS = 8
    WORKERS = 1 << WORKER_BITS

# A transaction that waits for another one's write.
cdef struct Waiter:
    int32_t index
    Waiter* next

# Half a cache line: neighbours are mostly run by the same worker, in a batch.
cdef struct Task:
    Atomic[uint32_t] status
    uint32_t forgotten          # incarnations before a sequential phase; changed by one worker alone
    Atomic[Waiter*] waiters
    Atomic[void*] published        # the last published incarnation
    Atomic[int64_t] batch        # the batch in which it was executed; 0: in none

cdef struct Scheduler:
    int64_t count
    Task* task
    Atomic[uint32_t] stopping   # every worker leaves the block when it sees this
    uint64_t padding[8]
    Cursor execution            # the next index that may never have run
    Cursor revalidation         # the next index whose conditions may have changed ...
    Cursor revalidation_end     # ... and where that ends
    Cursor frontier             # the commit index: all before it are final
    Cursor window               # how far ahead of the frontier speculation may run ...
    Cursor window_idle          # ... and how far before a worker is left idle
    Cursor claimed[WORKERS]     # the batch that each worker has claimed; 0: none
    Cursor announced[WORKERS]   # below this index no worker looks at an incarnation (reclaiming.pxd)
    Expected* expected          # what is expected of the transactions; NULL: nothing
    EventCount events


cdef inline uint32_t phase_of(uint32_t status) noexcept nogil:
    return status & PHASE_MASK


cdef inline uint32_t incarnation_of(uint32_t status) noexcept nogil:
    return status >> PHASE_BITS


cdef inline uint32_t task_status(Task* task) noexcept nogil:
    return task.status.read_in_order()


cdef inline void task_finalize(Task* task) noexcept nogil:
    """EXECUTED before, the owner's task is FINAL now. Release is enough: its waiters were woken when it
    was executed."""
    cdef uint32_t status = task.status.read_plain()  # only the owner writes it
    task.status.publish(incarnation_of(status) << PHASE_BITS | FINAL)


cdef inline void task_forget(Task* task) noexcept nogil:
    """As if it had never run, but the next incarnation has a new number. No other worker is in the block."""
    cdef uint32_t phase = phase_of(task_status(task))
    task.published.prepare(NULL)  # the workers are called in again after this
    task.waiters.prepare(NULL)
    task.batch.prepare(0)
    task_leave(task, READY, 0 if phase == READY or phase == WAITING else 1)
    task.forgotten = incarnation_of(task_status(task))


cdef inline bint task_has_erred(const Task* task, uint32_t status) noexcept nogil:
    """Whether an incarnation since the last sequential phase was aborted."""
    return incarnation_of(status) > task.forgotten


cdef inline bint task_move(Task* task, uint32_t seen, Phase phase, uint32_t more) noexcept nogil:
    """Become the owner, if the status is still ``seen``; ``more`` incarnations."""
    return task.status.replace_in_order(seen, ((incarnation_of(seen) + more) << PHASE_BITS) | phase)


cdef inline void task_leave(Task* task, Phase phase, uint32_t more) noexcept nogil:
    """Give up ownership. A worker that sees the status sees everything that the owner wrote."""
    cdef uint32_t status = task.status.read_plain()  # only the owner writes it
    task.status.write_in_order(((incarnation_of(status) + more) << PHASE_BITS) | phase)


cdef inline int64_t scheduler_frontier(Scheduler* scheduler) noexcept nogil:
    return scheduler.frontier.next.read_in_order()


cdef inline bint scheduler_stopping(Scheduler* scheduler) noexcept nogil:
    return scheduler.stopping.observe() != 0


cdef inline int64_t scheduler_limit(Scheduler* scheduler) noexcept nogil:
    """Up to where speculation may run now."""
    cdef int64_t limit = (scheduler.frontier.next.observe()
                          + scheduler.window.next.peek())
    return limit if limit < scheduler.count else scheduler.count


cdef inline int64_t scheduler_claim_batch(Scheduler* scheduler, int64_t length, int64_t workers,
                                          int64_t* end) noexcept nogil:
    """The lowest indices that may be ready to run, up to ``length``: the first, or NOTHING.

    At most so many that the window has as much for each worker, twice.
    """
    cdef int64_t limit, share
    cursor_raise(&scheduler.execution, scheduler.frontier.next.observe())
    limit = scheduler_limit(scheduler)
    if length > 1:
        share = (limit - scheduler.execution.next.peek()) // (2 * workers)
        length = length if length < share else share
    return cursor_claim_batch(&scheduler.execution, limit, length if length > 1 else 1, end)


cdef inline bint scheduler_widen_window(Scheduler* scheduler) noexcept nogil:
    """Double the window for an idle worker; false where that is not allowed or no help."""
    cdef int64_t window = scheduler.window.next.peek()
    cdef int64_t most = scheduler.window_idle.next.peek()
    if window >= most or scheduler.frontier.next.peek() + window >= scheduler.count:
        return False
    return scheduler.window.next.adjust(window, 2 * window if 2 * window < most else most)


cdef inline int64_t batch_word(int32_t worker, int64_t first) noexcept nogil:
    """The word for the batch of a worker that begins at ``first``; never 0."""
    return (first + 1) << WORKER_BITS | worker


cdef inline int64_t batch_first(int64_t word) noexcept nogil:
    return (word >> WORKER_BITS) - 1


cdef inline bint scheduler_is_claimed(Scheduler* scheduler, const Task* task) noexcept nogil:
    """Whether the worker that executed a transaction still has that batch claimed, and will commit it.

    EXECUTED, which was seen, published the word of the task.
    """
    cdef int64_t batch = task.batch.read_plain()
    return batch != 0 and scheduler.claimed[batch & (WORKERS - 1)].next.read_in_order() == batch


cdef inline int64_t scheduler_claim_revalidation(Scheduler* scheduler) noexcept nogil:
    """The lowest index to validate again, or NOTHING."""
    cdef int64_t end = scheduler.revalidation_end.next.observe()
    if scheduler.revalidation.next.observe() >= end:
        return -1
    return cursor_claim_before(&scheduler.revalidation, end)


cdef inline void scheduler_revalidate(Scheduler* scheduler, int64_t first, int64_t end) noexcept nogil:
    """Have ``first`` to ``end - 1`` validated again. The end first: a claim needs both."""
    cdef int64_t claimed = scheduler.execution.next.observe()
    if end > claimed:
        end = claimed
    if first < end:
        cursor_raise(&scheduler.revalidation_end, end)
        cursor_lower(&scheduler.revalidation, first)


cdef inline bint scheduler_runs_later(Scheduler* scheduler, int64_t index) noexcept nogil:
    """Whether the next claim comes to this index anyway."""
    return scheduler.execution.next.peek() < index


cdef inline bint has_been_executed(Scheduler* scheduler, int64_t index) noexcept nogil:
    """Whether its writes are there; they may be wrong yet. ``index`` is at or above the frontier."""
    cdef uint32_t phase = phase_of(task_status(&scheduler.task[index]))
    return phase == EXECUTED or phase == COMMITTING or phase == FINAL


cdef inline int32_t awaited_in_groups(Scheduler* scheduler, int64_t index, int64_t frontier) noexcept nogil:
    """The member before it, in its group or the one that was merged with that, that has not been executed, or -1."""
    cdef const Groups* groups = &scheduler.expected.groups
    cdef int32_t writer = awaited_member(groups, index)
    if writer >= frontier and not has_been_executed(scheduler, writer):
        return writer
    writer = awaited_of_merged(groups, index)
    if writer >= frontier and not has_been_executed(scheduler, writer):
        return writer
    return -1


cdef inline int32_t scheduler_awaited(Scheduler* scheduler, int64_t index) noexcept nogil:
    """The highest transaction that this one is expected to depend on and that has not been executed, or -1.

    What lies below the frontier is final, whatever its status says: in a sequential phase there is none.
    """
    cdef Expected* expected = scheduler.expected
    cdef int64_t frontier
    cdef uint32_t place
    if expects_nothing_of(expected, index):
        return -1
    frontier = scheduler.frontier.next.observe()
    for place in range(expected.first[index], expected.first[index + 1]):
        if expected.dependency[place] < frontier:  # as are all that follow
            break
        if not has_been_executed(scheduler, expected.dependency[place]):
            return expected.dependency[place]
    return awaited_in_groups(scheduler, index, frontier) if expected.groups.is_used else -1


cdef inline bint scheduler_has_work(Scheduler* scheduler) noexcept nogil:
    """Whether a worker that is about to park would find work after all."""
    cdef int64_t frontier = scheduler_frontier(scheduler)
    cdef uint32_t phase
    if scheduler_stopping(scheduler):
        return True
    if frontier < scheduler.count:
        phase = phase_of(task_status(&scheduler.task[frontier]))
        if phase == EXECUTED and scheduler_is_claimed(scheduler, &scheduler.task[frontier]):
            pass
        elif phase != EXECUTING and phase != COMMITTING and phase != FINAL:
            return True
    if (scheduler.revalidation.next.observe()
            < scheduler.revalidation_end.next.observe()):
        return True
    return scheduler.execution.next.observe() < scheduler_limit(scheduler)


cdef inline void scheduler_wait_for(Scheduler* scheduler, Waiter* waiter, int32_t writer) noexcept nogil:
    """Add ``waiter``, whose task is WAITING already, to the list of ``writer``, whose owner wakes it.

    The writer may have been executed and its list emptied before the waiter was in it; so the status
    is loaded after the insertion, as the list is emptied after the status is EXECUTED.
    """
    cdef Task* task = &scheduler.task[writer]
    cdef Waiter* first = task.waiters.peek()  # the exchange below orders it
    waiter.next = first
    while not task.waiters.try_replace_in_order(first, waiter):
        waiter.next = first
    if has_been_executed(scheduler, writer):
        scheduler_wake(scheduler, waiter.index)


cdef inline void scheduler_wake(Scheduler* scheduler, int32_t index) noexcept nogil:
    """WAITING becomes READY; a task in another phase is left alone."""
    cdef Task* task = &scheduler.task[index]
    cdef uint32_t status = task_status(task)
    if phase_of(status) == WAITING and task_move(task, status, READY, 0):
        cursor_lower(&scheduler.execution, index)


cdef inline int32_t scheduler_wake_waiters(Scheduler* scheduler, int64_t writer) noexcept nogil:
    """Wake all that wait for ``writer``, after its status was published: the highest, or -1."""
    cdef Waiter* waiter
    cdef int32_t highest = -1
    if scheduler.task[writer].waiters.read_in_order() == NULL:
        return highest
    waiter = scheduler.task[writer].waiters.exchange_in_order(NULL)
    while waiter != NULL:
        scheduler_wake(scheduler, waiter.index)
        if waiter.index > highest:
            highest = waiter.index
        waiter = waiter.next
    return highest
