"""One run of a transaction: executing it on the view, and what it came to.

For the owner of the transaction.
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

from blockstm._native.abi cimport BLOCKSTM_OK
from blockstm._native.engine.frontier cimport ExecutionResult, Write
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport note_conflict
from blockstm._native.engine.view.accesses cimport Access, View
from blockstm._native.engine.view.view cimport view_begin
from blockstm._native.engine.worker.blocks cimport AbortCause, Worker
from blockstm._native.engine.worker.conflicts cimport conflicts_add
from blockstm._native.engine.worker.expecting cimport judge_expectation


cdef inline int32_t run(Worker* worker, int32_t index, bint final_prefix) noexcept nogil:
    """One incarnation; what the VM's `execute` returned."""
    cdef const void* context = worker.block.vm.context
    cdef int32_t status
    view_begin(&worker.view, index, final_prefix)
    worker.incarnations += 1
    status = worker.block.vm.execute(<void*>context, &worker.view.public_part, index)
    if worker.block.scheduler.expected != NULL:
        judge_expectation(worker, index)
    return status


cdef inline ExecutionResult result_of(const View* view, int32_t status) noexcept nogil:
    cdef ExecutionResult result
    result.faulted = view.fault != BLOCKSTM_OK
    result.status = view.fault if result.faulted else status
    result.gas = view.gas
    result.output = view.output
    result.output_size = view.output_size
    result.value = view.error if result.faulted else view.value
    return result


cdef inline void list_writes(const View* view, Write* write) noexcept nogil:
    """The run's writes, to where there is room for them."""
    cdef const Access* access
    cdef uint32_t index
    for index in range(view.writes):
        access = &view.access[view.written[index]]
        write[index].location = access.location
        write[index].payload = access.written
        write[index].at.entry = NULL


cdef inline bint collect_writes(Worker* worker) noexcept nogil:
    """The run's writes into ``worker.write``; false where memory has run out."""
    cdef const View* view = &worker.view
    cdef Write* larger
    if view.writes > worker.write_capacity:
        larger = <Write*>realloc(worker.write, 2 * <uint64_t>view.writes * sizeof(Write))
        if larger == NULL:
            return False
        worker.write = larger
        worker.write_capacity = 2 * view.writes
    list_writes(view, worker.write)
    return True


cdef inline void count_abort(Worker* worker, AbortCause cause, uint32_t location) noexcept nogil:
    """A run was aborted because of this location."""
    worker.aborts[<int>cause] += 1
    conflicts_add(&worker.conflicts, location, 1)
    note_conflict(location_at(&worker.block.store.interner, location))
