"""The engine: sets a block up, lets the workers in, and says what came out; see the ``.pxd``."""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT32_MAX, INT64_MAX, UINT64_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset
from libcpp.atomic cimport memory_order_acquire, memory_order_relaxed
from libcpp.vector cimport vector

from blockstm.types import Outcome

from blockstm._native.abi cimport BLOCKSTM_VM_NEEDS_GIL
from blockstm._native.blocks cimport Block, Worker
from blockstm._native.context cimport Context
from blockstm._native.cursors cimport (
    events_announce, events_leave, events_wait, monitor_destroy, monitor_init, monitor_lock,
    monitor_unlock, monitor_wait, monitor_wake_all, now_ns,
)
from blockstm._native.explorer cimport (
    EXPLORED_WORKERS, Decision, Explorer, explorer_pause,
)
from blockstm._native.frontier cimport (
    BLOCK_INVALID, CUT, DELTA_FAILED, GOES_ON, LIMIT_FAILED, OUT_OF_MEMORY, STATE_FAILED,
    TRANSACTION_FAILED, Answer, Frontier, frontier_outcome,
)
from blockstm._native.hashing cimport process_seed
from blockstm._native.interner cimport interner_free, interner_init, interner_reset
from blockstm._native.scheduler cimport STOP, STOP_NO_MEMORY, Task, scheduler_stopping
from blockstm._native.slots cimport (
    POINT_CLAIM, POINT_COMMIT, POINT_JOIN, POINT_LEAVE, POINT_LOOK, POINT_PARK, POINT_PUBLISH,
    POINT_VALIDATE, view_pause,
)
from blockstm._native.stats cimport stats_of
from blockstm._native.throttle cimport throttle_begin
from blockstm._native.values cimport PAYLOAD_SKIP, Payload
from blockstm._native.worker cimport (
    worker_free, worker_init, worker_keep_timeline, worker_reset, worker_run, worker_run_alone,
)

cdef extern from "<cstdlib>" namespace "std" nogil:
    void* aligned_alloc(size_t alignment, size_t size)

cdef enum:
    START = 16                       # transactions run alone to learn how long one takes
    SHARING_PAYS_NS = 300_000        # below so much work, waking helpers costs more than it gives
    SHARED_TASK_NS = 1_000           # a shared transaction costs about so much more than an own one
    GATE_WAIT_NS = 1_000_000_000

POINTS = {POINT_CLAIM: "claim", POINT_LOOK: "look", POINT_PUBLISH: "publish",
          POINT_VALIDATE: "validate", POINT_COMMIT: "commit", POINT_PARK: "park",
          POINT_JOIN: "join", POINT_LEAVE: "leave"}

# ---------------------------------------------------------------- called back from the workers


cdef int ask_limit(void* engine, int32_t index, const Answer* answer) noexcept nogil:
    with gil:
        return ask_python_limit(<Engine>engine, index, answer)


cdef int ask_python_limit(Engine engine, int32_t index, const Answer* answer) noexcept:
    try:
        status, value, error, gas = engine.context.outcome(index, answer)
        return 1 if engine.limit(Outcome(index, status, value, error, gas)) else 0
    except BaseException as raised:
        engine.limit_error = raised
        return -1


cdef bint poll_signals(void* engine) noexcept nogil:
    with gil:
        return signal_came(<Engine>engine)


cdef bint signal_came(Engine engine) noexcept:
    try:
        PyErr_CheckSignals()
    except BaseException as raised:
        engine.interrupt = raised
        return True
    return False


class GasCap:
    """A cap on a block's gas that needs more than 64 bits, as a limit that is called."""

    def __init__(self, limit):
        self.left = limit

    def __call__(self, outcome):
        if outcome.gas_used > self.left:
            return True
        self.left -= outcome.gas_used
        return False

# ---------------------------------------------------------------- the engine


