"""The base of what a block runs on; see the ``.pxd``."""
cimport cython
from cpython.exc cimport PyErr_GivenExceptionMatches
from libc.stdint cimport int32_t, uint32_t

from blockstm._native.engine.frontier cimport ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.scheduler cimport STOP


cdef class BoundVm:
    """What a block runs on."""

    cdef void enter(self, Store* store, int32_t workers):
        self.store = store
        self.interrupt = None
        store.numbers = self.numbers
        store.read_base = self.read_base
        store.read_context = self.read_context
        store.prefetcher = self.prefetcher
        store.state_flags = self.state_flags
        store.vm_flags = self.called.flags

    cdef void give_up_on(self, object error) noexcept:
        if PyErr_GivenExceptionMatches(error, Exception):
            return
        with cython.critical_section(self):
            self.interrupt = error
        if self.stopping != NULL:
            self.stopping.add_flags(STOP)

    cdef int reclaim(self, const Frontier* frontier) except -1:
        return 0

    cdef tuple outcome(self, int32_t index, const ExecutionResult* result):
        raise NotImplementedError

    cdef tuple results(self, const Frontier* frontier, int32_t count):
        raise NotImplementedError

    cdef object delta_error(self, Frontier* frontier):
        raise NotImplementedError

    cdef object exception(self, int32_t index, const ExecutionResult* result):
        raise NotImplementedError

    cdef object key(self, uint32_t location):
        raise NotImplementedError

    cdef object read_error(self):
        raise NotImplementedError
