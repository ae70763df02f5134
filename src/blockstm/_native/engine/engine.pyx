"""The engine: sets a block up, has the workers run it, and collects the results; see the ``.pxd``."""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset
from libcpp.vector cimport vector
from posix.unistd cimport getpid

from blockstm.types import Outcome

from blockstm._native.abi cimport (
    BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_STATE_HASHED, BLOCKSTM_VM_ASKS, BLOCKSTM_VM_NEEDS_GIL, BLOCKSTM_VM_WATCHES,
)
from blockstm._native.base.cursors cimport events_notify, monitor_destroy, monitor_init, now_ns
from blockstm._native.base.hashing cimport process_seed
from blockstm._native.base.pages cimport pages_free, pages_take
from blockstm._native.engine.barrier cimport (
    PoolTask, barrier_close, barrier_enter, barrier_leave, barrier_open, barrier_run_task,
)
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.expectations cimport expected_in, members_of, report_on
from blockstm._native.engine.expected cimport Expected
from blockstm._native.engine.explorer cimport (
    Explorer, explorer_decisions, explorer_free, explorer_pause,
)
from blockstm._native.engine.frontier cimport (
    BLOCK_INVALID, CUT, DELTA_FAILED, LIMIT_FAILED, RUNNING, STATE_FAILED,
    TRANSACTION_FAILED, ExecutionResult, Frontier, frontier_free, frontier_outcome,
)
from blockstm._native.engine.gate cimport is_profitable_at_once, learn_pace, run_until_profitable
from blockstm._native.engine.limit cimport BlockLimit
from blockstm._native.engine.mvmemory.interner cimport (
    interner_free, interner_free_outgrown, interner_init, interner_reset, interner_rest,
)
from blockstm._native.engine.mvmemory.listed cimport (
    list_values, listed_in, members_of_listed,
)
from blockstm._native.engine.mvmemory.pieces cimport pieces_free
from blockstm._native.engine.mvmemory.spares cimport Spares
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_TOMBSTONE, Payload
from blockstm._native.engine.request cimport Request
from blockstm._native.engine.scheduler cimport (
    BACK_OFF, STOP, STOP_NO_MEMORY, Scheduler, Task, scheduler_stopping,
)
from blockstm._native.engine.sequential_phase cimport (
    begin_sequential_phase, forget_speculation, reclaim_overwritten,
)
from blockstm._native.engine.stats cimport stats_of
from blockstm._native.engine.view.accesses cimport POINT_JOIN, POINT_LEAVE, view_pause
from blockstm._native.engine.worker.blocks cimport BATCH_MAX, BATCH_NS, Block, Worker
from blockstm._native.engine.worker.relay cimport relay_pays, relay_run, relays_are_ready
from blockstm._native.engine.worker.throttle cimport end_back_off, throttle_begin, throttle_share
from blockstm._native.engine.worker.worker cimport (
    worker_commit_executed, worker_free, worker_init, worker_keep_timeline, worker_reset, worker_rest,
    worker_rest_speculation, worker_run, worker_run_alone,
)

cdef enum:
    EXPLORED_RELAY = 2     # transactions of a batch in a relay that is explored
    NEVER_RELAYED = BLOCKSTM_VM_NEEDS_GIL | BLOCKSTM_VM_WATCHES | BLOCKSTM_VM_ASKS
    HINTED_RUN_NS = 4_000  # hints are not looked at where transactions are shorter, and none is said to be long ...
    LISTED_RUN_NS = 2_000  # ... nor are listed values

# ---------------------------------------------------------------- called back from the workers


cdef bint poll_signals(void* engine) noexcept nogil:
    with gil:
        return signal_came(<Engine>engine)


cdef bint signal_came(Engine engine) noexcept:
    cdef bint came = False
    try:
        PyErr_CheckSignals()
    except BaseException as raised:
        engine.interrupt = raised
        came = True
    return came

# ---------------------------------------------------------------- the engine


