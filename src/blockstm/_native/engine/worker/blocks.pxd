"""What workers share and what each has of its own, while a block runs.

`Block` is set up by the engine before any worker enters and not changed until all have left, but
for what it marks as the frontier owner's. A `Worker` is touched by its own thread only.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libcpp.atomic cimport atomic, memory_order_release

from blockstm._native.abi cimport BLOCKSTM_OK, blockstm_vm
from blockstm._native.base.arena cimport Arena
from blockstm._native.base.cursors cimport events_notify, now_ns
from blockstm._native.engine.frontier cimport Answer, Frontier, Write
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport note_conflict
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.scheduler cimport STOP, Scheduler, incarnation_of, task_status
from blockstm._native.engine.view.conditions cimport Condition
from blockstm._native.engine.view.slots cimport Slot, View
from blockstm._native.engine.view.view cimport view_begin
from blockstm._native.engine.worker.conflicts cimport Conflicts, conflicts_add
from blockstm._native.engine.worker.timeline cimport Timeline, timeline_add

# What one published incarnation saw, wrote and came to. Immutable.
cdef struct Record:
    Condition* condition
    uint32_t conditions
    uint32_t writes
    Write* write
    int32_t status
    bint faulted
    uint64_t gas
    const unsigned char* output
    uint64_t output_size
    uint64_t value

# Asks whether the block should be given up (signals); called by worker 0 without knowing of the
# GIL. True: it should.
ctypedef bint (*Poll)(void* context) noexcept nogil

# What runs. Set up by the engine before any worker enters, unchanged until all have left.
cdef struct Block:
    const blockstm_vm* vm
    uint32_t max_incarnations
    bint revalidation
    bint throttle
    bint streaming             # somebody waits for single outcomes
    bint may_rest              # whether the others may be sent out for a rest
    bint shared                # whether it has been, so far: then there are statuses
    int32_t workers
    int64_t stretch_max        # how many transactions may be claimed at once
    int64_t alone_ns           # how long one took when it was decided to share; 0: that is not asked again
    int64_t shared_from_ns     # shorter ones are not shared: it was tried in this block and did not pay
    Poll poll
    void* poll_context
    Store store
    Scheduler scheduler
    # From here on only the owner of the frontier touches it, all the time: so in lines of its own.
    uint64_t padding_before[8]
    Frontier frontier
    int64_t window
    int32_t confidence         # how well speculation has done lately
    int64_t pause              # how many transactions it rests for when it does badly
    int64_t resume_at
    int64_t rest_until         # where a rest from speculation ends; 0: none is wanted
    int64_t run_ns             # how long a run takes, about: what workers begin with
    uint64_t padding_after[8]
    atomic[int32_t] leaves     # sharing does not pay: set by worker 0, looked at by the frontier's owner

cdef enum AbortCause:
    ABORT_VALIDATION = 0
    ABORT_FRONTIER = 1
    ABORT_ESTIMATE = 2
    ABORT_STOPPED = 3
    ABORT_CAUSES = 4

cdef enum WorkPhase:
    PHASE_EXECUTE = 0
    PHASE_VALIDATE = 1
    PHASE_PUBLISH = 2
    PHASE_COMMIT = 3
    WORK_PHASES = 4
    PHASE_PARK = WORK_PHASES   # in a timeline only: no work

cdef struct Worker:
    View view
    # Of what lives as long as the block: values and outputs, which are copied in the end and so lie
    Arena arena                # close together; and what there is to know of runs ahead of the frontier.
    Arena notes
    Arena scratch              # of what lives as long as a run, where nobody else can see it
    Block* block
    int32_t id
    Write* write               # of the run at hand
    uint32_t write_capacity
    int64_t stretch_next       # of the stretch at hand, what has not been run ...
    int64_t stretch_end        # ... and where it ends
    uint64_t runs_before       # `incarnations` when it began
    int64_t stretch_began_ns
    int64_t run_began_ns       # about: where runs are short, it is the last look at the clock
    int64_t hand               # its word; 0 where it is of one transaction
    int64_t frontier_seen      # where the frontier was at the last look ...
    int64_t frontier_seen_ns   # ... and when that was
    int64_t frontier_since_ns  # since when it may have been there
    int64_t measured_ns        # worker 0: since when it is measured how fast the frontier moves, ...
    int64_t measured_from      # ... where it was then, ...
    int32_t slow               # ... and how often in a row it was slower than one worker alone
    int64_t run_ns             # how long a run takes, about
    uint64_t incarnations
    uint64_t aborts[ABORT_CAUSES]
    int64_t parked_ns
    int64_t busy_ns
    int64_t phase_ns[WORK_PHASES]  # sampled
    uint32_t sample_every      # one task in so many; a power of two
    uint32_t sample_counter
    int64_t polled_at_ns
    uint32_t poll_stride
    uint32_t poll_counter
    Conflicts conflicts
    Timeline* timeline         # NULL: nobody asks
    uint64_t padding[8]


cdef enum:
    SAMPLE_EVERY = 16
    STRETCH_NS = 100_000            # of work that is claimed at once
    STRETCH_MAX = 64               # transactions
    OVERDUE_NS = 200_000           # a stretch, or the frontier where it is, is held up by a long run
    POLL_NS = 10_000_000           # how often worker 0 looks for signals
    POLL_STRIDE_MAX = 16


cdef inline int64_t sample_begin(Worker* worker) noexcept nogil:
    """The time, for one task in `sample_every`; else 0. A clock costs as much as a small task."""
    worker.sample_counter += 1
    if worker.sample_counter & (worker.sample_every - 1):
        return 0
    return now_ns()


cdef inline int64_t sample_phase(Worker* worker, int64_t since, WorkPhase phase, int32_t index) noexcept nogil:
    """So far from ``since`` on we worked on ``index``, which we own; the time, 0 where since is."""
    if since == 0:
        return 0
    if worker.timeline != NULL and phase != PHASE_PUBLISH:  # what is published is ours no more
        worker.timeline.incarnation = own_incarnation(worker.block, index)
    return end_sample(worker, since, phase, index)


cdef inline int64_t sample_check(Worker* worker, int64_t since, int32_t index, uint32_t status) noexcept nogil:
    """The same of a check of a run that we do not own; ``status`` is whose run it was."""
    if since == 0:
        return 0
    if worker.timeline != NULL:
        worker.timeline.incarnation = incarnation_of(status)
    return end_sample(worker, since, PHASE_VALIDATE, index)


cdef inline int64_t end_sample(Worker* worker, int64_t since, WorkPhase phase, int32_t index) noexcept nogil:
    cdef int64_t now = now_ns()
    worker.phase_ns[<int>phase] += (now - since) * worker.sample_every
    if worker.timeline != NULL:
        timeline_add(worker.timeline, phase, since, now, index)
    return now


cdef inline void learn_run(Worker* worker, int64_t taken_ns) noexcept nogil:
    """A run took so long; what is remembered moves a quarter of the way there."""
    worker.run_ns += (taken_ns - worker.run_ns) >> 2


cdef inline int64_t stretch_length(const Worker* worker) noexcept nogil:
    """How many transactions to claim at once."""
    cdef int64_t length = STRETCH_NS // (worker.run_ns + 1)
    return length if length < worker.block.stretch_max else worker.block.stretch_max


cdef inline uint32_t own_incarnation(Block* block, int32_t index) noexcept nogil:
    """In a block that was never shared there are no statuses, and no second incarnations."""
    if not block.shared:
        return 0
    return incarnation_of(task_status(&block.scheduler.task[index]))


cdef inline void count_abort(Worker* worker, AbortCause cause, uint32_t location) noexcept nogil:
    """A run ended in vain, because of what is or is not at this location."""
    worker.aborts[<int>cause] += 1
    conflicts_add(&worker.conflicts, location, 1)
    note_conflict(location_at(&worker.block.store.interner, location))


cdef inline bint poll(Worker* worker) noexcept nogil:
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
    stop_block(worker.block, STOP)
    return True


cdef inline void stop_block(Block* block, uint32_t reason) noexcept nogil:
    """Send every worker home. Release: what the frontier wrote about the ending is visible."""
    block.scheduler.stopping.fetch_or(reason, memory_order_release)
    events_notify(&block.scheduler.events)


cdef inline int32_t run(Worker* worker, int32_t index, bint final_prefix) noexcept nogil:
    """One incarnation; gives what `execute` answered."""
    cdef const void* context = worker.block.vm.context
    view_begin(&worker.view, index, final_prefix)
    worker.incarnations += 1
    return worker.block.vm.execute(<void*>context, &worker.view.public_part, index)


cdef inline Answer answer_of(const View* view, int32_t status) noexcept nogil:
    cdef Answer answer
    answer.faulted = view.fault != BLOCKSTM_OK
    answer.status = view.fault if answer.faulted else status
    answer.gas = view.gas
    answer.output = view.output
    answer.output_size = view.output_size
    answer.value = view.error if answer.faulted else view.value
    return answer


cdef inline bint collect_writes(Worker* worker) noexcept nogil:
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
