"""What is told of how a block ran: counts, times, conflicts, spans; all have left it by then."""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.worker.blocks cimport Worker

# The members of a `blockstm.types.Stats`, but for `transactions`.
cdef dict stats_of(BoundVm vm, Worker* worker, int32_t workers, int64_t started_ns)
