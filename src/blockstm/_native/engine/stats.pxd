"""What is told of how a block ran: counts, times, conflicts, spans; all have left it by then."""
from libc.stdint cimport int32_t, int64_t

from blockstm._native.engine.context cimport Context
from blockstm._native.engine.worker.blocks cimport Worker

# The members of a `blockstm.types.Stats`, but for `transactions`.
cdef dict stats_of(Context context, Worker* worker, int32_t workers, int64_t started_ns)
