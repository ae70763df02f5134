"""The limit of a block; see the ``.pxd``."""
from libc.stdint cimport int32_t

from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport ExecutionResult, Frontier

from blockstm.types import Outcome

cdef object NO_MEMORY_ERROR = MemoryError("out of memory while a block was run")


cdef int ask_limit(void* limit, int32_t index, const ExecutionResult* result) noexcept nogil:
    with gil:
        return ask_python_limit(<BlockLimit>limit, index, result)


cdef int ask_python_limit(BlockLimit limit, int32_t index, const ExecutionResult* result) noexcept:
    cdef int cuts = -1
    limit.error = NO_MEMORY_ERROR  # unless the call below gets to say otherwise
    ask_into(limit, index, result, &cuts)
    return cuts


cdef void ask_into(BlockLimit limit, int32_t index, const ExecutionResult* result, int* cuts) noexcept:
    """See keeping.pxd for what ``cuts`` says."""
    try:
        status, value, error, gas = limit.vm.outcome(index, result)
        cuts[0] = 1 if limit.limit(Outcome(index, status, value, error, gas)) else 0
    except BaseException as raised:
        limit.error = raised


cdef class BlockLimit:
    def __cinit__(self, limit, BoundVm vm not None):
        self.limit, self.vm = limit, vm

    cdef int set_on(self, Frontier* frontier) except -1:
        frontier.has_gas_limit = isinstance(self.limit, int)
        if frontier.has_gas_limit:
            frontier.gas_limit = self.limit
        frontier.ask_limit = NULL
        if self.limit is not None and not frontier.has_gas_limit:
            frontier.ask_limit, frontier.limit_context = ask_limit, <void*>self
        return 0
