"""What is told of how a block ran; see the ``.pxd``."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free

from heapq import nlargest

from blockstm.types import Span

from blockstm._native.blocks cimport (
    ABORT_ESTIMATE, ABORT_FRONTIER, ABORT_STOPPED, ABORT_VALIDATION, PHASE_COMMIT, PHASE_EXECUTE,
    PHASE_PARK, PHASE_PUBLISH, PHASE_VALIDATE, Worker,
)
from blockstm._native.conflicts cimport Conflicts, conflicts_add
from blockstm._native.context cimport Context
from blockstm._native.cursors cimport now_ns
from blockstm._native.timeline cimport Span as NativeSpan

cdef enum:
    CONFLICTS_TOLD = 64

cdef dict CAUSES = {"validation": ABORT_VALIDATION, "frontier": ABORT_FRONTIER,
                    "estimate": ABORT_ESTIMATE, "stopped": ABORT_STOPPED}
cdef dict PHASES = {"execute": PHASE_EXECUTE, "validate": PHASE_VALIDATE,
                    "publish": PHASE_PUBLISH, "commit": PHASE_COMMIT}
cdef dict ACTIVITIES = {phase: name for name, phase in PHASES.items()} | {PHASE_PARK: "park"}


cdef dict stats_of(Context context, Worker* worker, int32_t workers, int64_t started_ns):
    cdef int64_t ended_ns = now_ns()
    cdef uint64_t incarnations = 0, dropped = 0
    cdef int32_t id
    cdef int place
    aborts = dict.fromkeys(CAUSES, 0)
    phases = dict.fromkeys(PHASES, 0.0)
    for id in range(workers):
        incarnations += worker[id].incarnations
        dropped += worker[id].timeline.dropped if worker[id].timeline != NULL else 0
        for name in CAUSES:
            place = CAUSES[name]
            aborts[name] += worker[id].aborts[place]
        for name in PHASES:
            place = PHASES[name]
            phases[name] += worker[id].phase_ns[place] / 1e9
    return {
        "workers": workers, "incarnations": incarnations, "aborts": aborts, "phases": phases,
        "seconds": (ended_ns - started_ns) / 1e9,
        "busy": tuple([worker[id].busy_ns / 1e9 for id in range(workers)]),
        "parked": tuple([worker[id].parked_ns / 1e9 for id in range(workers)]),
        "conflicts": conflicts_of(context, worker, workers),
        "timeline": timeline_of(worker, workers, started_ns), "spans_dropped": dropped}


cdef tuple conflicts_of(Context context, Worker* worker, int32_t workers):
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
    return tuple([(context.key(location), aborts)
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
