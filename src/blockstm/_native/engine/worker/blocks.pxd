"""What workers share and what each has of its own, while a block runs.

`Block` is set up by the engine before any worker enters and not changed until all have left, but for
the part that it marks as the frontier owner's. A `Worker` is touched by its own thread only.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.abi cimport blockstm_vm
from blockstm._native.base.arena cimport Arena, Chunk
from blockstm._native.engine.frontier cimport ExecutionResult, Frontier, Write
from blockstm._native.engine.mvmemory.listed cimport Listed
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.scheduler cimport Scheduler
from blockstm._native.engine.view.accesses cimport Question, View
from blockstm._native.engine.view.batch_writes cimport BatchWrites
from blockstm._native.engine.view.conditions cimport Condition
from blockstm._native.engine.worker.conflicts cimport Conflicts
from blockstm._native.engine.worker.timeline cimport Timeline

# A published incarnation: its read set as conditions, its write set, its result. Immutable.
cdef struct Incarnation:
    Condition* condition
    uint32_t conditions
    uint32_t writes
    Write* write
    const Question* questions
    ExecutionResult result

# Whether the caller wants the block stopped (signals); called by worker 0 with or without the GIL.
ctypedef bint (*Poll)(void* context) noexcept nogil

cdef struct Block:
    const blockstm_vm* vm
    uint64_t run               # its number, see `view_reset`
    uint32_t max_incarnations
    bint revalidation
    bint throttle
    bint streaming             # a reader waits for single outcomes
    bint may_back_off          # whether the other workers may be detached for a sequential phase
    bint shared                # whether several workers have had it: only then are there statuses
    bint relays                # the workers relay the block (relay.pxd); constant while they are in it
    bint may_relay             # while they are not in it: whether they may relay it from now on, ...
    bint always_relays         # ... and whatever its transactions are like, else where they are short
    int32_t workers
    int64_t batch_max          # how many transactions may be claimed at once
    int64_t alone_ns           # time of a run when it was decided to share; 0: sharing is not measured
    bint alone_is_typical      # it is of many runs; else of the first few, whose data were in the cache
    int64_t sharing_ns         # time of a commit when sharing was found not to pay
    int64_t shared_from_ns     # shorter runs are not shared: in this block that did not pay
    Poll poll
    void* poll_context
    Store store
    Listed* listed             # what transactions are said to write; NULL: nothing
    Scheduler scheduler
    # From here on for the frontier's owner alone, which touches it all the time: in lines of its own.
    uint64_t padding_before[8]
    Frontier frontier
    int64_t window_max         # how far ahead of the frontier speculation may ever run
    int32_t confidence         # how often speculative runs were valid lately
    int64_t back_off           # length of the next back-off, in transactions
    int64_t back_off_until
    int64_t sequential_until   # where a sequential phase is to end; 0: none is wanted
    int64_t run_ns             # time of a run, about: what workers begin with
    int64_t relay_wrong        # how many runs ahead have been wrong of late, with what the right ones make good
    int32_t relay_stalls       # batches that took too long
    uint64_t padding_after[8]
    Atomic[int32_t] unprofitable  # sharing does not pay: set by worker 0, read by the frontier's owner

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

cdef enum:
    RELAY_MAX = 128            # transactions of a batch in a relay

cdef struct Worker:
    View view
    Arena block_arena          # values, entries and outputs, to the block's end
    Arena speculation_arena    # incarnations and waiters, until their transactions are final (reclaiming.pxd)
    Arena run_arena            # what a run at the frontier writes, until it is committed
    Block* block
    int32_t id
    Write* write               # of the run at hand
    uint32_t write_capacity
    int64_t batch_next         # of the claimed batch, the first that this worker has not run ...
    int64_t batch_end          # ... and where the batch ends
    uint64_t runs_before       # `incarnations` when the batch began
    int64_t batch_began_ns
    int64_t run_began_ns       # about: where runs are short, the clock is not read for each
    Incarnation* ahead[RELAY_MAX]  # in a relay, of each transaction of the batch that was run ahead
    BatchWrites* batch_writes      # NULL: it never took part in a relay
    int64_t batch              # the batch's word; 0 where it is of one transaction
    Chunk* speculated          # of the speculation arena: the current one when it was looked at last
    int64_t speculated_end     # one behind the highest index of which something lies there
    int64_t frontier_seen      # the commit index when it was last observed ...
    int64_t frontier_seen_ns   # ... and when that was
    int64_t frontier_since_ns  # since when it may have been that
    int64_t measured_ns        # worker 0: when the measurement of the frontier's speed began, ...
    int64_t measured_from      # ... the commit index then, ...
    int32_t slow               # ... and how often in a row it was slower than one worker alone
    int64_t run_ns             # time of a run, about
    int64_t idle_since_ns      # when this worker found no work after so many runs
    uint64_t idle_runs
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
    Timeline* timeline         # NULL: not recorded
    uint64_t padding[8]


cdef enum:
    SAMPLE_EVERY = 16
    BATCH_NS = 100_000             # of work that is claimed at once
    BATCH_MAX = 64                 # transactions
    STALLED_NS = 200_000           # a batch, or the frontier, that has not moved for longer is stalled
    POLL_NS = 10_000_000           # how often worker 0 asks for signals
    POLL_STRIDE_MAX = 16
