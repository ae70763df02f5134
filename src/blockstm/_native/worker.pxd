"""A worker: one thread that finds the most urgent thing to do in a block, does it, and looks again.

In order: move the frontier; check again what may have become wrong; run what has not run; park.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_vm
from blockstm._native.arena cimport Arena
from blockstm._native.conditions cimport Condition
from blockstm._native.frontier cimport Frontier, Write
from blockstm._native.scheduler cimport Scheduler
from blockstm._native.store cimport Store
from blockstm._native.view cimport View

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
    Store store
    Scheduler scheduler
    Frontier frontier
    const blockstm_vm* vm
    uint32_t max_incarnations
    bint revalidation
    bint throttle
    bint streaming             # somebody waits for single outcomes
    int32_t workers
    Poll poll
    void* poll_context
    # Only the owner of the frontier touches these.
    int64_t window
    int32_t confidence         # how well speculation has done lately
    int64_t pause              # how many transactions it rests for when it does badly
    int64_t resume_at

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

cdef struct Worker:
    View view
    Arena arena                # of what lives as long as the block
    Arena scratch              # of what lives as long as a run, where nobody else can see it
    Block* block
    int32_t id
    Write* write               # of the run at hand
    uint32_t write_capacity
    uint64_t incarnations
    uint64_t aborts[ABORT_CAUSES]
    int64_t parked_ns
    int64_t busy_ns
    int64_t phase_ns[WORK_PHASES]  # sampled
    uint64_t samples
    uint32_t sample_counter
    int64_t polled_at_ns
    uint32_t poll_stride
    uint32_t poll_counter
    uint64_t padding[8]

cdef bint worker_init(Worker* worker, Block* block, int32_t id) noexcept nogil
cdef void worker_free(Worker* worker) noexcept nogil
# Forget the last block. Nobody may be in it any more.
cdef void worker_reset(Worker* worker) noexcept nogil
# Work until the block has ended, or until everything left is somebody else's.
cdef void worker_run(Worker* worker) noexcept nogil
# Run on to index `until`, or to where the block ends, while nobody else is in it: no speculation,
# no records, no sharing.
cdef void worker_run_alone(Worker* worker, int64_t until) noexcept nogil
