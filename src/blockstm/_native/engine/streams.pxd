"""Streams: a block that a driver thread runs while readers take its outcomes.

Three may use the turn of a streamed block: the driver that runs it, the handle that stands for the stream,
and a reader of an outcome. Each leaves the turn by itself, in any order; the last one frees it. So a stream
may be closed, dropped or cut off at any time, by any thread, without a wait.

Where no thread can be started there is no driver: then each read of the stream runs the block a little further.

Threads: any. What several of them do with a `StreamedBlock` stands in critical sections, which are nothing where
there is a GIL; none is held while anything waits or Python code may run.
"""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.request cimport Request
from blockstm._native.engine.shared_engine cimport Background, SharedEngine


cdef class StreamedBlock(Background):
    cdef SharedEngine engine
    cdef Request request           # None once it has ended
    cdef object conclude           # makes a result, or an error, of what the engine gives
    cdef object pin                # of a block without a driver
    cdef int32_t workers
    cdef bint is_held              # the handle still uses the turn
    cdef bint was_cut_off
    cdef bint has_driver
    cdef bint is_stepping          # a reader runs it
    cdef bint has_ended
    cdef bint is_exhausted
    cdef int64_t taken             # outcomes that were given out
    cdef object result
    cdef object error

    cdef int begin(self) except -1
    cdef void end(self, object result, object error) noexcept
    cdef void give_up(self) noexcept
    cdef bint holds(self) noexcept
    cdef bint use(self) noexcept

    cdef object take(self)
    cdef object exhaust(self)
    cdef int64_t next_final(self) noexcept
    cdef int64_t await_outcome(self) except? -3
    cdef int64_t step(self) except? -3
    cdef bint begin_step(self) noexcept
    cdef int run_further(self) except -1

    cdef int close(self) except -1
    cdef bint is_running(self) noexcept
    cdef int await_end(self) except -1


cdef class StreamHandle:
    cdef StreamedBlock block
    cdef object kept               # what the executor's threads live as long as

    @staticmethod
    cdef StreamHandle of(SharedEngine engine, Request request, object conclude, object kept)