cdef class Engine:
    """Memory and gate for up to ``workers`` workers."""

    def __cinit__(self, int32_t workers):
        cdef int32_t id
        self.workers = workers
        monitor_init(&self.gate.monitor)
        monitor_init(&self.block.scheduler.events.monitor)
        self.block.frontier.store = &self.block.store
        self.worker = <Worker*>calloc(workers, sizeof(Worker))
        if self.worker == NULL or not interner_init(&self.block.store.interner, process_seed()):
            raise MemoryError
        for id in range(workers):
            if not worker_init(&self.worker[id], &self.block, id):
                raise MemoryError

    def __dealloc__(self):
        cdef int32_t id
        if self.worker != NULL:
            for id in range(self.workers):
                worker_free(&self.worker[id])
            free(self.worker)
        interner_free(&self.block.store.interner)
        free(self.block.scheduler.task)
        free(self.block.frontier.outcome)
        free(self.block.frontier.plain)
        free(self.block.frontier.written)
        monitor_destroy(&self.gate.monitor)
        monitor_destroy(&self.block.scheduler.events.monitor)

    # ------------------------------------------------------------ helpers

    def help(self, int32_t id):
        """Be worker ``id`` in every block that wants one, until `shut`. The thread's whole life."""
        cdef uint64_t seen = 0
        cdef bint joined
        while True:
            with nogil:
                joined = gate_enter(&self.gate, id, &seen)
            if not joined:
                return
            if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
                work(&self.worker[id])
            else:
                with nogil:
                    work(&self.worker[id])
            with nogil:
                gate_leave(&self.gate)

    def shut(self):
        """Send the helpers home for good."""
        monitor_lock(&self.gate.monitor)
        self.gate.closed_for_good = True
        monitor_wake_all(&self.gate.monitor)
        monitor_unlock(&self.gate.monitor)

    cdef void open_gate(self, int32_t workers) noexcept nogil:
        monitor_lock(&self.gate.monitor)
        self.gate.generation += 1
        self.gate.wanted = workers
        self.gate.open = True
        monitor_wake_all(&self.gate.monitor)
        monitor_unlock(&self.gate.monitor)

    cdef void close_gate(self) noexcept nogil:
        """Let nobody in any more, and wait until all are out."""
        monitor_lock(&self.gate.monitor)
        self.gate.open = False
        while self.gate.inside:
            monitor_wait(&self.gate.monitor, GATE_WAIT_NS)
        monitor_unlock(&self.gate.monitor)

    # ------------------------------------------------------------ one block

    cdef int reserve_outcomes(self, int64_t count) except -1:
        cdef Frontier* frontier = &self.block.frontier
        if count > self.outcome_capacity:
            free(frontier.outcome)
            free(frontier.plain)
            self.outcome_capacity = 0
            frontier.outcome = <Answer*>malloc(count * sizeof(Answer))
            frontier.plain = <uint8_t*>malloc(count)
            if frontier.outcome == NULL or frontier.plain == NULL:
                raise MemoryError
            self.outcome_capacity = count
        return 0

    cdef int reserve_tasks(self, int64_t count) except -1:
        if count > self.task_capacity:
            free(self.block.scheduler.task)
            self.task_capacity = 0
            self.block.scheduler.task = <Task*>aligned_alloc(sizeof(Task), count * sizeof(Task))
            if self.block.scheduler.task == NULL:
                raise MemoryError
            self.task_capacity = count
        memset(<void*>self.block.scheduler.task, 0, count * sizeof(Task))
        return 0

    cdef int set_limit(self, object limit) except -1:
        self.limit = limit
        self.limit_error = None
        self.block.frontier.has_gas_limit = False
        self.block.frontier.ask_limit = NULL
        if isinstance(limit, int) and limit > UINT64_MAX:
            self.limit = limit = GasCap(limit)
        if isinstance(limit, int):
            self.block.frontier.has_gas_limit = True
            self.block.frontier.gas_limit = limit
        elif limit is not None:
            self.block.frontier.ask_limit = ask_limit
            self.block.frontier.limit_context = <void*>self
        return 0

    cdef int begin(self, Context context, int64_t count, object options) except -1:
        """Set everything up that the workers will find."""
        cdef int32_t id
        cdef Block* block = &self.block
        if count > INT32_MAX // 2:
            raise OverflowError(f"a block of {count} transactions is too long")
        self.reserve_outcomes(count)
        for id in range(self.workers):
            worker_reset(&self.worker[id])
            if not worker_keep_timeline(&self.worker[id], options.timeline):
                raise MemoryError
        interner_reset(&block.store.interner)
        self.context = context
        self.interrupt = None
        context.enter(&block.store, self.workers)
        block.vm = context.vm
        block.store.exclusive = True
        block.store.interner.alone = True
        memset(&block.store.skip, 0, sizeof(Payload))
        block.store.skip.kind = PAYLOAD_SKIP
        block.store.estimates = options.estimates
        block.max_incarnations = options.max_incarnations
        block.revalidation = options.revalidation
        block.throttle = options.throttle
        block.workers = 1
        block.poll = poll_signals
        block.poll_context = <void*>self
        block.frontier.written_count = 0
        block.frontier.gas_used = 0
        block.frontier.ending = GOES_ON
        block.frontier.all_plain = True
        block.frontier.error = 0
        block.scheduler.count = count
        block.scheduler.frontier.next.store(0)
        block.scheduler.execution.next.store(0)
        block.scheduler.revalidation.next.store(0)
        block.scheduler.revalidation_end.next.store(0)
        throttle_begin(block, options.window)
        block.scheduler.stopping.store(0)
        return 0

    cdef bint starts_alone(self) noexcept:
        """Run a few transactions alone; whether the rest is too little to share."""
        cdef int64_t count = self.block.scheduler.count
        cdef int64_t task_ns, started = now_ns()
        if count <= START:
            return True
        self.run_alone(START)
        task_ns = (now_ns() - started) // START
        return task_ns < SHARED_TASK_NS or task_ns * (count - START) < SHARING_PAYS_NS

    cdef int run_alone(self, int64_t until) except -1:
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            worker_run_alone(&self.worker[0], until)
        else:
            with nogil:
                worker_run_alone(&self.worker[0], until)
        return 0

    cdef int share(self, int32_t workers) except -1:
        """From here on the block is shared: what is committed stays as it is."""
        cdef Block* block = &self.block
        self.reserve_tasks(block.scheduler.count)
        block.store.exclusive = False
        block.store.interner.alone = False
        block.workers = workers
        block.scheduler.execution.next.store(block.scheduler.frontier.next.load())
        return 0

    cdef int run_shared(self, int32_t workers) except -1:
        self.share(workers)
        self.open_gate(workers)
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            worker_run(&self.worker[0])
            with nogil:
                self.close_gate()
        else:
            with nogil:
                worker_run(&self.worker[0])
                self.close_gate()
        return 0

    cdef int run_explored(self, int32_t workers, Explorer* explorer) except -1:
        """Like `run_shared`, every worker under the explorer's hand."""
        cdef int32_t id
        self.share(workers)
        self.block.poll = NULL
        self.block.lead_earned_by = INT64_MAX  # a lead depends on the clock
        for id in range(workers):
            self.worker[id].view.pause = explorer_pause
            self.worker[id].view.pause_context = explorer
        self.open_gate(workers)
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            work(&self.worker[0])
        else:
            with nogil:
                work(&self.worker[0])
        with nogil:
            self.close_gate()
        for id in range(workers):
            self.worker[id].view.pause = NULL
        return 0

    def run(self, Context context, int64_t count, int32_t workers, options, *, bint skip_invalid,
            limit, bint learn, bint streaming):
        """Run a block. (final, ending, outcomes, writes, gas_used, stats).

        ``workers`` is how many may work; under ``learn`` the first few transactions decide
        whether more than one does.
        """
        cdef int64_t started = now_ns()
        self.begin(context, count, options)
        self.block.frontier.skip_invalid = skip_invalid
        self.block.streaming = streaming
        self.set_limit(limit)
        if workers > count:
            workers = <int32_t>count
        if workers <= 1 or (learn and self.starts_alone()):
            workers = 1
            self.run_alone(count)
        elif not scheduler_stopping(&self.block.scheduler):
            self.run_shared(workers)
        return self.finished(workers, started)

    def explore(self, Context context, int64_t count, int32_t workers, options, *,
                bint skip_invalid, limit, choices, uint64_t steps_max):
        """Run a block under the explorer; what `run` gives, the trace, and whether it got stuck."""
        cdef Explorer explorer
        cdef vector[Decision] trace
        cdef vector[uint32_t] wanted = choices
        cdef int64_t started = now_ns()
        if not 1 <= workers <= EXPLORED_WORKERS:
            raise ValueError(f"1 to {EXPLORED_WORKERS} workers can be explored, not {workers}")
        self.begin(context, count, options)
        self.block.frontier.skip_invalid = skip_invalid
        self.block.streaming = False
        self.set_limit(limit)
        memset(&explorer, 0, sizeof(explorer))
        monitor_init(&explorer.monitor)
        explorer.scheduler = &self.block.scheduler
        explorer.workers = workers
        explorer.current = -1
        explorer.choices = wanted.data()
        explorer.choice_count = wanted.size()
        explorer.trace = &trace
        explorer.steps_max = steps_max
        explorer.holds_gil = context.vm.flags & BLOCKSTM_VM_NEEDS_GIL
        self.run_explored(workers, &explorer)
        monitor_destroy(&explorer.monitor)
        decisions = [
            (decision.options, decision.chosen, decision.worker, POINTS[decision.point],
             decision.index)
            for decision in trace]
        return self.finished(workers, started), decisions, bool(explorer.stuck)

    def finished(self, int32_t workers, int64_t started_ns):
        """What came out of the block that was run last."""
        cdef int64_t final = self.block.scheduler.frontier.next.load(memory_order_acquire)
        if self.context.interrupt is not None:
            self.interrupt = self.context.interrupt
        ending = self.ending()
        outcomes = self.context.outcomes(&self.block.frontier, <int32_t>final)
        writes = self.context.writes(&self.block.frontier)
        stats = stats_of(self.context, self.worker, workers, started_ns)
        return final, ending, outcomes, writes, stats

    cdef object ending(self):
        """How the block ended: its name, and the exception behind it."""
        cdef uint64_t error = self.block.frontier.error
        cdef int32_t index = <int32_t>self.block.scheduler.frontier.next.load()
        cdef Answer answer
        if self.interrupt is not None:  # whatever else happened, nobody else will raise it
            return "interrupted", self.interrupt
        ending = self.block.frontier.ending
        if ending == GOES_ON:
            if index == self.block.scheduler.count:
                return "complete", None
            if self.block.scheduler.stopping.load() == STOP_NO_MEMORY:
                return "memory", MemoryError("out of memory while a block was run")
            return "interrupted", self.interrupt
        if ending == CUT:
            return "cut", None
        if ending == TRANSACTION_FAILED or ending == BLOCK_INVALID:
            answer = frontier_outcome(&self.block.frontier, index)
            error_of = self.context.exception(index, &answer)
            return "invalid" if ending == BLOCK_INVALID else "transaction", error_of
        if ending == DELTA_FAILED:
            return "transaction", self.context.delta_error(&self.block.frontier)
        if ending == STATE_FAILED:
            return "state", <object><void*>error if error else None
        if ending == LIMIT_FAILED:
            return "limit", self.limit_error
        return "memory", MemoryError("out of memory while a block was run")

    # ------------------------------------------------------------ streaming

    def prepare(self):
        """Before a streamed block is begun: nothing of the last one counts any more."""
        self.block.scheduler.frontier.next.store(0)
        self.block.scheduler.stopping.store(0)

    @property
    def stopping(self):
        """Whether the block has ended or is about to."""
        return bool(scheduler_stopping(&self.block.scheduler))

    def wait_final(self, int64_t after, int64_t ns_max):
        """How many transactions are final; waits until more than ``after`` are, the block has
        ended, or ``ns_max`` ns have passed. Callable from any thread while a block runs."""
        cdef uint32_t key
        cdef int64_t final
        with nogil:
            key = events_announce(&self.block.scheduler.events)
            final = self.block.scheduler.frontier.next.load()
            if final <= after and not scheduler_stopping(&self.block.scheduler):
                events_wait(&self.block.scheduler.events, key, ns_max)
            events_leave(&self.block.scheduler.events)
            final = self.block.scheduler.frontier.next.load()
        return final

    def outcome(self, int32_t index):
        """The outcome of a final transaction of the block that runs or ran last."""
        cdef Answer answer
        if not 0 <= index < self.block.scheduler.frontier.next.load(memory_order_acquire):
            raise IndexError(f"transaction {index} is not final")
        answer = frontier_outcome(&self.block.frontier, index)
        status, value, error, gas = self.context.outcome(index, &answer)
        return Outcome(index, status, value, error, gas)

    def stop(self):
        """Have a running block stop where it is; from any thread."""
        self.block.scheduler.stopping.fetch_or(STOP)

    def release(self):
        """Let go of the last block's objects."""
        self.context = None
        self.limit = None

# ---------------------------------------------------------------- helpers of helpers


cdef void work(Worker* worker) noexcept nogil:
    """What one worker does in one block."""
    view_pause(&worker.view, POINT_JOIN, -1)
    worker_run(worker)
    view_pause(&worker.view, POINT_LEAVE, -1)


cdef bint gate_enter(Gate* gate, int32_t id, uint64_t* seen) noexcept nogil:
    """Wait for a block that wants worker ``id``, and join it; false: go home."""
    monitor_lock(&gate.monitor)
    while not gate.closed_for_good:
        if gate.generation != seen[0]:
            seen[0] = gate.generation
            if gate.open and id < gate.wanted:
                gate.inside += 1
                monitor_unlock(&gate.monitor)
                return True
        monitor_wait(&gate.monitor, GATE_WAIT_NS)
    monitor_unlock(&gate.monitor)
    return False


cdef void gate_leave(Gate* gate) noexcept nogil:
    monitor_lock(&gate.monitor)
    gate.inside -= 1
    if gate.inside == 0:
        monitor_wake_all(&gate.monitor)
    monitor_unlock(&gate.monitor)