cdef class Engine:
    """Memory and barrier for up to ``workers`` workers."""

    def __cinit__(self, int32_t workers):
        cdef int32_t id
        self.workers = workers
        self.pid = getpid()
        monitor_init(&self.barrier.monitor)
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
        pages_free(self.block.scheduler.task)
        frontier_free(&self.block.frontier)
        if self.pid == getpid():  # in a forked child, monitors remember threads that are not there
            monitor_destroy(&self.barrier.monitor)
            monitor_destroy(&self.block.scheduler.events.monitor)

    # ------------------------------------------------------------ the other workers

    cdef bint call_helpers(self, bint waits) except -1:
        """Whether other workers may be expected; ``waits``: until one has come."""
        return True

    cdef int help_until_shut(self, int32_t id) except -1:
        """Be worker ``id`` in every block that wants one, until the pool is shut down."""
        cdef uint64_t seen = 0
        cdef bint joined
        while True:
            with nogil:
                joined = self.help_without_gil(id, &seen)
            if not joined:
                return 0
            work(&self.worker[id])
            with nogil:
                barrier_leave(&self.barrier)

    cdef bint help_without_gil(self, int32_t id, uint64_t* seen) noexcept nogil:
        """Work until a block needs the GIL: true, and the worker has entered it. False: the pool is shut down."""
        while barrier_enter(&self.barrier, id, seen):
            if self.barrier.task != NULL:
                self.barrier.task(self.barrier.argument, id)
            elif self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
                return True
            else:
                work(&self.worker[id])
            barrier_leave(&self.barrier)
        return False

    # ------------------------------------------------------------ one block

    cdef int reserve_outcomes(self, int64_t count) except -1:
        cdef Frontier* frontier = &self.block.frontier
        if count > self.outcome_capacity:
            pages_free(frontier.outcome)
            free(frontier.plain)
            self.outcome_capacity = 0
            frontier.outcome = <ExecutionResult*>pages_take(count * sizeof(ExecutionResult))
            frontier.plain = <uint8_t*>malloc(count)
            if frontier.outcome == NULL or frontier.plain == NULL:
                raise MemoryError
            self.outcome_capacity = count
        return 0

    cdef int reserve_tasks(self, int64_t count) except -1:
        if count > self.task_capacity:
            pages_free(self.block.scheduler.task)
            self.task_capacity = 0
            self.block.scheduler.task = <Task*>pages_take(count * sizeof(Task))
            if self.block.scheduler.task == NULL:
                raise MemoryError
            self.task_capacity = count
        memset(<void*>self.block.scheduler.task, 0, count * sizeof(Task))
        return 0

    cdef int set_expected(self, Request request) except -1:
        """Use what is expected of the block."""
        self.expected = expected_in(request.expectations, request.count, request.schedule)
        self.block.scheduler.expected = members_of(self.expected)
        return self.set_listed(request)

    cdef int set_listed(self, Request request) except -1:
        """Use listed values: then no transaction is held, as its reads are answered. Python objects are none.

        What a list has under a code's hash nobody has hashed, so the state's word for that is not taken.
        """
        cdef bint is_used = (self.block.scheduler.expected != NULL
                             and self.block.store.numbers.domain != BLOCKSTM_NUMBERS_OBJECT)
        self.listed = listed_in(request.listed, request.count) if is_used else None
        self.block.listed = members_of_listed(self.listed)
        if self.listed is not None:
            self.expected.hold_none()
            if self.listed.values.has_codes:
                self.block.store.state_flags &= ~BLOCKSTM_STATE_HASHED
        return 0

    cdef int begin(self, BoundVm vm, int64_t count, object options) except -1:
        """Set everything up that the workers will find."""
        cdef Block* block = &self.block
        if count > INT32_MAX // 2:
            raise OverflowError(f"a block of {count} transactions is too long")
        self.reserve_outcomes(count)
        self.options = options
        self.begin_sharing(options)
        self.make_ready(0, 1)
        self.begin_store(options)
        self.vm = vm
        self.interrupt = None
        vm.enter(&block.store, self.workers)
        vm.parallel_for = parallel_for
        vm.pool = <void*>self
        vm.stopping = &block.scheduler.stopping
        block.vm = vm.called
        block.max_incarnations = options.max_incarnations
        block.revalidation = options.revalidation
        block.poll = poll_signals
        block.poll_context = <void*>self
        self.begin_frontier(vm)
        self.begin_scheduler(count)
        throttle_begin(block, options.window)
        return 0

    cdef void begin_store(self, object options) noexcept:
        """Nothing is known of any location, and one worker has the store to itself."""
        cdef Block* block = &self.block
        interner_reset(&block.store.interner)
        block.store.interner.fresh = NULL
        block.store.listed.prepare(NULL)
        block.store.exclusive = True
        block.store.reclaims.prepare(0)
        block.store.interner.alone = True
        memset(&block.store.spares, 0, sizeof(Spares))
        memset(&block.store.tombstone, 0, sizeof(Payload))
        block.store.tombstone.kind = PAYLOAD_TOMBSTONE
        block.store.estimates = options.estimates

    cdef void begin_frontier(self, BoundVm vm) noexcept:
        """Nothing is committed."""
        cdef Frontier* frontier = &self.block.frontier
        frontier.admission = vm.admission
        frontier.written_count = 0
        if frontier.rewritten_words:
            memset(frontier.rewritten, 0, frontier.rewritten_words * sizeof(uint64_t))
        frontier.segments = 0
        frontier.gas_used = 0
        frontier.status = RUNNING
        frontier.all_plain = True
        frontier.error = 0

    cdef void begin_scheduler(self, int64_t count) noexcept:
        """Nothing is claimed. A stream that was closed before its block began stops it here."""
        cdef Scheduler* scheduler = &self.block.scheduler
        scheduler.count = count
        scheduler.frontier.next.prepare(0)
        scheduler.execution.next.prepare(0)
        scheduler.revalidation.next.prepare(0)
        scheduler.revalidation_end.next.prepare(0)
        scheduler.stopping.write_in_order(0)
        if self.unwanted.read_in_order():  # written before `stop` asks for it: one of the two sees the other
            scheduler.stopping.add_flags(STOP)

    cdef void begin_sharing(self, object options) noexcept:
        """One worker, and nothing known of how long a run takes."""
        cdef Block* block = &self.block
        block.throttle = options.throttle
        block.may_back_off = True
        block.batch_max = BATCH_MAX
        block.relays = False
        block.relay_wrong = block.relay_stalls = 0
        block.run_ns = BATCH_NS
        block.alone_ns = block.shared_from_ns = 0
        block.alone_is_typical = False
        block.unprofitable.prepare(0)
        block.workers = 1
        block.shared = False

    cdef int run_until_sharing_is_profitable(self) except -1:
        """Run alone up to where the gate opens."""
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            run_until_profitable(&self.block, &self.worker[0])
        else:
            with nogil:
                run_until_profitable(&self.block, &self.worker[0])
        return 0

    cdef int run_alone(self, int64_t until) except -1:
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            worker_run_alone(&self.worker[0], until)
        else:
            with nogil:
                worker_run_alone(&self.worker[0], until)
        return 0

    cdef int commit_executed(self) except -1:
        """All other workers have left: commit what they ran ahead of the frontier, as far as it is valid."""
        self.block.scheduler.stopping.remove_flags(BACK_OFF)  # a STOP that came meanwhile stays
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            worker_commit_executed(&self.worker[0])
        else:
            with nogil:
                worker_commit_executed(&self.worker[0])
        return 0

    cdef int make_ready(self, int32_t first, int32_t end) except -1:
        """Have workers ``first`` to ``end - 1`` forget the last block."""
        cdef int32_t id
        for id in range(first, end):
            worker_reset(&self.worker[id])
            if not worker_keep_timeline(&self.worker[id], self.options.timeline):
                raise MemoryError
        return 0

    cdef int share(self, int32_t workers) except -1:
        """Begin to share the block: committed values are not overwritten in place any more."""
        cdef Block* block = &self.block
        self.make_ready(1, workers)
        self.weigh_hints()
        self.begin_listed()
        self.weigh_relay()
        self.reserve_tasks(block.scheduler.count)
        memset(<void*>block.scheduler.claimed, 0, sizeof(block.scheduler.claimed))
        memset(<void*>block.scheduler.announced, 0, sizeof(block.scheduler.announced))
        self.speculate(workers)
        throttle_share(block)
        return 0

    cdef int begin_listed(self) except -1:
        """Have the workers take listed values, unless what has run so far wrote others."""
        cdef Block* block = &self.block
        if block.listed == NULL:
            return 0
        self.listed.make_room()
        if not list_values(block.listed, &block.store.interner, &block.store.numbers, &self.worker[0].view.ids,
                           block.scheduler.frontier.next.observe()):
            block.listed = NULL
        block.store.listed.prepare(block.listed)
        return 0

    cdef void weigh_hints(self) noexcept:
        """Forget hints where runs are so short that one in vain costs less than what is to be done for hints.

        With listed values none is in vain, so they stay where transactions are not very short.
        """
        cdef Block* block = &self.block
        cdef Expected* expected = block.scheduler.expected
        if expected == NULL or expected.lists_reads or expected.has_long:
            return
        if block.run_ns < HINTED_RUN_NS:
            block.scheduler.expected = NULL
        if block.run_ns < LISTED_RUN_NS:
            block.listed = NULL

    cdef void weigh_relay(self) noexcept:
        """A relay knows no hints and keeps no Python objects; and runs that are recorded are not short."""
        cdef Block* block = &self.block
        cdef object wanted = self.options.relay
        block.may_relay = (wanted is not False and block.scheduler.expected == NULL and block.listed == NULL
                           and block.store.numbers.domain != BLOCKSTM_NUMBERS_OBJECT
                           and not block.vm.flags & NEVER_RELAYED)
        block.always_relays = block.may_relay and wanted is True

    cdef void speculate(self, int32_t workers) noexcept:
        """Begin to speculate: all transactions before the frontier are final."""
        cdef Block* block = &self.block
        if block.listed != NULL:
            block.listed.from_index = block.scheduler.frontier.next.observe()
        block.shared = True
        block.relays = relay_pays(block) and relays_are_ready(self.worker, workers)
        block.store.exclusive = False
        block.store.interner.alone = False
        block.workers = workers
        block.scheduler.execution.next.prepare(block.scheduler.frontier.next.observe())
        end_back_off(block, block.scheduler.frontier.next.observe())

    cdef int run_shared(self, int32_t workers, bint checks_profit) except -1:
        """Share the block; if ``checks_profit``, only as long as that pays."""
        self.share(workers)
        while True:
            barrier_open(&self.barrier, workers)
            if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
                share_work(&self.worker[0])
                with nogil:
                    barrier_close(&self.barrier)
            else:
                with nogil:
                    share_work(&self.worker[0])
                    barrier_close(&self.barrier)
            if self.block.scheduler.stopping.observe() != BACK_OFF:
                return 0
            self.run_sequential_phase()
            if checks_profit:
                self.run_until_sharing_is_profitable()
            if scheduler_stopping(&self.block.scheduler):
                return 0
            self.speculate(workers)

    cdef int run_sequential_phase(self) except -1:
        """All other workers have left: keep what is valid, forget what else ran ahead, and run alone for a while."""
        cdef Block* block = &self.block
        cdef int64_t until = block.sequential_until
        self.commit_executed()
        if scheduler_stopping(&block.scheduler):
            return 0
        forget_speculation(block)
        if block.store.reclaims.observe():
            self.vm.reclaim(&block.frontier)
            reclaim_overwritten(block, self.worker, self.workers)
        begin_sequential_phase(block)
        return self.run_alone(min(until, block.scheduler.count))

    cdef int run_explored(self, int32_t workers, Explorer* explorer) except -1:
        """Like `run_shared`, every worker under the explorer's hand."""
        cdef int32_t id
        self.share(workers)
        self.block.poll = NULL
        # The length of a batch depends on the clock, ...
        self.block.batch_max = EXPLORED_RELAY if self.block.relays else 1
        self.block.may_back_off = False  # ... as does whether a sequential phase would pay
        for id in range(workers):
            self.worker[id].view.pause = explorer_pause
            self.worker[id].view.pause_context = explorer
        barrier_open(&self.barrier, workers)
        if self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            work(&self.worker[0])
        else:
            with nogil:
                work(&self.worker[0])
        with nogil:
            barrier_close(&self.barrier)
        for id in range(workers):
            self.worker[id].view.pause = NULL
        return 0

    cdef int set_up(self, Request request, bint streaming) except -1:
        """Everything before the first transaction."""
        self.began_ns = now_ns()
        self.begin(request.vm, request.count, request.options)
        self.block.frontier.skip_invalid = request.skip_invalid
        self.block.streaming = streaming
        self.limit = BlockLimit(request.limit, request.vm)
        self.limit.set_on(&self.block.frontier)
        self.set_expected(request)
        return 0

    cdef object run(self, Request request, int32_t workers, bint streaming):
        """Run a block. (final, ending, outcomes, writes, stats).

        ``workers`` is how many may work; with the option ``gate`` only one does while sharing would
        not pay.
        """
        cdef bint checks_profit = request.options.gate
        self.set_up(request, streaming)
        if workers > request.count:
            workers = <int32_t>request.count
        if workers <= 1:
            self.run_alone(request.count)
            return self.rested(self.finished(1))
        if checks_profit and not is_profitable_at_once(&self.block, &self.worker[0], &self.pace):
            self.run_until_sharing_is_profitable()
        if self.block.scheduler.frontier.next.observe() == request.count or scheduler_stopping(
                &self.block.scheduler):
            workers = 1
        elif self.call_helpers(not checks_profit):
            self.run_shared(workers, checks_profit)
        else:
            workers = 1
            self.run_alone(request.count)
        learn_pace(&self.pace, &self.block, self.worker, workers)
        return self.rested(self.finished(workers))

    cdef object explore(self, Request request, choices, uint64_t steps_max, uint64_t reads_max):
        """Run a block under the explorer; what `run` gives, the trace, and whether it got stuck."""
        cdef Explorer explorer
        cdef vector[uint32_t] wanted
        cdef int32_t workers = self.workers
        # One by one: the conversion of a whole list copies it where nobody catches what a copy throws.
        for choice in choices:
            wanted.push_back(choice)
        self.set_up(request, False)
        memset(&explorer, 0, sizeof(explorer))
        monitor_init(&explorer.monitor)
        explorer.scheduler = &self.block.scheduler
        explorer.workers = workers
        explorer.current = -1
        explorer.choices = wanted.data()
        explorer.choice_count = wanted.size()
        explorer.steps_max = steps_max
        explorer.reads_max = reads_max
        explorer.holds_gil = self.block.vm.flags & BLOCKSTM_VM_NEEDS_GIL
        try:
            self.run_explored(workers, &explorer)
            decisions = explorer_decisions(&explorer)
        finally:
            monitor_destroy(&explorer.monitor)
            explorer_free(&explorer)
        finished = self.finished(workers)
        if explorer.no_memory:
            raise MemoryError
        return finished, decisions, bool(explorer.stuck)

    cdef object finished(self, int32_t workers):
        """What came out of the block that was run last."""
        cdef int32_t id
        cdef int64_t final = self.block.scheduler.frontier.next.observe()
        if self.vm.interrupt is not None:
            self.interrupt = self.vm.interrupt
        interner_free_outgrown(&self.block.store.interner)
        ending = self.ending()
        for id in range(self.workers):  # no other results than those of the frontier are copied
            worker_rest_speculation(&self.worker[id])
        outcomes, writes = self.vm.results(&self.block.frontier, <int32_t>final)
        for id in range(self.workers):
            pieces_free(&self.worker[id].view.pieces)  # those results are copies
        stats = stats_of(self.vm, self.worker, workers, self.began_ns)
        stats["hints"] = report_on(self.expected, self.listed.report() if self.block.listed != NULL else {})
        return final, ending, outcomes, writes, stats

    cdef object rested(self, result):
        """The result, and others may have the memory of the block, unless its outcomes are asked for one by one."""
        cdef int32_t id
        if not self.block.streaming:
            interner_rest(&self.block.store.interner)
            for id in range(self.workers):
                worker_rest(&self.worker[id])
        return result

    cdef object ending(self):
        """How the block ended: its name, and the exception behind it."""
        cdef uint64_t error = self.block.frontier.error
        cdef int32_t index = <int32_t>self.block.scheduler.frontier.next.observe()
        cdef ExecutionResult result
        if self.interrupt is not None:  # before all else: only this raises it
            return "interrupted", self.interrupt
        ending = self.block.frontier.status
        if ending == RUNNING:
            if index == self.block.scheduler.count:
                return "complete", None
            if self.block.scheduler.stopping.observe() == STOP_NO_MEMORY:
                return "memory", MemoryError("out of memory while a block was run")
            return "interrupted", self.interrupt
        if ending == CUT:
            return "cut", None
        if ending == TRANSACTION_FAILED or ending == BLOCK_INVALID:
            result = frontier_outcome(&self.block.frontier, index)
            error_of = self.vm.exception(index, &result)
            return "invalid" if ending == BLOCK_INVALID else "transaction", error_of
        if ending == DELTA_FAILED:
            return "transaction", self.vm.delta_error(&self.block.frontier)
        if ending == STATE_FAILED:
            return "state", <object><void*>error if error else self.vm.read_error()
        if ending == LIMIT_FAILED:
            return "limit", self.limit.error
        return "memory", MemoryError("out of memory while a block was run")

    # ------------------------------------------------------------ streaming

    cdef void prepare(self) noexcept:
        """Before a streamed block is begun: nothing of the last one counts any more."""
        self.unwanted.write_in_order(0)
        self.block.scheduler.frontier.next.write_in_order(0)
        self.block.scheduler.stopping.write_in_order(0)

    cdef int64_t final(self) noexcept nogil:
        """How many transactions are final."""
        return self.block.scheduler.frontier.next.observe()

    cdef object outcome(self, int32_t index):
        """The outcome of a final transaction of the block that runs or ran last."""
        cdef ExecutionResult result = frontier_outcome(&self.block.frontier, index)
        status, value, error, gas = self.vm.outcome(index, &result)
        return Outcome(index, status, value, error, gas)

    cdef void stop(self) noexcept nogil:
        """Have the block stop where it is, begun or not; from any thread."""
        self.unwanted.write_in_order(1)
        self.block.scheduler.stopping.add_flags(STOP)
        events_notify(&self.block.scheduler.events)

# ---------------------------------------------------------------- for the workers


cdef void parallel_for(void* pool, PoolTask task, void* argument) noexcept:
    """Do a task with all workers that the block had."""
    cdef Engine engine = <Engine>pool
    with nogil:
        barrier_run_task(&engine.barrier, engine.block.workers, task, argument)


cdef void work(Worker* worker) noexcept nogil:
    """What one worker does in one block."""
    view_pause(&worker.view, POINT_JOIN, -1)
    share_work(worker)
    view_pause(&worker.view, POINT_LEAVE, -1)


cdef void share_work(Worker* worker) noexcept nogil:
    """Work on the block with others, until it has ended or is stopped."""
    if worker.block.relays:
        relay_run(worker)
    else:
        worker_run(worker)
