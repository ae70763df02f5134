"""The scheduler: which transaction is run, checked or made final next, and by whom.

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

Who owns a transaction: whoever moved it into EXECUTING or COMMITTING, alone, until he moves it
out. Only the owner touches its record, its entries in the store and its outcome.

The frontier is the lowest index that is not FINAL. The owner of the frontier's transaction is the
only one who can move the frontier, so commits need no lock: ownership hands over with the status.
It may be further than it is shown: who makes several final, one after the other, shows it then.
Whoever looks at it meanwhile finds what is FINAL, and so nothing to own.

Why no transaction is forgotten: after making a status EXECUTED its worker looks whether the
frontier is there, and after moving the frontier its worker looks at the status there. All four
are sequentially consistent, so at least one of the two sees the other. Why there is no livelock:
a run at the frontier sees only final values, so nothing can invalidate it.

Short transactions are claimed in stretches, a few that follow each other at once. What a worker
ran in its stretch it makes final itself, when it is through with the stretch or sees that the
frontier has come to it: all that this touches is in its cache. (It looks at the frontier relaxed,
between two runs: to see it late is to go on speculatively, no more.) So whoever comes with the
frontier to a transaction that is still *in hand* leaves it. That nobody forgets it, too, is a look
of each at the other's word, both sequentially consistent: the one moves the frontier and then looks
whether the stretch is in hand; the other lets go of the stretch and then looks where the frontier
is. A run that takes long gives what is in hand away before (slots.pxd), as it may be one that only
the frontier can stop; so does one that waits for another's write. Nobody waits in a run but for one
that comes before it, so the lowest that runs waits for nobody.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libcpp.atomic cimport (
    atomic, memory_order_acq_rel, memory_order_acquire, memory_order_relaxed,
    memory_order_release, memory_order_seq_cst,
)

from blockstm._native.base.cursors cimport (
    Cursor, EventCount, cursor_claim_before, cursor_claim_stretch, cursor_lower, cursor_raise,
)

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
    REST = 4          # speculation does not pay for a while: one worker goes on alone

cdef enum:
    PHASE_BITS = 3
    PHASE_MASK = 7
    WORKER_BITS = 8
    WORKERS = 1 << WORKER_BITS

# Somebody who waits for a transaction's write.
cdef struct Waiter:
    int32_t index
    Waiter* next

# Half a cache line: neighbours are mostly run by the same worker, in a stretch.
cdef struct Task:
    atomic[uint32_t] status
    uint32_t forgotten          # incarnations before a rest; changed while nobody is in the block
    atomic[Waiter*] waiters
    atomic[void*] record        # what the last published incarnation saw and wrote
    atomic[int64_t] hand        # the stretch in which it was run; 0: in none

cdef struct Scheduler:
    int64_t count
    Task* task
    atomic[uint32_t] stopping   # every worker leaves the block at its next look
    uint64_t padding[8]
    Cursor execution            # the next index that may never have run
    Cursor revalidation         # the next index whose conditions may have changed ...
    Cursor revalidation_end     # ... and where that ends
    Cursor frontier             # the lowest index that is not final
    Cursor reach                # how far ahead of the frontier speculation may run ...
    Cursor reach_idle           # ... and up to where, if else a worker has nothing to do
    Cursor stretch[WORKERS]     # what each worker has in hand; 0: nothing
    EventCount events


cdef inline uint32_t phase_of(uint32_t status) noexcept nogil:
    return status & PHASE_MASK


cdef inline uint32_t incarnation_of(uint32_t status) noexcept nogil:
    return status >> PHASE_BITS


cdef inline uint32_t task_status(Task* task) noexcept nogil:
    return task.status.load(memory_order_seq_cst)


cdef inline void task_settle(Task* task) noexcept nogil:
    """Executed before, the owner's task is final now. Release is enough: nobody waits for more than
    that it was executed."""
    cdef uint32_t status = task.status.load(memory_order_relaxed)  # the owner's own word
    task.status.store(incarnation_of(status) << PHASE_BITS | FINAL, memory_order_release)


cdef inline void task_forget(Task* task) noexcept nogil:
    """As if it had never run, but the next incarnation has its own number. Nobody is in the block."""
    cdef uint32_t phase = phase_of(task_status(task))
    task.record.store(NULL, memory_order_relaxed)  # the workers are called in again after this
    task.waiters.store(NULL, memory_order_relaxed)
    task.hand.store(0, memory_order_relaxed)
    task_leave(task, READY, 0 if phase == READY or phase == WAITING else 1)
    task.forgotten = incarnation_of(task_status(task))


cdef inline bint task_has_erred(const Task* task, uint32_t status) noexcept nogil:
    """Whether an incarnation that counts was in vain."""
    return incarnation_of(status) > task.forgotten


cdef inline bint task_move(Task* task, uint32_t seen, Phase phase, uint32_t more) noexcept nogil:
    """Become the owner, if the status is still ``seen``; ``more`` incarnations."""
    return task.status.compare_exchange_strong(
        seen, ((incarnation_of(seen) + more) << PHASE_BITS) | phase,
        memory_order_seq_cst, memory_order_seq_cst)


cdef inline void task_leave(Task* task, Phase phase, uint32_t more) noexcept nogil:
    """Give up ownership. Everything the owner wrote is visible to whoever sees the status."""
    cdef uint32_t status = task.status.load(memory_order_relaxed)  # the owner's own word
    task.status.store(((incarnation_of(status) + more) << PHASE_BITS) | phase, memory_order_seq_cst)


cdef inline int64_t scheduler_frontier(Scheduler* scheduler) noexcept nogil:
    return scheduler.frontier.next.load(memory_order_seq_cst)


cdef inline bint scheduler_stopping(Scheduler* scheduler) noexcept nogil:
    return scheduler.stopping.load(memory_order_acquire) != 0


cdef inline int64_t scheduler_limit(Scheduler* scheduler) noexcept nogil:
    """Up to where speculation may run now."""
    cdef int64_t limit = (scheduler.frontier.next.load(memory_order_acquire)
                          + scheduler.reach.next.load(memory_order_relaxed))  # only a heuristic
    return limit if limit < scheduler.count else scheduler.count


cdef inline int64_t scheduler_claim_stretch(Scheduler* scheduler, int64_t length, int64_t workers,
                                            int64_t* end) noexcept nogil:
    """The lowest indices that may be ready to run, up to ``length``: the first, or NOTHING.

    No more at once than leave the others as much, twice.
    """
    cdef int64_t limit, share
    cursor_raise(&scheduler.execution, scheduler.frontier.next.load(memory_order_acquire))
    limit = scheduler_limit(scheduler)
    if length > 1:
        share = (limit - scheduler.execution.next.load(memory_order_relaxed)) // (2 * workers)  # likewise
        length = length if length < share else share
    return cursor_claim_stretch(&scheduler.execution, limit, length if length > 1 else 1, end)


cdef inline bint scheduler_reach_further(Scheduler* scheduler) noexcept nogil:
    """Twice as far, for a worker that has nothing to do; false where that is not allowed or no help."""
    cdef int64_t reach = scheduler.reach.next.load(memory_order_relaxed)  # only a heuristic
    cdef int64_t most = scheduler.reach_idle.next.load(memory_order_relaxed)
    if reach >= most or scheduler.frontier.next.load(memory_order_relaxed) + reach >= scheduler.count:
        return False
    return scheduler.reach.next.compare_exchange_strong(
        reach, 2 * reach if 2 * reach < most else most, memory_order_relaxed, memory_order_relaxed)


cdef inline int64_t stretch_of(int32_t worker, int64_t first) noexcept nogil:
    """The word for the stretch of a worker that begins at ``first``; never 0."""
    return (first + 1) << WORKER_BITS | worker


cdef inline int64_t stretch_first(int64_t word) noexcept nogil:
    return (word >> WORKER_BITS) - 1


cdef inline bint scheduler_in_hand(Scheduler* scheduler, const Task* task) noexcept nogil:
    """Whether who ran an executed transaction is still in that stretch, and will come back for it.

    Relaxed for the word of the task: EXECUTED, which was seen, published it.
    """
    cdef int64_t hand = task.hand.load(memory_order_relaxed)
    return hand != 0 and scheduler.stretch[hand & (WORKERS - 1)].next.load(memory_order_seq_cst) == hand


cdef inline int64_t scheduler_claim_revalidation(Scheduler* scheduler) noexcept nogil:
    """The lowest index to check again, or NOTHING."""
    cdef int64_t end = scheduler.revalidation_end.next.load(memory_order_acquire)
    if scheduler.revalidation.next.load(memory_order_acquire) >= end:
        return -1
    return cursor_claim_before(&scheduler.revalidation, end)


cdef inline void scheduler_revalidate(Scheduler* scheduler, int64_t first, int64_t end) noexcept nogil:
    """Have ``first`` to ``end - 1`` checked again. The end first: a claim needs both."""
    cdef int64_t claimed = scheduler.execution.next.load(memory_order_acquire)
    if end > claimed:
        end = claimed
    if first < end:
        cursor_raise(&scheduler.revalidation_end, end)
        cursor_lower(&scheduler.revalidation, first)


cdef inline bint scheduler_runs_later(Scheduler* scheduler, int64_t index) noexcept nogil:
    """Whether whoever claims next comes to this index by himself."""
    return scheduler.execution.next.load(memory_order_relaxed) < index  # only decides when


cdef inline bint scheduler_has_work(Scheduler* scheduler) noexcept nogil:
    """Whether a worker that is about to park would find something after all."""
    cdef int64_t frontier = scheduler_frontier(scheduler)
    cdef uint32_t phase
    if scheduler_stopping(scheduler):
        return True
    if frontier < scheduler.count:
        phase = phase_of(task_status(&scheduler.task[frontier]))
        if phase == EXECUTED and scheduler_in_hand(scheduler, &scheduler.task[frontier]):
            pass
        elif phase != EXECUTING and phase != COMMITTING and phase != FINAL:
            return True
    if (scheduler.revalidation.next.load(memory_order_acquire)
            < scheduler.revalidation_end.next.load(memory_order_acquire)):
        return True
    return scheduler.execution.next.load(memory_order_acquire) < scheduler_limit(scheduler)


cdef inline void scheduler_wait_for(Scheduler* scheduler, Waiter* waiter, int32_t writer) noexcept nogil:
    """Leave ``waiter`` (whose task is WAITING already) with ``writer``, who wakes it.

    The writer may have finished meanwhile and emptied its list before the waiter was in it: so
    look again after entering, as the writer empties the list after its status is EXECUTED.
    """
    cdef Task* task = &scheduler.task[writer]
    cdef Waiter* first = task.waiters.load(memory_order_relaxed)  # the exchange below orders it
    cdef uint32_t phase
    waiter.next = first
    while not task.waiters.compare_exchange_weak(first, waiter, memory_order_seq_cst,
                                                 memory_order_relaxed):
        waiter.next = first
    phase = phase_of(task_status(task))
    if phase == EXECUTED or phase == COMMITTING or phase == FINAL:
        scheduler_wake(scheduler, waiter.index)


cdef inline void scheduler_wake(Scheduler* scheduler, int32_t index) noexcept nogil:
    """WAITING becomes READY; to wake one that is not waiting does nothing."""
    cdef Task* task = &scheduler.task[index]
    cdef uint32_t status = task_status(task)
    if phase_of(status) == WAITING and task_move(task, status, READY, 0):
        cursor_lower(&scheduler.execution, index)


cdef inline bint scheduler_wake_waiters(Scheduler* scheduler, int64_t writer) noexcept nogil:
    """Wake everybody who waits for ``writer``; after its status was published."""
    cdef Waiter* waiter
    if scheduler.task[writer].waiters.load(memory_order_seq_cst) == NULL:
        return False
    waiter = scheduler.task[writer].waiters.exchange(NULL, memory_order_seq_cst)
    while waiter != NULL:
        scheduler_wake(scheduler, waiter.index)
        waiter = waiter.next
    return True
