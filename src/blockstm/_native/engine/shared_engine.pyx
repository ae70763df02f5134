"""An engine that many threads share; see the ``.pxd``."""
cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from posix.unistd cimport getpid, usleep

import _thread
import atexit
import threading

from blockstm.errors import ClosedError, ForkedError, ReentrantError

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.base.cursors cimport now_ns
from blockstm._native.engine.barrier cimport barrier_shut
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.engine cimport Engine
from blockstm._native.engine.request cimport Request
from blockstm._native.engine.turns cimport (
    TURN_BUSY, TURN_CLOSED, TurnTaken, turn_await_free, turn_await_offer, turn_await_threads,
    turn_close, turn_destroy, turn_expect, turn_init, turn_is_closed, turn_is_driven_by, turn_is_last, turn_is_of,
    turn_leave, turn_take,
)

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        pass
    PyThreadState* PyThreadState_Get() noexcept
    uint64_t PyThreadState_GetID(PyThreadState*) noexcept

cdef enum:
    WAIT_NS = 50_000_000            # who waits looks for signals so often
    ARRIVAL_NS = 1_000_000_000      # a thread that takes longer to start may come later
    IDLE_NS = 1_000_000_000
    EXIT_NS = 2_000_000_000         # how long the interpreter's end waits for a transaction that does not end


cdef uint64_t this_thread() noexcept:
    """A number of the calling thread that no other ever has."""
    return PyThreadState_GetID(PyThreadState_Get())


cdef class Background:
    cdef void drive(self) noexcept:
        pass

    cdef void cut_off(self) noexcept:
        pass


