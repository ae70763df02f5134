"""What a worker does with what is expected of transactions: it holds some back, and begins long ones early.

Only where the scheduler has expectations. Whether one is right is asked of the runs themselves: a transaction
rightly has dependencies if it reads a value that one of them has written.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from blockstm._native.base.arena cimport arena_take
from blockstm._native.base.cursors cimport events_notify, now_ns
from blockstm._native.engine.expected cimport (
    Expected, expects_nothing_of, learn_taken, learn_trust, take_early, take_held, take_hold,
)
from blockstm._native.engine.groups cimport (
    MEMBERS_NEAR, Groups, awaited_of_merged, learn_group, learn_merged, member_after, member_before, merge_groups,
)
from blockstm._native.engine.scheduler cimport (
    EXECUTING, READY, WAITING, Scheduler, Task, Waiter, phase_of, scheduler_awaited, scheduler_wait_for,
    scheduler_wake, task_leave, task_move, task_status,
)
from blockstm._native.engine.view.accesses cimport POINT_CLAIM, View, view_pause
from blockstm._native.engine.worker.blocks cimport STALLED_NS, Worker
from blockstm._native.engine.worker.reclaiming cimport note_speculation


cdef enum:
    EARLY = 1  # a task's batch where it was run before its turn; no batch has this word
    TAKEN = 2  # the same of one that was held


cdef inline bint hold(Worker* worker, int64_t index, uint32_t status) noexcept nogil:
    """Have a READY transaction wait for one that it is expected to depend on; false: it need not."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Task* task = &scheduler.task[index]
    cdef int32_t writer = scheduler_awaited(scheduler, index)
    cdef Waiter* waiter
    if writer < 0:
        return False
    note_speculation(worker, index)
    waiter = <Waiter*>arena_take(&worker.speculation_arena, sizeof(Waiter))
    if waiter == NULL or not take_hold(scheduler.expected):
        return False
    view_pause(&worker.view, POINT_CLAIM, <int32_t>index)
    if not task_move(task, status, EXECUTING, 0):
        scheduler.expected.holds.count_down(1)
        return True  # another worker runs it
    scheduler.expected.held[index].suggest(1)
    task_leave(task, WAITING, 0)
    waiter.index = <int32_t>index
    scheduler_wait_for(scheduler, waiter, writer)
    return True


cdef inline bint has_read_from(const View* view, int32_t writer) noexcept nogil:
    cdef uint32_t place
    for place in range(view.accesses):
        if view.access[place].seen != NULL and view.access[place].seen.index == writer:
            return True
    return False


cdef inline bint has_read_sum(const View* view) noexcept nogil:
    """Whether a value was read of which nobody can tell whose it is: a sum of deltas has the reader's index."""
    return has_read_from(view, <int32_t>view.public_part.index)


cdef inline void release_held(Scheduler* scheduler) noexcept nogil:
    """Expectations are not trusted any more: no transaction waits for what was expected. Once in a block."""
    cdef int64_t index = scheduler.frontier.next.observe()
    while index < scheduler.expected.count:
        if scheduler.expected.held[index].peek():
            scheduler_wake(scheduler, <int32_t>index)
        index += 1
    events_notify(&scheduler.events)


cdef inline bint has_read_from_near(const View* view, const Groups* groups, int32_t member) noexcept nogil:
    """Whether a member or one shortly before it wrote what was read: groups are of several locations."""
    cdef int near = 0
    while member >= 0 and near < MEMBERS_NEAR:
        if has_read_from(view, member):
            return True
        member = member_before(groups, member)
        near += 1
    return False


cdef inline void release_group(Scheduler* scheduler, int64_t index) noexcept nogil:
    """A group has split: its members after this one wait for none of it. Once for a group."""
    cdef Expected* expected = scheduler.expected
    cdef int32_t member = member_after(&expected.groups, index)
    while 0 <= member < expected.count:
        if expected.held[member].peek():
            scheduler_wake(scheduler, member)
        member = member_after(&expected.groups, member)
    events_notify(&scheduler.events)


cdef inline bint judge_groups(Worker* worker, int32_t index) noexcept nogil:
    """Learn whether a transaction reads what its group wrote; whether it does."""
    cdef Groups* groups = &worker.block.scheduler.expected.groups
    cdef int32_t before = member_before(groups, index), other = awaited_of_merged(groups, index)
    cdef bint was_right = before >= 0 and has_read_from_near(&worker.view, groups, before)
    if other >= 0:
        learn_merged(groups, index, has_read_from_near(&worker.view, groups, other))
    if before >= 0 and not has_read_sum(&worker.view) and not learn_group(groups, index, was_right):
        release_group(&worker.block.scheduler, index)
    return was_right


cdef inline void hold_no_more(Scheduler* scheduler, int32_t index) noexcept nogil:
    """The owned transaction has met a write that it needs: to run it before that is there is in vain."""
    if scheduler.expected != NULL and index < scheduler.expected.count:
        scheduler.expected.held[index].suggest(0)


cdef inline void note_met_write(Scheduler* scheduler, int32_t index, int32_t writer) noexcept nogil:
    """A run has met a write that is known to be coming."""
    cdef Expected* expected = scheduler.expected
    if expected != NULL and expected.groups.is_used and index < expected.count:
        merge_groups(&expected.groups, index, writer)


