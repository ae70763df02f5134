"""A bound VM, which is what a block runs on: a VM, a state, and how their keys and values are Python objects.

The engine is handed one for each block. `objects.pyx` makes them of Python VMs and `natives.pyx` of native ones.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.abi cimport blockstm_prefetch, blockstm_vm
from blockstm._native.engine.barrier cimport PoolTask
from blockstm._native.engine.frontier cimport Admission, ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.numbers cimport Numbers
from blockstm._native.engine.mvmemory.store cimport ReadBase, Store

# Has all workers of a block that has ended do their shares of a task. Called with the GIL.
ctypedef void (*ParallelFor)(void* pool, PoolTask task, void* argument) noexcept


cdef class BoundVm:
    cdef ParallelFor parallel_for       # set by the engine, as is the pool that it is called with
    cdef void* pool
    cdef const blockstm_vm* called      # by the workers
    cdef ReadBase read_base
    cdef void* read_context
    cdef const blockstm_prefetch* prefetcher  # the state's; NULL: it has none
    cdef uint32_t state_flags           # 0 where the state is a Python object
    cdef Numbers numbers
    cdef Admission admission            # cleared where the transactions share nothing but the state
    cdef Store* store
    cdef Atomic[uint32_t]* stopping     # the scheduler's word; set by the engine
    cdef readonly object interrupt      # what ends the block, whichever run raised it

    # An exception that is no `Exception` ends the block, even if the run that raised it is aborted.
    cdef void give_up_on(self, object error) noexcept
    # A block begins on this store, with so many workers.
    cdef void enter(self, Store* store, int32_t workers)
    # Release values that were written while workers shared the block and are not final; nothing runs.
    cdef int reclaim(self, const Frontier* frontier) except -1
    # (status, value, error, gas) of a result.
    cdef tuple outcome(self, int32_t index, const ExecutionResult* result)
    # The results of a final prefix, as a sequence of Outcome, and its writes, as a mapping.
    cdef tuple results(self, const Frontier* frontier, int32_t count)
    # The exception of a failed delta.
    cdef object delta_error(self, Frontier* frontier)
    # The exception behind an `ExecutionResult.value` or a `Frontier.error`.
    cdef object exception(self, int32_t index, const ExecutionResult* result)
    # The key of a location.
    cdef object key(self, uint32_t location)
    # The exception of a read that failed in native code.
    cdef object read_error(self)