cdef class SharedEngine(Engine):
    """An engine, its turn, and its threads."""

    def __cinit__(self, int32_t workers):
        turn_init(&self.turn)
        self.threads = []
        self.thread = <Atomic[uint64_t]*>calloc(workers, sizeof(uint64_t))
        if self.thread == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.thread)
        if self.pid == getpid():
            turn_destroy(&self.turn)

    # ------------------------------------------------------------ turns

    cdef int check_usable(self) except -1:
        if self.pid != getpid():
            raise ForkedError("this executor was made in another process: make one in this process")
        if turn_is_closed(&self.turn):
            raise ClosedError("this executor is closed")
        return 0

    cdef int enter(self) except -1:
        """Take the turn. The caller calls `leave` afterwards, come what may."""
        cdef uint64_t thread = this_thread()
        cdef TurnTaken taken
        self.check_usable()
        if self.is_inside(thread):
            raise ReentrantError(
                "this thread is already inside a block of this executor (a VM that calls it, or a "
                "stream left open): use another executor, or close the stream"
            )
        taken = turn_take(&self.turn, thread, 0)
        while taken == TURN_BUSY:
            with nogil:
                taken = turn_take(&self.turn, thread, WAIT_NS)
            if taken == TURN_BUSY:
                PyErr_CheckSignals()
        if taken == TURN_CLOSED:
            raise ClosedError("this executor is closed")
        self.prepare()
        return 0

    cdef void leave(self) noexcept:
        """Use the turn no more. The last one releases the block's objects, and then the turn."""
        cdef BoundVm vm = None
        cdef object limit = None, options = None, interrupt = None
        cdef bint over
        with cython.critical_section(self):  # of two that leave at once, one is the last
            if turn_is_last(&self.turn):
                # Their destructors run when the turn is free: at the end of this function.
                vm, self.vm = self.vm, None
                limit, self.limit = self.limit, None
                options, self.options = self.options, None
                interrupt, self.interrupt = self.interrupt, None
            over = turn_leave(&self.turn, this_thread())
        if over:
            barrier_shut(&self.barrier)

    cdef void open_stream(self, Background block) noexcept:
        """That block's stream has the turn; None: no stream has it."""
        with cython.critical_section(self):
            self.open = block

    cdef void close(self) noexcept:
        """Admit no more callers, and end an open stream; the threads end when the turn is free."""
        cdef Background open
        with cython.critical_section(self):
            open = self.open
        if turn_close(&self.turn):
            barrier_shut(&self.barrier)
        if open is not None:
            open.cut_off()

    cdef int await_free(self) except -1:
        """Wait until the turn is free."""
        cdef bint free = turn_await_free(&self.turn, 0)
        while not free:
            with nogil:
                free = turn_await_free(&self.turn, WAIT_NS)
            PyErr_CheckSignals()
        return 0

    cdef bint is_inside(self, uint64_t thread) noexcept:
        """Whether a thread has the turn, or works for who has."""
        return turn_is_of(&self.turn, thread) or self.works_here(thread)

    cdef bint works_here(self, uint64_t thread) noexcept:
        """Whether it runs transactions of a block: then it must not wait for the turn."""
        cdef int32_t id
        cdef bint is_streaming
        for id in range(self.workers):
            if self.thread[id].observe() == thread:
                return True
        with cython.critical_section(self):
            is_streaming = self.open is not None
        return turn_is_driven_by(&self.turn, thread) or (
            not is_streaming and turn_is_of(&self.turn, thread))

    # ------------------------------------------------------------ threads

    cdef int32_t workers_for(self, Request request) except -1:
        """How many may work on a block."""
        cdef int32_t workers = self.workers if self.workers < request.workers else request.workers
        if workers > request.count:
            workers = <int32_t>request.count
        return max(workers, 1)

    cdef bint call_helpers(self, bint waits) except -1:
        """Start helpers where some are missing; whether any may be expected.

        A block that a gate has opened goes on meanwhile: to start one takes longer than many a block, and
        who comes late finds the barrier open.
        """
        return self.hire(False, waits)

    cdef int hire_all(self) except -1:
        """All helpers, however late they begin; a RuntimeError where one cannot be started."""
        cdef int32_t id
        self.hire(False, True)
        while not self.await_threads():
            PyErr_CheckSignals()
        for id in range(1, self.workers):
            if self.thread[id].observe() == 0:
                raise RuntimeError(f"{self.workers - 1} threads are needed, and not all could be started")
        return 0

    cdef bint hire(self, bint driver, bint waits) except -1:
        """Start the threads that are missing; whether a driver, or else any helper, has come, or may yet.

        Where none can be started there are fewer; the next block tries again. They are started by
        another thread, as signal handlers, which may raise in the middle of `Thread.start`, run in the main
        thread alone.
        """
        cdef int32_t id, first = 0 if driver else 1
        cdef int32_t end = 1 if driver else self.workers
        cdef list missing = [id for id in range(first, end) if self.thread[id].observe() == 0]
        if missing and not waits and not turn_await_threads(&self.turn, 0):
            return True  # they are being started
        if missing:
            turn_expect(&self.turn, <int32_t>len(missing))
            try:
                _thread.start_new_thread(self.start_threads, (missing,))
            except BaseException as error:
                turn_expect(&self.turn, -<int32_t>len(missing))
                if not isinstance(error, Exception):
                    raise
            else:
                if not waits:
                    return True
                self.await_threads()
        for id in range(first, end):
            if self.thread[id].observe() != 0:
                return True
        return False

    cdef bint await_threads(self) noexcept:
        """Wait until those that are being started have come, or for `ARRIVAL_NS`; whether they have."""
        cdef bint have_come
        with nogil:
            have_come = turn_await_threads(&self.turn, ARRIVAL_NS)
        return have_come

    def start_threads(self, list ids):
        """Start one thread for each; the life of the thread that does it."""
        cdef int32_t coming = <int32_t>len(ids)
        try:
            for id in ids:
                thread = threading.Thread(
                    target=self.help if id else self.run_offered, args=(id,), daemon=True,
                    name=f"blockstm-{id}" if id else "blockstm-stream",
                )
                self.threads.append(thread)
                try:
                    thread.start()
                except BaseException:
                    self.threads.remove(thread)
                    raise
                coming -= 1  # it says itself that it has come
        except BaseException:  # no error to report: fewer threads do the work
            return
        finally:
            turn_expect(&self.turn, -coming)

    cdef bint arrive(self, int32_t id) except -1:
        """The calling thread is ``id`` from here on, unless another is."""
        cdef uint64_t nobody = 0
        cdef bint welcome = self.thread[id].replace(nobody, this_thread())
        try:
            if welcome:
                WITH_THREADS.add(self)
        except BaseException:
            self.thread[id].publish(0)
            raise
        finally:
            turn_expect(&self.turn, -1)
        return welcome

    cdef void depart(self, int32_t id) noexcept:
        self.thread[id].publish(0)
        if not self.has_threads():
            WITH_THREADS.discard(self)
            if self.has_threads():  # one has come meanwhile
                WITH_THREADS.add(self)

    def help(self, int32_t id):
        """A helper's life."""
        if not self.arrive(id):
            return
        try:
            self.help_until_shut(id)
        finally:
            self.depart(id)

    def run_offered(self, int32_t id):
        """The driver's life: it runs the blocks of streams."""
        cdef Background background
        cdef uint64_t thread = this_thread()
        cdef bint offered
        if not self.arrive(id):
            return
        try:
            while True:
                with nogil:
                    offered = turn_await_offer(&self.turn, thread, IDLE_NS)
                if not offered:
                    return
                background, self.offered = self.offered, None
                background.drive()
                background = None
        finally:
            self.depart(id)

    cdef bint has_threads(self) noexcept:
        cdef int32_t id
        for id in range(self.workers):
            if self.thread[id].observe() != 0:
                return True
        return False

# ---------------------------------------------------------------- at the end of the interpreter
#
# A daemon thread that wants the GIL then is ended in the middle of whatever it does, with noise; so ours have
# ended before.

cdef set WITH_THREADS = set()


@atexit.register
def end_threads():
    """Stop what runs, and wait until its threads have ended, or for `EXIT_NS`."""
    cdef SharedEngine engine
    cdef list engines = [engine for engine in list(WITH_THREADS) if engine.pid == getpid()]
    cdef int64_t until = now_ns() + EXIT_NS
    for engine in engines:
        engine.close()
        engine.stop()
    for engine in engines:
        while engine.has_threads() and now_ns() < until:
            with nogil:
                usleep(200)
