"""A relay: workers share a block of short transactions by handing the frontier on from batch to batch.

Publishing a run ahead of the frontier, to be found by others, costs as much as a short transaction. So here
nothing is published. A worker claims a batch and runs it ahead of the frontier: on what is final by then and on
what the batch itself has written (view/batch_writes.pxd). When the frontier reaches the batch, the worker commits
what it has run, runs again what was wrong, and runs the rest at the frontier; with the commit index it
hands the frontier to the worker that has claimed what follows.

No other worker looks at what a batch has run, so statuses say nothing, and one store of the commit index takes the
place of one for each transaction. What runs leave until the batch is committed lies in an arena that begins
anew with each batch, and stays in the worker's cache.

Right by the same proof as speculation: a run ahead is committed only where all its conditions are true of the exact
prefix. No batch is forgotten: each index is claimed once, and the worker that claimed it leaves it only with the block.
No two workers own the frontier: it is that of the worker whose batch the commit index is in, and only
this worker takes the index out of it.

Order of writes: the owner of the frontier publishes the commit index (sequentially consistent) after all that it
changed; the next owner loads it (likewise) before it touches any of that. So one that parks sees the index, or is seen.

A worker cannot help another with its batch. So where batches take long, or runs ahead are often wrong, the workers
leave the block and come back without a relay.
"""
from libc.stdint cimport int32_t

from blockstm._native.engine.worker.blocks cimport Block, Worker

cdef enum:
    RELAYED_NS = 4_000           # longer transactions are worth publishing
    RELAY_STALLS_MAX = 3         # batches that take too long before the workers go on without a relay


cdef inline bint relay_pays(const Block* block) noexcept nogil:
    """Whether to relay a block that is about to be shared."""
    return block.always_relays or (block.may_relay and block.run_ns < RELAYED_NS)


# Before the workers come in; false where memory has run out.
cdef bint relays_are_ready(Worker* workers, int32_t count) noexcept nogil
# Work until the block has ended or is stopped.
cdef void relay_run(Worker* worker) noexcept nogil
