"""Pins: what a block that runs on a state holds; see the ``.pxd``.

Threads: any; the counts are guarded by the lock of the class that has them.
"""
cimport cython
from posix.unistd cimport getpid

from contextlib import nullcontext

from blockstm.errors import UsageError


def pin_of(state):
    """A context in which a state refuses to be changed, where it can; nothing is refused by others."""
    return state._pin() if hasattr(state, "_pin") else nullcontext()


@cython.auto_pickle(False)
cdef class Pinned:
    """What can be pinned; ``_pin()`` does. A class with a lock of its own counts its pins under that."""

    cdef void count_pins(self, long change, int pid) noexcept:
        with cython.critical_section(self):
            self.add_pins(change, pid)

    cdef void add_pins(self, long change, int pid) noexcept nogil:
        if self.pins_pid == pid:
            self.pins += change
        elif change > 0:  # the others are of the process that this one was forked from
            self.pins, self.pins_pid = change, pid

    cdef long pins_in(self, int pid) noexcept nogil:
        return self.pins if self.pins_pid == pid else 0


cdef class Pins(Pinned):
    """The pins of a state that is written in Python, which asks `check` before it changes."""

    def pin(self, below):
        """A pin: until it is left, or goes, the state is not to be changed, nor what it stands on."""
        held = pin_of(below)
        pin = pin_on(self)
        pin.below = held
        return pin

    def check(self) -> None:
        """Raise where the state cannot be changed now.

        Raises:
            UsageError: a block is running on it.
        """
        if self.pins_in(getpid()) != 0:
            raise UsageError("the state cannot be changed while a block is running on it")

    def __reduce__(self):
        return Pins, ()  # a copy is not what a block runs on


# What it holds, which makes no cycle, stays until it is gone: it gives back to it.
@cython.final
@cython.no_gc_clear
cdef class Pin:
    """A block that is running on a state: until it is left, as a context, or goes."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.release()

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        cdef Pinned state = self.state
        if state is None:
            return
        self.state = None
        state.count_pins(-1, self.pid)
        self.below = None


cdef Pin pin_on(Pinned state):
    cdef Pin pin = Pin.__new__(Pin)
    pin.pid = getpid()
    state.count_pins(1, pin.pid)
    pin.state = state
    return pin
