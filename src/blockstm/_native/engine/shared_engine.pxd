"""An engine that many threads share: whose turn it is, and which threads work for it.

Everything that takes a turn or gives it back is native code, in which no Python code runs: signal handlers run
only where `PyErr_CheckSignals` is called, that is, while a thread waits. So no exception can come between
having the turn and its being known who gives it back: a function that leaves it before it returns, or an
object that leaves it when it goes (`Stream`'s, see streams.pxd).

Threads: any. What the turn does not order is atomic, or stands in a critical section, which is nothing where there
is a GIL; none is held while anything waits or Python code may run.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.engine cimport Engine
from blockstm._native.engine.request cimport Request
from blockstm._native.engine.turns cimport Turn


# A stream's block, as the engine sees it (streams.pxd).
cdef class Background:
    cdef void drive(self) noexcept     # run it; called by the driver
    cdef void cut_off(self) noexcept   # end it, whether or not its outcomes were read


cdef class SharedEngine(Engine):
    cdef Turn turn
    cdef Atomic[uint64_t]* thread  # what works here: helpers under their number, the driver under 0; 0: none
    cdef list threads              # as Python objects, to be joined
    cdef Background offered        # what the driver is to run next
    cdef Background open           # the block whose stream has the turn; in critical sections

    cdef int check_usable(self) except -1
    cdef void open_stream(self, Background block) noexcept
    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef void close(self) noexcept
    cdef int await_free(self) except -1
    cdef bint is_inside(self, uint64_t thread) noexcept
    cdef bint works_here(self, uint64_t thread) noexcept

    cdef int32_t workers_for(self, Request request) except -1
    cdef int hire_all(self) except -1
    cdef bint hire(self, bint driver, bint waits) except -1
    cdef bint await_threads(self) noexcept
    cdef bint arrive(self, int32_t id) except -1
    cdef void depart(self, int32_t id) noexcept
    cdef bint has_threads(self) noexcept

cdef uint64_t this_thread() noexcept