cdef inline void judge_expectation(Worker* worker, int32_t index) noexcept nogil:
    """The owned transaction has run: learn whether it depends on what it was expected to.

    Of all that have dependencies, not of the held ones alone: so what is wrong shows before much was held.
    """
    cdef Expected* expected = worker.block.scheduler.expected
    cdef bint was_right = False, was_doubted = expected.doubted.peek()
    cdef uint32_t place
    if expects_nothing_of(expected, index):
        return
    expected.held[index].suggest(0)
    for place in range(expected.first[index], expected.first[index + 1]):
        was_right = was_right or has_read_from(&worker.view, expected.dependency[place])
    if expected.groups.is_used and judge_groups(worker, index):
        was_right = True
    if not was_right and has_read_sum(&worker.view):
        return
    if worker.batch == TAKEN:
        learn_taken(expected, was_right)
        if not was_right:  # it may have come too early: that says nothing against what is expected
            return
    if not learn_trust(expected, was_right):
        release_held(&worker.block.scheduler)
    elif not was_right and not was_doubted:  # a parked worker may take a held one now
        events_notify(&worker.block.scheduler.events)


cdef inline bint may_be_stolen(Scheduler* scheduler, int64_t index, uint32_t status) noexcept nogil:
    """Whether a worker without work may run this transaction: it is not held, or that is in doubt.

    So doubtful expectations leave no worker without work.
    """
    cdef Expected* expected = scheduler.expected
    if expected == NULL:
        return phase_of(status) == READY
    if phase_of(status) == READY:
        return expected.doubted.peek() or scheduler_awaited(scheduler, index) < 0
    return (phase_of(status) == WAITING and index < expected.count and expected.doubted.peek()
            and expected.held[index].peek())


cdef inline int64_t next_long(Worker* worker) noexcept nogil:
    """Own a long transaction that no claim has come to, and nothing holds; -1: there is none."""
    cdef Scheduler* scheduler = &worker.block.scheduler
    cdef Expected* expected = scheduler.expected
    cdef int64_t claimed = scheduler.execution.next.observe()
    cdef int64_t limit = scheduler.frontier.next.observe() + scheduler.window_idle.next.peek()
    cdef int64_t place, index
    cdef uint32_t status
    for place in range(expected.long_count):
        index = expected.long_index[place]
        if index < claimed or index >= limit or index >= expected.count:
            continue
        status = task_status(&scheduler.task[index])
        if (phase_of(status) == READY and scheduler_awaited(scheduler, index) < 0
                and task_move(&scheduler.task[index], status, EXECUTING, 0)):
            return index
    return -1


cdef inline int64_t claim_long(Worker* worker) noexcept nogil:
    """Own a long transaction before its turn, so that it is not the last that runs; -1: there is none."""
    cdef Expected* expected = worker.block.scheduler.expected
    cdef int64_t index
    if not expected.long_count or not take_early(expected):
        return -1
    view_pause(&worker.view, POINT_CLAIM, -1)
    index = next_long(worker)
    if index >= 0:
        expected.early.count_up(1)
        worker.run_began_ns = now_ns()
    else:
        expected.early_left.count_up(1)
    return index


cdef inline bint waits_for_another(Scheduler* scheduler, int64_t index, uint32_t status) noexcept nogil:
    """Whether a transaction that has not run is held, or would be."""
    if phase_of(status) == WAITING and not (index < scheduler.expected.count and scheduler.expected.held[index].peek()):
        return False
    return (phase_of(status) == WAITING or phase_of(status) == READY) and scheduler_awaited(scheduler, index) >= 0


cdef inline int64_t next_held(Scheduler* scheduler) noexcept nogil:
    """Own the lowest held transaction; -1: there is none."""
    cdef int64_t index = scheduler.frontier.next.observe()
    cdef int64_t end = min(scheduler.execution.next.peek(), scheduler.expected.count)  # statuses decide
    cdef uint32_t status
    while index < end:
        status = task_status(&scheduler.task[index])
        if waits_for_another(scheduler, index, status) and task_move(&scheduler.task[index], status, EXECUTING, 0):
            return index
        index += 1
    return -1


cdef inline bint may_take_held(const Expected* expected) noexcept nogil:
    return expected != NULL and expected.taken_left.peek() > 0 and expected.trust.peek() > 0


cdef inline int64_t claim_held(Worker* worker) noexcept nogil:
    """Own a held transaction although what it waits for has not been executed; -1: there is none, or not yet.

    What it waits for may be read late in its run, so that both run side by side but for the end. Nobody knows
    before one has been tried; so the first is taken when this worker has had nothing to do for a while.
    """
    cdef Expected* expected = worker.block.scheduler.expected
    cdef int64_t index
    if not may_take_held(expected) or worker.view.pause != NULL:  # explored: without a clock
        return -1
    if worker.idle_runs != worker.incarnations:
        worker.idle_runs = worker.incarnations
        worker.idle_since_ns = now_ns()
    if not expected.taken_right.peek() and now_ns() - worker.idle_since_ns < STALLED_NS:
        return -1
    if not take_held(expected):
        return -1
    index = next_held(&worker.block.scheduler)
    if index < 0:
        expected.taken_left.count_up(1)
        return -1
    expected.taken.count_up(1)
    worker.run_began_ns = now_ns()
    return index
