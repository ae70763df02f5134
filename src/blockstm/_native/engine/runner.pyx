"""What an executor is underneath: it enters, runs and leaves a block in one call.

No Python code runs between the entering and the leaving but what the block itself calls, so whatever a signal
handler or an allocation raises, and wherever, the executor is left. See shared_engine.pxd.
"""
cimport cython
from libc.stdint cimport int32_t, uint64_t
from posix.unistd cimport getpid

from blockstm.errors import ReentrantError

from blockstm._native.engine.request cimport Request
from blockstm._native.engine.shared_engine cimport SharedEngine, this_thread
from blockstm._native.engine.streams cimport StreamHandle
from blockstm._native.engine.turns cimport turn_is_closed


@cython.final
@cython.no_gc_clear  # what shuts the threads down must be whole when it is deallocated
cdef class Runner:
    """An engine for up to ``workers`` workers; when it is deallocated, its threads end.

    Thread-safety: every method may be called from any thread.
    """

    cdef SharedEngine engine

    def __cinit__(self, int32_t workers):
        self.engine = SharedEngine(workers)

    def __dealloc__(self):
        if self.engine is not None and self.engine.pid == getpid():
            self.engine.close()

    @property
    def workers(self):
        """How many threads may work on a block, the caller's included."""
        return self.engine.workers

    @property
    def is_usable(self):
        """Whether it is open, and of this process."""
        return self.engine.pid == getpid() and not turn_is_closed(&self.engine.turn)

    def check_usable(self):
        """Raises ClosedError or ForkedError where it is not."""
        self.engine.check_usable()

    def execute(self, Request request not None):
        """Run a block: (final, ending, outcomes, writes, stats)."""
        cdef SharedEngine engine = self.engine
        cdef object pin = None
        engine.enter()
        try:
            pin = request.pin()
            return engine.run(request, engine.workers_for(request), False)
        finally:
            pin = None
            engine.leave()

    def explore(self, Request request not None, choices, uint64_t steps_max, uint64_t reads_max):
        """Run a block under the explorer; what `execute` gives, the trace, and whether it got stuck."""
        cdef SharedEngine engine = self.engine
        cdef object pin = None
        engine.enter()
        try:
            engine.hire_all()
            pin = request.pin()
            return engine.explore(request, choices, steps_max, reads_max)
        finally:
            pin = None
            engine.leave()

    def stream(self, Request request not None, conclude):
        """Run a block in the background: a StreamHandle.

        Args:
            conclude: makes a result, or raises the error, of what `execute` would give.
        """
        return StreamHandle.of(self.engine, request, conclude, self)

    def close(self):
        """Admit no more callers, and wait until all have left; the threads, to be joined.

        An open stream ends. A thread that has not begun by then ends when it does, and is not among
        them. Does nothing in a forked child, which has no such threads.
        """
        cdef SharedEngine engine = self.engine
        if engine.pid != getpid():
            return []
        if engine.works_here(this_thread()):
            raise ReentrantError("an executor cannot be closed by what it runs")
        engine.close()
        engine.await_free()
        engine.await_threads()
        return [thread for thread in list(engine.threads) if thread.is_alive()]
