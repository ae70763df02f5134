"""What a block runs on: a VM, a state, and how their keys and values are Python objects.

The engine is handed one context a block. `objects.pyx` makes them for Python VMs and
`natives.pyx` for native ones.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libcpp.atomic cimport atomic

from blockstm._native.abi cimport blockstm_vm
from blockstm._native.engine.barrier cimport Job
from blockstm._native.engine.frontier cimport Admission, Answer, Frontier
from blockstm._native.engine.mvmemory.numbers cimport Numbers
from blockstm._native.engine.mvmemory.store cimport ReadBase, Store

# Has all the workers of a block that has ended do a job; returns when they have. Called with the GIL.
ctypedef void (*Together)(void* crew, Job job, void* argument) noexcept


cdef class Context:
    cdef Together together              # set by the engine, as are the crew
    cdef void* crew
    cdef const blockstm_vm* vm
    cdef ReadBase read_base
    cdef void* read_context
    cdef Numbers numbers
    cdef Admission admission            # cleared where the transactions share nothing but the state
    cdef Store* store
    cdef atomic[uint32_t]* stopping     # the scheduler's word; set by the engine
    cdef readonly object interrupt      # what stops the block whichever run it came up in

    # An exception that is no `Exception` ends the block, even if the run it came up in does not count.
    cdef void give_up_on(self, object error) noexcept
    # A block begins on this store, with so many workers.
    cdef void enter(self, Store* store, int32_t workers)
    # (status, value, error, gas) of an answer.
    cdef tuple outcome(self, int32_t index, const Answer* answer)
    # All answers of a final prefix, as a sequence of Outcome, and what it wrote, as a mapping.
    cdef tuple results(self, const Frontier* frontier, int32_t count)
    # The exception of a failed delta.
    cdef object delta_error(self, Frontier* frontier)
    # The exception behind an `Answer.value` or a `Frontier.error`.
    cdef object exception(self, int32_t index, const Answer* answer)
    # The key of a location.
    cdef object key(self, uint32_t location)
