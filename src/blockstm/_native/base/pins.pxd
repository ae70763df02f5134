"""States that blocks run on, which refuse to be changed meanwhile."""


cdef class Pinned:
    cdef long pins  # blocks that are running on it; guarded by the lock of its class, as is the next
    cdef int pins_pid  # the process that they run in

    cdef void count_pins(self, long change, int pid) noexcept  # takes the lock of its class
    cdef void add_pins(self, long change, int pid) noexcept nogil  # under the lock
    cdef long pins_in(self, int pid) noexcept nogil  # how many are of that process; under the lock


cdef class Pin:
    cdef Pinned state
    cdef object below
    cdef int pid

    cdef void release(self) noexcept


cdef Pin pin_on(Pinned state)
