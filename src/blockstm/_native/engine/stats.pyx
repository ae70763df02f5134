"""What is told of how a block ran; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from heapq import nlargest

from blockstm.types import Span

from blockstm._native.base.cursors cimport now_ns
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.worker.blocks cimport (
    ABORT_CAUSES, ABORT_ESTIMATE, ABORT_FRONTIER, ABORT_STOPPED, ABORT_VALIDATION, PHASE_COMMIT,
    PHASE_EXECUTE, PHASE_PARK, PHASE_PUBLISH, PHASE_VALIDATE, WORK_PHASES, Worker,
)
from blockstm._native.engine.worker.conflicts cimport Conflicts, conflicts_add
from blockstm._native.engine.worker.timeline cimport Span as NativeSpan

cdef enum:
    CONFLICTS_TOLD = 64

cdef dict ACTIVITIES = {PHASE_EXECUTE: "execute", PHASE_VALIDATE: "validate",
                        PHASE_PUBLISH: "publish", PHASE_COMMIT: "commit", PHASE_PARK: "park"}


cdef dict stats_of(BoundVm vm, Worker* worker, int32_t workers, int64_t started_ns):
    cdef double seconds = (now_ns() - started_ns) / 1e9
    cdef uint64_t incarnations = 0, dropped = 0
    cdef uint64_t aborts[ABORT_CAUSES]
    cdef double phases[WORK_PHASES]
    cdef int32_t id
    memset(aborts, 0, sizeof(aborts))
    memset(phases, 0, sizeof(phases))
    busy = []
    parked = []
    for id in range(workers):
        add_up(&worker[id], aborts, phases)
        incarnations += worker[id].incarnations
        dropped += worker[id].timeline.dropped if worker[id].timeline != NULL else 0
        busy.append(worker[id].busy_ns / 1e9)
        parked.append(worker[id].parked_ns / 1e9)
    return {
        "workers": workers, "incarnations": incarnations, "seconds": seconds,
        "aborts": {
            "validation": aborts[<int>ABORT_VALIDATION], "frontier": aborts[<int>ABORT_FRONTIER],
            "estimate": aborts[<int>ABORT_ESTIMATE], "stopped": aborts[<int>ABORT_STOPPED]},
        "phases": {
            "execute": phases[<int>PHASE_EXECUTE], "validate": phases[<int>PHASE_VALIDATE],
            "publish": phases[<int>PHASE_PUBLISH], "commit": phases[<int>PHASE_COMMIT]},
        "busy": tuple(busy), "parked": tuple(parked),
        "conflicts": conflicts_of(vm, worker, workers),
        "timeline": timeline_of(worker, workers, started_ns), "spans_dropped": dropped}


cdef void add_up(const Worker* worker, uint64_t* aborts, double* phases) noexcept:
    cdef int place
    for place in range(ABORT_CAUSES):
        aborts[place] += worker.aborts[place]
    for place in range(WORK_PHASES):
        phases[place] += worker.phase_ns[place] / 1e9


cdef tuple conflicts_of(BoundVm vm, Worker* worker, int32_t workers):
    """(key, aborts) of the locations with the most aborts, the most first."""
    cdef Conflicts all_workers = [NULL, 0, 0]
    cdef Conflicts* own
    cdef int32_t id
    cdef uint32_t place
    for id in range(workers):
        own = &worker[id].conflicts
        for place in range(own.capacity if own.count else 0):
            if own.at[place].aborts:
                conflicts_add(&all_workers, own.at[place].location, own.at[place].aborts)
    if not all_workers.count:
        return ()
    counts = [(all_workers.at[place].aborts, all_workers.at[place].location)
              for place in range(all_workers.capacity) if all_workers.at[place].aborts]
    free(all_workers.at)
    return tuple([(vm.key(location), aborts)
                  for aborts, location in nlargest(CONFLICTS_TOLD, counts)])


cdef tuple timeline_of(Worker* worker, int32_t workers, int64_t started_ns):
    """The spans of all workers, one worker after another, each in the order of time."""
    cdef const NativeSpan* span
    cdef int32_t id
    cdef uint64_t place
    spans = []
    for id in range(workers):
        if worker[id].timeline == NULL:
            continue
        for place in range(worker[id].timeline.count):
            span = &worker[id].timeline.span[place]
            spans.append(Span(
                id, ACTIVITIES[span.activity], span.begin_ns - started_ns, span.end_ns - started_ns,
                span.index if span.index >= 0 else None,
                span.incarnation if span.index >= 0 else None))
    return tuple(spans)
