"""Streams; see the ``.pxd``."""
cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t
from posix.unistd cimport getpid

from blockstm.errors import ClosedError, ForkedError, ReentrantError

from blockstm._native.base.cursors cimport (
    EventCount, events_announce, events_leave, events_notify, events_wait,
)
from blockstm._native.engine.request cimport Request
from blockstm._native.engine.shared_engine cimport Background, SharedEngine, this_thread
from blockstm._native.engine.turns cimport turn_disown, turn_drive, turn_offer, turn_use

cdef enum:
    WAIT_NS = 20_000_000   # who waits looks for signals so often
    ENDED = -1             # there are no more outcomes
    NOT_YET = -2


@cython.final
@cython.no_gc_clear  # what gives the turn back must be whole when it goes
cdef class StreamedBlock(Background):
    """A block that runs in the background."""

    cdef int begin(self) except -1:
        """Have it run. The caller has the turn, and leaves it to us."""
        cdef SharedEngine engine = self.engine
        self.is_held = True
        engine.open_stream(self)
        self.workers = engine.workers_for(self.request)
        self.has_driver = engine.hire(True, True)
        if self.has_driver:
            engine.offered = self
            turn_offer(&engine.turn)
        else:
            self.pin = self.request.pin()
            engine.set_up(self.request, False)
        return 0

    cdef void drive(self) noexcept:
        cdef object result = None, error = None, pin = None
        cdef Request request = self.request
        try:
            pin = request.pin()
            result = self.conclude(*self.engine.run(request, self.workers, True))
        except BaseException as raised:
            error = raised
        pin = None
        self.end(result, error)
        self.engine.leave()

    cdef void end(self, object result, object error) noexcept:
        """The last transaction was run, or will not be."""
        cdef Request request
        with cython.critical_section(self):
            self.result, self.error = result, error
            self.has_ended = True
            request, self.request = self.request, None  # its destructors run at the end
        events_notify(&self.engine.block.scheduler.events)

    cdef void give_up(self) noexcept:
        """The stream is closed: have the block stop, and leave the turn to who still uses it."""
        cdef Request request = None
        cdef object pin = None
        cdef bint was_held
        with cython.critical_section(self):
            was_held, self.is_held = self.is_held, False
        if not was_held:
            return
        self.engine.open_stream(None)
        turn_disown(&self.engine.turn)
        self.engine.stop()
        if not self.has_driver:
            # The destructors of what it holds run when the turn is free.
            with cython.critical_section(self):
                pin, self.pin = self.pin, None
                request, self.request = self.request, None
            pin = None
        self.engine.leave()

    cdef void cut_off(self) noexcept:
        with cython.critical_section(self):
            self.was_cut_off = self.is_held
        self.give_up()

    cdef bint holds(self) noexcept:
        """Whether the handle still uses the turn."""
        with cython.critical_section(self):
            return self.is_held

    cdef bint use(self) noexcept:
        """Use the turn until `leave`, if the handle does: it cannot have left between the two."""
        with cython.critical_section(self):
            if self.is_held:
                turn_use(&self.engine.turn, this_thread())
            return self.is_held

    # ------------------------------------------------------------ reading

    cdef object take(self):
        """The next outcome; raises what the stream ends with."""
        cdef SharedEngine engine = self.engine
        cdef int64_t index
        if engine.pid != getpid():
            raise ForkedError("this stream was opened in another process")
        if self.holds() and engine.works_here(this_thread()):
            raise ReentrantError("a stream cannot be read by what it runs")
        if self.use():
            try:
                index = self.await_outcome() if self.has_driver else self.step()
                if index != ENDED:
                    return engine.outcome(<int32_t>index)
            except BaseException:
                self.give_up()
                self.await_end()
                raise
            finally:
                engine.leave()
        if self.was_cut_off:
            raise ClosedError("the executor was closed while this stream was open")
        error = self.exhaust()
        self.give_up()
        if error is not None:
            raise error
        raise StopIteration

    cdef object exhaust(self):
        """All outcomes were read: the error that the stream ends with, which one reader is told, or None."""
        with cython.critical_section(self):
            if not self.is_held:
                return None
            self.is_exhausted = True
            error, self.error = self.error, None
            return error

    cdef int64_t next_final(self) noexcept:
        """The index of the next outcome, from here on the caller's alone; or ENDED or NOT_YET."""
        cdef bint has_ended
        with cython.critical_section(self):
            has_ended = self.has_ended  # asked first: what became final before that counts
            if self.taken < self.engine.final():
                self.taken += 1
                return self.taken - 1
        return ENDED if has_ended else NOT_YET

    cdef int64_t await_outcome(self) except? -3:
        """Like `next_final`, but waits until there is one, or the stream is closed."""
        cdef EventCount* events = &self.engine.block.scheduler.events
        cdef uint32_t key
        cdef int64_t index
        while self.holds():
            key = events_announce(events)
            index = self.next_final()
            if index == NOT_YET:
                with nogil:
                    events_wait(events, key, WAIT_NS)
            events_leave(events)
            if index != NOT_YET:
                return index
            PyErr_CheckSignals()
        return ENDED

    cdef int64_t step(self) except? -3:
        """Like `next_final`, but runs the block up to there."""
        cdef int64_t index = self.next_final()
        if index != NOT_YET:
            return index
        if not self.begin_step():
            raise ReentrantError("another thread is reading this stream")
        turn_drive(&self.engine.turn, this_thread())
        try:
            self.run_further()
        finally:
            with cython.critical_section(self):
                self.is_stepping = False
            turn_drive(&self.engine.turn, 0)
            events_notify(&self.engine.block.scheduler.events)
        return self.next_final()

    cdef bint begin_step(self) noexcept:
        """Whether the calling thread is the one that runs the block."""
        cdef bint is_first
        with cython.critical_section(self):
            is_first = not self.is_stepping
            self.is_stepping = True
        return is_first

    cdef int run_further(self) except -1:
        """Run one more transaction; where there is none, end."""
        cdef SharedEngine engine = self.engine
        cdef Request request
        cdef object result = None, error = None, pin = None
        with cython.critical_section(self):
            request = self.request
            self.has_ended |= request is None
        if request is None:  # given up by another thread
            return 0
        engine.run_alone(min(self.taken + 1, request.count))
        if engine.final() == self.taken:
            try:
                result = self.conclude(*engine.finished(1))
            except BaseException as raised:
                error = raised
            with cython.critical_section(self):
                pin, self.pin = self.pin, None
            pin = None
            self.end(result, error)
        return 0

    # ------------------------------------------------------------ closing

    cdef int close(self) except -1:
        """Stop the block and wait until it has."""
        if self.engine.pid != getpid():  # a forked child has nothing to close
            return 0
        if self.holds() or self.is_running():
            if self.engine.works_here(this_thread()):
                raise ReentrantError("a stream cannot be closed by what it runs")
            self.give_up()
            self.await_end()
        return 0

    cdef bint is_running(self) noexcept:
        with cython.critical_section(self):
            return self.is_stepping or (self.has_driver and not self.has_ended)

    cdef int await_end(self) except -1:
        """Wait until no transaction of the block runs any more."""
        cdef EventCount* events = &self.engine.block.scheduler.events
        cdef uint32_t key
        while self.is_running():
            key = events_announce(events)
            if self.is_running():
                with nogil:
                    events_wait(events, key, WAIT_NS)
            events_leave(events)
            PyErr_CheckSignals()
        return 0


@cython.final
@cython.no_gc_clear
cdef class StreamHandle:
    """An open stream: where it goes, its block stops."""

    @staticmethod
    cdef StreamHandle of(SharedEngine engine, Request request, object conclude, object kept):
        """Of a block that runs from here on.

        Raises:
            ClosedError, ForkedError, ReentrantError: the turn cannot be had.
        """
        cdef StreamHandle self = StreamHandle.__new__(StreamHandle)
        cdef StreamedBlock block = StreamedBlock.__new__(StreamedBlock)
        block.engine = engine
        block.request = request
        block.conclude = conclude
        self.block = block
        self.kept = kept
        engine.enter()
        block.begin()  # where it fails, the handle goes, and the turn with it
        return self

    def __dealloc__(self):
        if self.block is not None and self.block.engine.pid == getpid():
            self.block.give_up()

    def take(self):
        """The next outcome; raises what the stream ends with."""
        return self.block.take()

    def close(self):
        """Stop the block and wait until it has."""
        self.block.close()

    @property
    def result(self):
        """Of the block, once all of it was read."""
        with cython.critical_section(self.block):
            return self.block.result if self.block.is_exhausted else None
